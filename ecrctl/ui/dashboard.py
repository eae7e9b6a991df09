"""The dashboard of a run: a pure function from a snapshot to what Rich draws.

Three layouts: from 100 columns on the stages and the speed stand beside the work, from 60 above and under it, from 50
the labels stay and the courses shrink; under that, `key=value` lines. What does not fit into the terminal's height is
left out, the least important first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.text import Text

from ecrctl.ui.console import NARROWEST_DASHBOARD
from ecrctl.ui.numbers import clip, duration, number
from ecrctl.ui.parts import Line, bar, laid_out
from ecrctl.ui.sections import sections, speed
from ecrctl.ui.snapshot import Progress, Snapshot, Stage, State

WIDE = 100
"""From so many columns on, the stages stand beside the work."""

MARKS = {State.WAITING: "·", State.RUNNING: "▶", State.DONE: "✓", State.SKIPPED: "–"}
STYLES = {State.WAITING: "dim", State.RUNNING: "bold cyan", State.DONE: "green", State.SKIPPED: "dim"}

_SIDE = 30
_WORK = 120
_BAR = 60
_LOW = 12
"""In a terminal of so few lines the stages shrink to one."""


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
    return Group(*lines(snapshot, frame))


def lines(snapshot: Snapshot, frame: Frame) -> list[Text]:
    """The lines of one frame; none is wider than the frame, and they are fewer than its height."""
    if frame.width < NARROWEST_DASHBOARD:
        return _pairs(snapshot, frame)
    if frame.width >= WIDE and frame.height > len(snapshot.stages) + 2:
        return _beside(snapshot, frame)
    stages = _stage_lines(snapshot, frame)
    work = _work(snapshot, frame.width, frame.height - len(stages) - 3, with_speed=True)
    return [headline(snapshot, frame), *stages, Text(), *work]


def headline(snapshot: Snapshot, frame: Frame) -> Text:
    """What is shown, and how long it has been worked on."""
    worked = snapshot.worked(frame.now)
    clock = duration(worked) if worked else ""
    title = clip(f"ecrctl · {snapshot.title}", frame.width - len(clock) - 1)
    gap = frame.width - Text(title).cell_len - len(clock)
    return Text.assemble((title, "bold"), " " * gap, (clock, "dim"))


def _beside(snapshot: Snapshot, frame: Frame) -> list[Text]:
    """The wide layout: stages and speed at the left, the work at the right."""
    width = min(_WORK, frame.width - _SIDE)
    left = [_stage_row(stage, frame.now) for stage in snapshot.stages]
    pace = speed(snapshot)
    if pace and len(left) + len(pace) + 3 < frame.height:
        left += [Text(), *(Text.assemble((word, "dim")) for word in pace)]
    right = _work(snapshot, width, frame.height - 3, with_speed=False)
    rows = [headline(snapshot, frame), Text()]
    for stage, work in zip_longest(left, right):
        row = Text() if stage is None else stage
        if work:
            row.append(" " * (_SIDE - row.cell_len)).append_text(work)
        rows.append(row)
    return rows


def _stage_row(stage: Stage, now: float) -> Text:
    took = "unchanged" if stage.state is State.SKIPPED else _took(stage, now)
    style = STYLES[stage.state]
    return Text.assemble((f"{MARKS[stage.state]} {clip(stage.name, 13):<13}", style), (f"{took:>10}", "dim"))


def _stage_lines(snapshot: Snapshot, frame: Frame) -> list[Text]:
    """All stages in a row: `✓ data 2.1 s  ▶ rl 0:31  · report`; a line ends between two stages."""
    if frame.height <= _LOW:
        return _one_stage(snapshot)
    rows = [Text()]
    for stage in snapshot.stages:
        took = _took(stage, frame.now)
        mark = f"{MARKS[stage.state]} {stage.name}"
        if rows[-1] and rows[-1].cell_len + 2 + len(f"{mark} {took}".rstrip()) > frame.width:
            rows.append(Text())
        rows[-1].append("  " if rows[-1] else "").append(mark, STYLES[stage.state])
        rows[-1].append(f" {took}" if took else "", "dim")
    return rows


def _one_stage(snapshot: Snapshot) -> list[Text]:
    """Which of the stages is at hand."""
    names = [stage.name for stage in snapshot.stages]
    if snapshot.stage not in names:
        return []
    place = f"stage {names.index(snapshot.stage) + 1} of {len(names)}"
    return [Text.assemble((f"{MARKS[State.RUNNING]} {snapshot.stage}", STYLES[State.RUNNING]), (f"  {place}", "dim"))]


def _took(stage: Stage, now: float) -> str:
    if stage.state is State.RUNNING and stage.started is not None:
        return duration(max(0.0, now - stage.started))
    return duration(stage.seconds) if stage.seconds is not None and stage.state is State.DONE else ""


def _work(snapshot: Snapshot, width: int, room: int, *, with_speed: bool) -> list[Text]:
    """The stage at hand, in at most `room` lines."""
    parts = sections(snapshot, width)
    pace = _joined(speed(snapshot), width) if with_speed else ""
    if pace:
        parts.append((Line(Text(pace, "dim"), 5),))
    if snapshot.at_hand is not None and snapshot.at_hand.state is State.RUNNING:
        parts.insert(0, (Line(_progress_line(snapshot, width), -1),))
    return laid_out(parts, room)


def _joined(words: Sequence[str], width: int) -> str:
    """As many of the words as fit into a line."""
    line = ""
    for word in words:
        longer = f"{line} · {word}" if line else word
        if cell_len(longer) > width:
            break
        line = longer
    return line


def _progress_line(snapshot: Snapshot, width: int) -> Text:
    progress = snapshot.progress
    text = Text.assemble((snapshot.stage, "bold"), "  ")
    if progress is None:
        return text.append("working", "dim")
    tail = _tail(progress) if progress.total else ""
    text.append(clip(f"{_count(progress)} {progress.what}".strip(), max(8, width - text.cell_len - len(tail) - 10)))
    if not progress.total:
        return text
    share = progress.done / progress.total
    room = min(_BAR, width - text.cell_len - len(tail) - 4)
    if room >= 4:
        text.append("  ").append_text(bar(share, room, "green" if share >= 1 else "cyan"))
    return text.append(f"  {tail}", "dim")


def _count(progress: Progress) -> str:
    """`14/30`, or `14` where nobody knows of how many."""
    return f"{progress.done:,.0f}/{progress.total:,.0f}" if progress.total else f"{progress.done:,.0f}"


def _tail(progress: Progress) -> str:
    share = f"{100 * progress.done / (progress.total or 1.0):.0f} %"
    remaining = progress.remaining()
    return f"{share}  {duration(remaining)} left" if remaining else share


def _pairs(snapshot: Snapshot, frame: Frame) -> list[Text]:
    """The newest values as `key=value` lines, for a terminal that has become narrow while a dashboard was drawn."""
    progress = snapshot.progress
    words = [f"stage={snapshot.stage}"] if snapshot.stage else []
    if progress is not None:
        words.append(f"{progress.what.replace(' ', '_') or 'done'}={_count(progress)}")
    words += [f"{key}={number(metric.last)}" for key, metric in snapshot.metrics.items() if not key.startswith("time/")]
    return [Text(clip(word, frame.width)) for word in words[: max(1, frame.height - 1)]]
