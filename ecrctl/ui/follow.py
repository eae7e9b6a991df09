"""Follows a running job: a dashboard on a terminal, plain lines anywhere else, nothing under `--quiet`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from rich.console import Console, ConsoleOptions, RenderResult
from rich.control import Control
from rich.live import Live
from rich.segment import ControlType
from rich.text import Text

from ecr_engine.runs.events import Event, Listener
from ecrctl.ui.console import draws, note, progress
from ecrctl.ui.dashboard import Frame, lines
from ecrctl.ui.parts import folded
from ecrctl.ui.plain import PlainLines
from ecrctl.ui.snapshot import Snapshot, reduce
from ecrctl.ui.summary import summary

FRAMES_PER_SECOND = 4
"""How often the dashboard is drawn: clocks show seconds, and a frame takes a few milliseconds of a core that trains."""


class Board:
    """A dashboard that events keep up to date; Rich draws it at the terminal's size of the moment.

    Attributes:
        snapshot: what it shows.
        ended: whether nothing more will come, so that its clocks stand still.
        notice: what is said under it; empty for nothing. A signal handler may set it.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.ended = False
        self.notice = ""
        self._widths: list[int] = []
        self._terminal = 0

    def __call__(self, event: Event) -> None:
        """Takes in one event."""
        self.snapshot = reduce(self.snapshot, event)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draws the dashboard as it stands."""
        frame = self.frame(console)
        drawn = self._lines(frame)
        broken = self._broken(frame.width)
        if broken:
            yield Control(*[(ControlType.CURSOR_UP, 1), (ControlType.ERASE_IN_LINE, 2)] * broken)
        self._widths, self._terminal = [row.cell_len for row in drawn], frame.width
        yield from drawn

    def frame(self, console: Console) -> Frame:
        """The frame at the size of `console`."""
        width, height = console.size
        return Frame(width, height, self.snapshot.now if self.ended else time.time())

    def _lines(self, frame: Frame) -> list[Text]:
        if not self.notice:
            return lines(self.snapshot, frame)
        said = folded(self.notice, frame.width)
        above = lines(self.snapshot, replace(frame, height=frame.height - len(said) - 1))
        return [*above, Text(), *(Text(row, "bold yellow") for row in said)]

    def _broken(self, width: int) -> int:
        """How many lines more the last frame takes since the terminal has become narrow and broken its lines."""
        if width >= self._terminal:
            return 0
        return sum((cells - 1) // width for cells in self._widths if cells > width)


@contextmanager
def following(
    snapshot: Snapshot, *, quiet: bool = False, everything: bool = False, summed_up: bool = False
) -> Iterator[Listener]:
    """A listener to hand to a job; plain lines stay, and of a dashboard what it showed when the job broke off.

    Args:
        snapshot: the picture to begin with.
        quiet: show nothing.
        everything: plain lines for every event, also on a terminal.
        summed_up: leave a summary of all stages where the dashboard was, when the job is done.
    """
    console = progress()
    if quiet:
        yield _ignore
    elif everything or not draws(console):
        yield PlainLines(note, everything=everything)
    else:
        board = Board(snapshot)
        with drawing(board, console):
            yield board
        if summed_up:
            console.print(summary(board.snapshot, board.frame(console)))
            console.print()


@contextmanager
def drawing(board: Board, console: Console) -> Iterator[None]:
    """Draws a dashboard inside the block; it is gone at the end, and stays as it stood if the block breaks off."""
    with Live(board, console=console, refresh_per_second=FRAMES_PER_SECOND, transient=True) as live:
        try:
            yield
        except BaseException:
            live.transient = False
            raise
        finally:
            board.ended = True


def shows_board(*, quiet: bool, everything: bool) -> bool:
    """Whether `following` draws a dashboard."""
    return not quiet and not everything and draws(progress())


def _ignore(event: Event) -> None:
    """Nothing is shown."""
