"""Calling code that is not ours: whatever it raises is caught here, told in one line, and kept as the cause."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from ecr_engine.errors import EcrError

T = TypeVar("T")


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

    error: Exception

    def in_one_line(self) -> str:
        """The exception's type and first line, and the line of code that raised it."""
        kind, said = type(self.error).__name__, str(self.error).strip().splitlines()
        frames = traceback.extract_tb(self.error.__traceback__)
        place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if len(frames) > 1 else ""
        return f"{kind}: {said[0]}{place}" if said else f"{kind}{place}"


def attempt(call: Callable[[], T]) -> Returned[T] | Raised:
    """Calls foreign code.

    Raises:
        EcrError: the code raised one itself; it says all there is to say.
    """
    try:
        return Returned(call())
    except EcrError:
        raise
    # Foreign code can raise anything; the caller turns it into an error that names the code, with this as its cause.
    except Exception as error:  # noqa: BLE001
        return Raised(error)
