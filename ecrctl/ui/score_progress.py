"""How far a scoring job is: a dashboard on a terminal, `key=value` lines anywhere else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ecr_engine.runs.events import Event
from ecrctl.ui.console import draws, note, progress
from ecrctl.ui.follow import Board, drawing
from ecrctl.ui.numbers import number
from ecrctl.ui.snapshot import begin

if TYPE_CHECKING:
    from ecr_engine.scoring.tally import JobProgress

SECONDS_BETWEEN_LINES = 2.0
"""Without a terminal, a line comes at most so often."""

_STAGE = "score"


@contextmanager
def following(target: Path, *, quiet: bool, everything: bool) -> Iterator[Callable[[JobProgress], None]]:
    """A listener that shows progress on stderr.

    Args:
        target: the file that is written.
        quiet: show nothing.
        everything: a line for each time that it is told.
    """
    console = progress()
    if quiet:
        yield lambda news: None
    elif everything or not draws(console):
        yield Lines(note, 0.0 if everything else SECONDS_BETWEEN_LINES, time.monotonic)
    else:
        board = Board(begin(str(target), (_STAGE,)))
        with drawing(board, console):
            yield lambda news: _tell(board, news)


def _tell(board: Board, news: JobProgress) -> None:
    for event in event_of(news, time.time()):
        board(event)


class Lines:
    """A listener that writes `key=value` lines; the last one always comes.

    Args:
        write: takes one line.
        seconds: between two lines.
        clock: seconds that only grow.
    """

    def __init__(self, write: Callable[[str], None], seconds: float, clock: Callable[[], float]) -> None:
        self._write = write
        self._seconds = seconds
        self._clock = clock
        self._last = clock()
        self._written = -1

    def __call__(self, news: JobProgress) -> None:
        """Writes a line, if it is time for one."""
        now = self._clock()
        if news.done == self._written or (news.done < news.total and now - self._last < self._seconds):
            return
        self._last, self._written = now, news.done
        self._write(line(news))


def event_of(news: JobProgress, now: float) -> Iterator[Event]:
    """How far the job is, as the events that a dashboard draws.

    Args:
        news: how far it is.
        now: seconds since the epoch.
    """
    counts = {"score/failed": news.failed, "score/cached": news.cached}
    pace = {} if news.rows_per_s is None else {"perf/responses_per_s": news.rows_per_s}
    yield Event(now, _STAGE, 0, "step", {**pace, **counts})
    yield Event(now, _STAGE, 0, "progress", {"done": news.done, "total": news.total, "what": "responses"})


def line(news: JobProgress) -> str:
    """The same as `key=value` pairs."""
    pairs = {
        "stage": _STAGE,
        "event": "progress",
        "done": f"{news.done}",
        "total": f"{news.total}",
        "failed": f"{news.failed}",
        "cached": f"{news.cached}",
    }
    if news.rows_per_s is not None:
        pairs["rows_per_s"] = number(news.rows_per_s)
    if news.remaining_s is not None:
        pairs["remaining_s"] = number(news.remaining_s)
    return " ".join(f"{key}={value}" for key, value in pairs.items())
