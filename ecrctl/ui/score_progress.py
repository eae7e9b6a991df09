"""How far a scoring job is: a bar on a terminal, `key=value` lines anywhere else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from ecrctl.ui.console import draws, note, progress
from ecrctl.ui.numbers import clip, duration, number

if TYPE_CHECKING:
    from ecr_engine.scoring.tally import JobProgress

SECONDS_BETWEEN_LINES = 2.0
"""Without a terminal, a line comes at most so often."""

_TITLE = 30


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
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[pace]}", style="dim"),
        )
        with Progress(*columns, console=console, transient=True) as bars:
            yield Bar(bars, clip(str(target), _TITLE))


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


class Bar:
    """A listener that draws a bar.

    Args:
        bars: the running display.
        title: what stands before the bar.
    """

    def __init__(self, bars: Progress, title: str) -> None:
        self._bars = bars
        self._task = bars.add_task(title, total=None, pace="")

    def __call__(self, news: JobProgress) -> None:
        """Moves the bar."""
        self._bars.update(self._task, completed=news.done, total=news.total, pace=pace(news))


def pace(news: JobProgress) -> str:
    """`12.3/s · 3:07 left · 2 failed · 40 cached`, as far as there is something to say."""
    parts = [
        "" if news.rows_per_s is None else f"{number(news.rows_per_s)}/s",
        "" if news.remaining_s is None else f"{duration(news.remaining_s)} left",
        f"{news.failed:,} failed" if news.failed else "",
        f"{news.cached:,} cached" if news.cached else "",
    ]
    return " · ".join(part for part in parts if part)


def line(news: JobProgress) -> str:
    """The same as `key=value` pairs."""
    pairs = {
        "stage": "score",
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
