"""The dashboard of a run: a pure function from a snapshot to what Rich draws.

Two layouts: from 100 columns on the stages stand beside the work, under that above it. What does not fit into the
terminal's height is left out, the least important first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ecrctl.ui.numbers import clip, duration
from ecrctl.ui.sections import Section, sections
from ecrctl.ui.snapshot import Progress, Snapshot, Stage, State

WIDE = 100
"""From so many columns on, the stages stand beside the work."""

_SIDE = 26
_HEAD = 3
_MARKS = {State.WAITING: "·", State.RUNNING: "▶", State.DONE: "✓", State.SKIPPED: "–"}
_STYLES = {State.WAITING: "dim", State.RUNNING: "bold cyan", State.DONE: "green", State.SKIPPED: "dim"}


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a dashboard is drawn.

    Attributes:
        width: terminal columns.
        height: terminal lines.
        now: seconds since the epoch, for the clocks.
    """

    width: int
    height: int
    now: float


def render(snapshot: Snapshot, frame: Frame) -> RenderableType:
    """One frame of the dashboard."""
    head = _headline(snapshot, frame)
    if frame.width >= WIDE and frame.height >= len(snapshot.stages) + _HEAD:
        body = Table.grid(padding=(0, 2))
        body.add_column(width=_SIDE, no_wrap=True)
        body.add_column(width=frame.width - _SIDE - 2, no_wrap=True)
        body.add_row(_stage_list(snapshot, frame), _work(snapshot, frame, frame.width - _SIDE - 2, lines_taken=2))
        return Group(head, Text(), body)
    stages = _stage_lines(snapshot, frame)
    return Group(head, *stages, _work(snapshot, frame, frame.width, lines_taken=1 + len(stages)))


def _headline(snapshot: Snapshot, frame: Frame) -> Text:
    clock = duration(frame.now - snapshot.started) if snapshot.started is not None else ""
    title = clip(f"ecrctl · {snapshot.title}", frame.width - len(clock) - 1)
    gap = frame.width - Text(title).cell_len - len(clock)
    return Text.assemble((title, "bold"), " " * gap, (clock, "dim"))


def _took(stage: Stage, now: float) -> str:
    if stage.state is State.RUNNING and stage.started is not None:
        return duration(now - stage.started)
    return duration(stage.seconds) if stage.seconds is not None else ""


def _stage_list(snapshot: Snapshot, frame: Frame) -> Table:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=1)
    grid.add_column(width=12)
    grid.add_column(width=9, justify="right")
    for stage in snapshot.stages:
        took = "unchanged" if stage.state is State.SKIPPED else _took(stage, frame.now)
        style = _STYLES[stage.state]
        grid.add_row(Text(_MARKS[stage.state], style), Text(stage.name, style), Text(took, "dim"))
    return grid


def _stage_lines(snapshot: Snapshot, frame: Frame) -> list[Text]:
    """All stages in a row: `✓ data 2.1 s  ▶ rl 0:31  · report`; a line ends between two stages."""
    lines = [Text()]
    for stage in snapshot.stages:
        took = _took(stage, frame.now)
        word = f"{_MARKS[stage.state]} {stage.name}" + (f" {took}" if took else "")
        if lines[-1] and lines[-1].cell_len + 2 + len(word) > frame.width:
            lines.append(Text())
        lines[-1].append("  " if lines[-1] else "")
        lines[-1].append(word, _STYLES[stage.state])
    return lines


def _work(snapshot: Snapshot, frame: Frame, width: int, *, lines_taken: int) -> Group:
    parts: list[RenderableType] = []
    if any(stage.name == snapshot.stage and stage.state is State.RUNNING for stage in snapshot.stages):
        parts.append(_progress_line(snapshot, width))
    room = frame.height - lines_taken - 2
    for section in _that_fit(sections(snapshot, width), room):
        parts += [Text(), section.body]
    return Group(*parts)


def _that_fit(candidates: Sequence[Section], room: int) -> list[Section]:
    """The sections that fit into `room` lines, in their order; the least important go first."""
    kept = list(candidates)
    while kept and sum(section.lines + 1 for section in kept) > room:
        kept.remove(max(kept, key=lambda section: section.rank))
    return kept


def _progress_line(snapshot: Snapshot, width: int) -> RenderableType:
    progress = snapshot.progress
    if progress is None:
        return Text.assemble((snapshot.stage, "bold"), ("  working", "dim"))
    count = f"{progress.done:g}/{progress.total:g}" if progress.total else f"{progress.done:g}"
    label = f"{count} {progress.what}".strip()
    tail = _tail(progress)
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    bar_width = max(4, width - len(snapshot.stage) - len(label) - len(tail) - 4)
    bar = ProgressBar(total=progress.total or 1.0, completed=progress.done if progress.total else 0.0, width=bar_width)
    grid.add_row(Text.assemble((snapshot.stage, "bold"), " ", label), bar, Text(tail, "dim"))
    return grid


def _tail(progress: Progress) -> str:
    if not progress.total:
        return ""
    remaining = progress.remaining()
    share = f"{100 * progress.done / progress.total:.0f} %"
    return share if not remaining else f"{share} · {duration(remaining)} left"
