"""The two consoles: stdout for results, stderr for progress and errors."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

NARROWEST_DASHBOARD = 50
"""Under so many columns a dashboard becomes plain lines."""

PIPE_COLUMNS = 120
"""Width of what goes into a pipe or a file when `COLUMNS` does not say."""


_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What could move the cursor, change colours, title or direction; a line end and a tab are none of them."""


class _Harmless(Console):
    """A console that passes on none of the control characters that texts hold: names, files and models may have any.

    Its own, for colours and for the cursor, are added later.
    """

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The parts of what is printed, without what a terminal would obey."""
        for segment in super().render(renderable, options):
            if segment.control is None and _CONTROL.search(segment.text):
                yield Segment(_CONTROL.sub("", segment.text), segment.style)
            else:
                yield segment


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
    return _Harmless(stderr=stderr, width=width, highlight=False, emoji=False, markup=False)


def say(text: str) -> None:
    """One line of result on stdout, never wrapped."""
    results().print(text, soft_wrap=True)


def note(text: str) -> None:
    """One line on stderr, never wrapped."""
    progress().print(text, soft_wrap=True)
