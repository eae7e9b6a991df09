"""`runs watch`: the dashboard of a run, from its events file."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.console import Console

from ecr_engine.errors import UsageError, suggestion
from ecr_engine.runs.events import Event, read_events
from ecr_engine.runs.tail import follow
from ecrctl.ui.aims import aims_of_file
from ecrctl.ui.console import draws, note, results, say
from ecrctl.ui.dashboard import Frame, render
from ecrctl.ui.follow import Board, drawing
from ecrctl.ui.next_step import after_run
from ecrctl.ui.plain import PlainLines
from ecrctl.ui.runs_view import status
from ecrctl.ui.snapshot import Snapshot, begin, reduce_all
from ecrctl.ui.summary import summary

if TYPE_CHECKING:
    from ecr_engine.runs.folder import RunFolder

_LONGEST = 200
"""Lines of a dashboard that stands still."""


def watch(run: RunFolder, *, stage: str | None = None, everything: bool = False) -> None:
    """Shows a run until nobody is at work in it any more, and then how it stands.

    Args:
        run: the run.
        stage: show the end of this stage instead.
        everything: every event as a line.

    Raises:
        UsageError: there is no such stage, or it has not begun.
    """
    console = results()
    if stage is not None:
        _show_stage(run, stage, console)
        return
    if everything or not draws(console):
        lines = PlainLines(say, everything=everything)
        for event in _events(run):
            lines(event)
    else:
        _draw(run, console)
        _show_comparison(run, console)
    record = run.read_record()
    state = status(run, record)
    note(f"{run.root}: {state}")
    next_step = after_run(run, record, state)
    if next_step and draws(console):
        note(f"next  {next_step}")


def wait_for(run: RunFolder, *, quiet: bool = False, everything: bool = False) -> None:
    """Waits until nobody is at work in a run any more.

    Args:
        run: the run.
        quiet: no lines about what happens on stderr.
        everything: every event as a line.
    """
    lines = PlainLines(note, everything=everything)
    for event in _events(run):
        if not quiet:
            lines(event)


def picture(run: RunFolder) -> Snapshot:
    """The picture of a run before its first event."""
    # The table alone: the job itself takes seconds to import.
    from ecr_engine.pipeline.table import TABLE

    return replace(begin(str(run.root), [stage.name for stage in TABLE]), aims=aims_of_file(run.resolved_config))


def _events(run: RunFolder) -> Iterator[Event]:
    return follow(run.events, lambda: run.lock_holder() is not None)


def _draw(run: RunFolder, console: Console) -> None:
    """The dashboard while somebody is at work; a summary of a run that is done, and of another how it stood."""
    board = Board(picture(run))
    if run.lock_holder() is None:
        board.snapshot = reduce_all(board.snapshot, read_events(run.events))
        board.ended = True
    else:
        with drawing(board, console):
            for event in _events(run):
                board(event)
    if run.read_record().status == "done":
        console.print(summary(board.snapshot, board.frame(console)))
    else:
        _show_picture(board.snapshot, console)


def _show_stage(run: RunFolder, stage: str, console: Console) -> None:
    """The dashboard as it stood at the end of one stage."""
    before = picture(run)
    stages = [each.name for each in before.stages]
    if stage not in stages:
        raise UsageError(f"unknown stage '{stage}'", at="--stage", fix=suggestion(stage, stages))
    events = list(read_events(run.events))
    own = [place for place, event in enumerate(events) if event.stage == stage and event.kind != "stage_skipped"]
    if not own:
        raise UsageError(
            f"the stage {stage} of {run.root} has not begun",
            at="--stage",
            fix=f"see what has: ecrctl runs show {shlex.quote(str(run.root))}",
        )
    _show_picture(reduce_all(before, events[: own[-1] + 1]), console)


def _show_picture(snapshot: Snapshot, console: Console) -> None:
    """A dashboard that nothing is drawn over any more, so that it may be longer than the terminal."""
    console.print(render(snapshot, Frame(console.width, _LONGEST, snapshot.now)))


def _show_comparison(run: RunFolder, console: Console) -> None:
    if run.read_record().status == "done" and run.comparison.is_file():
        from ecr_engine.evaluation.comparison import read_comparison
        from ecrctl.ui.comparison import show_comparison

        console.print()
        show_comparison(console, read_comparison(run.comparison))
        console.print()
