"""`runs watch`: the dashboard of a run, from its events file."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live

from ecr_engine.runs.events import Event, read_events
from ecrctl.ui.console import draws, note, results, say
from ecrctl.ui.follow import FRAMES_PER_SECOND, Board
from ecrctl.ui.plain import PlainLines
from ecrctl.ui.runs_view import status
from ecrctl.ui.snapshot import begin, reduce_all

if TYPE_CHECKING:
    from ecr_engine.runs.folder import RunFolder

SECONDS_BETWEEN_LOOKS = 1.0
"""How often the events file is looked at."""


def watch(run: RunFolder, *, everything: bool = False) -> None:
    """Shows a run until nobody is at work in it any more, and then how it stands.

    Args:
        run: the run.
        everything: every event as a line.
    """
    console = results()
    if everything or not draws(console):
        lines = PlainLines(say, everything=everything)
        for event in follow(run.events, lambda: run.lock_holder() is not None):
            lines(event)
    else:
        _draw(run, console)
        _show_comparison(run, console)
    note(f"{run.root}: {status(run, run.read_record())}")


def wait_for(run: RunFolder, *, quiet: bool = False, everything: bool = False) -> None:
    """Waits until nobody is at work in a run any more.

    Args:
        run: the run.
        quiet: no lines about what happens on stderr.
        everything: every event as a line.
    """
    lines = PlainLines(note, everything=everything)
    for event in follow(run.events, lambda: run.lock_holder() is not None):
        if not quiet:
            lines(event)


def follow(path: Path, alive: Callable[[], bool], *, pause: float = SECONDS_BETWEEN_LOOKS) -> Iterator[Event]:
    """The events of a file, and those that are added to it while `alive` says so.

    Args:
        path: the events file.
        alive: whether somebody still writes.
        pause: seconds between two looks.
    """
    seen, size = 0.0, -1
    while True:
        # Asked before reading: what was written until somebody stopped is then read in this round.
        writing = alive()
        now = path.stat().st_size if path.exists() else 0
        if now != size:
            # By time, not by count: a stage that runs again takes its old events out of the file.
            for event in [event for event in read_events(path) if event.time > seen]:
                seen = event.time
                yield event
            size = now
        if not writing:
            return
        time.sleep(pause)


def _draw(run: RunFolder, console: Console) -> None:
    from ecr_engine.pipeline.job import STAGES

    board = Board(begin(str(run.root), STAGES, _weights(run)))
    if run.lock_holder() is None:
        board.snapshot = reduce_all(board.snapshot, read_events(run.events))
        board.ended = True
        console.print(board)
        return
    with Live(board, console=console, refresh_per_second=FRAMES_PER_SECOND) as live:
        for event in follow(run.events, lambda: run.lock_holder() is not None):
            board(event)
        board.ended = True
        live.refresh()


def _show_comparison(run: RunFolder, console: Console) -> None:
    if run.read_record().status == "done" and run.comparison.is_file():
        from ecr_engine.evaluation.comparison import read_comparison
        from ecrctl.ui.comparison import show_comparison

        console.print()
        show_comparison(console, read_comparison(run.comparison))
        console.print()


def _weights(run: RunFolder) -> dict[str, float]:
    """The reward weights of the run's own settings; none before they are written."""
    if not run.resolved_config.is_file():
        return {}
    settings = tomllib.loads(run.resolved_config.read_text(encoding="utf-8"))
    weights: dict[str, float] = settings.get("rewards", {})
    return weights
