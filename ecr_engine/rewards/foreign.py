"""Calling code that is not ours: whatever it raises is caught here, told in one line, and kept as the cause.

What it prints goes to stderr: stdout belongs to the command's results.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from ecr_engine.errors import ENDINGS, EcrError

T = TypeVar("T")

_LONGEST = 160
"""Characters of a message that are told."""


@dataclass(frozen=True, slots=True)
class Returned(Generic[T]):
    """What a call gave.

    Attributes:
        value: its result.
    """

    value: T


@dataclass(frozen=True, slots=True)
class Raised:
    """What a call raised instead.

    Attributes:
        error: the exception.
    """

    error: Exception | SystemExit

    def in_one_line(self) -> str:
        """The exception's type and first line, and the line of code that raised it."""
        said = _said(self.error)
        return f"{type(self.error).__name__}{': ' if said else ''}{said}{_place(self.error)}"


def attempt(call: Callable[[], T]) -> Returned[T] | Raised:
    """Calls foreign code.

    Raises:
        EcrError: the code raised one itself; it says all there is to say.
        SystemExit: the process was told to end while the code ran.
    """
    try:
        with redirect_stdout(sys.stderr):
            return Returned(call())
    except EcrError:
        raise
    except SystemExit as leaving:
        # Code that leaves by itself would end the command without a word.
        if leaving.code in ENDINGS:
            raise
        return Raised(leaving)
    # Foreign code can raise anything; the caller turns it into an error that names the code, with this as its cause.
    except Exception as error:  # noqa: BLE001
        return Raised(error)


def _said(error: BaseException) -> str:
    """The first line of an exception's message; empty without one."""
    try:
        lines = str(error).strip().splitlines()
    # The message is made by foreign code too.
    except Exception:  # noqa: BLE001
        return ""
    first = lines[0] if lines else ""
    return first if len(first) <= _LONGEST else first[: _LONGEST - 1] + "…"


def _place(error: BaseException) -> str:
    """The line that raised an exception, behind a blank; empty where the message has it, or where there is none."""
    frames = traceback.extract_tb(error.__traceback__)[1:]
    if isinstance(error, SyntaxError) or not frames:
        return ""
    return f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})"
