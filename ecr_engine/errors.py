"""What can go wrong, in one place: exit codes and the errors that carry them.

Every error a user can cause is an `EcrError`: what is wrong, where, and what to type to mend it. The engine raises it;
the command line prints it and exits with its code.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path


class ExitCode(IntEnum):
    """Exit codes of every command."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    DATA = 3
    GATE = 4
    ENVIRONMENT = 5
    DIVERGED = 6
    HUNG_UP = 129
    INTERRUPTED = 130
    BROKEN_PIPE = 141
    TERMINATED = 143


ENDINGS = frozenset({ExitCode.HUNG_UP, ExitCode.TERMINATED})
"""The codes of a `SystemExit` by which a signal ends a process; SIGINT raises KeyboardInterrupt instead."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        what: the fault in one sentence, without a final full stop.
        at: where it is: `file:line`, a flag, an environment variable; empty if it has no place.
        fix: what to type or change; empty if nothing can be said.
    """

    what: str
    at: str = ""
    fix: str = ""


class EcrError(Exception):
    """An error with a reason, a place and a remedy; the base of all errors a user can cause.

    Args:
        what: the fault in one sentence.
        at: where it is (`file:line`).
        fix: what to type.
    """

    exit_code: ExitCode = ExitCode.FAILED

    def __init__(self, what: str, *, at: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.problems: tuple[Problem, ...] = (Problem(what, at, fix),)


class UsageError(EcrError):
    """Wrong flags, settings or names."""

    exit_code = ExitCode.USAGE


class SettingsError(UsageError):
    """One or more wrong settings, all reported at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(problem.what for problem in problems))
        self.problems = tuple(problems)


class DataError(EcrError):
    """Bad or missing data."""

    exit_code = ExitCode.DATA

    @classmethod
    def at_line(cls, what: str, path: Path, line: int, fix: str = "") -> DataError:
        """A fault in line `line` (counted from 1) of the file `path`."""
        return cls(what, at=f"{path}:{line}", fix=fix)


class GateError(EcrError):
    """A required result was not reached, or a check failed."""

    exit_code = ExitCode.GATE


class UnavailableError(EcrError):
    """A model, package or device that is not at hand."""

    exit_code = ExitCode.ENVIRONMENT


class DivergedError(EcrError):
    """Training left the finite or the healthy range."""

    exit_code = ExitCode.DIVERGED


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like `name`, or None if none is near; case does not count.

    Args:
        name: what was typed.
        known: the valid names.
    """
    # Of names that differ in case only, the one that was typed goes first.
    spelled: dict[str, str] = {}
    for each in sorted(known, key=lambda known_name: known_name != name):
        spelled.setdefault(each.lower(), each)
    found = difflib.get_close_matches(name.lower(), list(spelled), n=1, cutoff=0.55)
    return spelled[found[0]] if found else None


def suggestion(name: str, known: Sequence[str]) -> str:
    """A sentence part that proposes the nearest of the known names, or lists them all."""
    best = nearest(name, known)
    return f"did you mean '{best}'?" if best else f"choose from: {', '.join(known)}"
