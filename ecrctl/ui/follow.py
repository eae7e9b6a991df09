"""Follows a running job: a dashboard on a terminal, plain lines anywhere else, nothing under `--quiet`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.live import Live

from ecr_engine.runs.events import Event, Listener
from ecrctl.ui.console import draws, note, progress
from ecrctl.ui.dashboard import Frame, render
from ecrctl.ui.plain import PlainLines
from ecrctl.ui.snapshot import Snapshot, reduce

FRAMES_PER_SECOND = 4
"""How often the dashboard is drawn."""


class Board:
    """A dashboard that events keep up to date; Rich draws it at the terminal's size of the moment.

    Attributes:
        snapshot: what it shows.
        ended: whether nothing more will come, so that its clocks stand still.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.ended = False

    def __call__(self, event: Event) -> None:
        """Takes in one event."""
        self.snapshot = reduce(self.snapshot, event)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draws the dashboard as it stands."""
        yield self.frame(console)

    def frame(self, console: Console) -> RenderableType:
        """The dashboard at the size of `console`."""
        width, height = console.size
        return render(self.snapshot, Frame(width, height, self.snapshot.now if self.ended else time.time()))


@contextmanager
def following(snapshot: Snapshot, *, quiet: bool = False, everything: bool = False) -> Iterator[Listener]:
    """A listener to hand to a job; what it draws is gone when the job is over, plain lines stay.

    Args:
        snapshot: the picture to begin with.
        quiet: show nothing.
        everything: plain lines for every event, also on a terminal.
    """
    console = progress()
    if quiet:
        yield _ignore
    elif everything or not draws(console):
        yield PlainLines(note, everything=everything)
    else:
        board = Board(snapshot)
        with Live(board, console=console, refresh_per_second=FRAMES_PER_SECOND, transient=True):
            yield board


def _ignore(event: Event) -> None:
    """Nothing is shown."""
