"""The two consoles: stdout for results, stderr for progress and errors."""

from __future__ import annotations

import os
import sys

from rich.console import Console

NARROWEST_DASHBOARD = 50
"""Under so many columns a dashboard becomes plain lines."""

PIPE_COLUMNS = 120
"""Width of what goes into a pipe or a file when `COLUMNS` does not say."""


def results() -> Console:
    """A console on stdout."""
    return _console(stderr=False)


def progress() -> Console:
    """A console on stderr."""
    return _console(stderr=True)


def draws(console: Console) -> bool:
    """Whether a dashboard can be drawn: a terminal that can move its cursor and is wide enough."""
    return console.is_terminal and not console.is_dumb_terminal and console.width >= NARROWEST_DASHBOARD


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else PIPE_COLUMNS
    return Console(stderr=stderr, width=width, highlight=False, emoji=False, markup=False)


def say(text: str) -> None:
    """One line of result on stdout, never wrapped."""
    results().print(text, soft_wrap=True)


def note(text: str) -> None:
    """One line on stderr, never wrapped."""
    progress().print(text, soft_wrap=True)
