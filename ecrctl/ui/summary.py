"""The last frame of a dashboard: what each stage came to, what was warned of, and what to type next."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from ecrctl.ui.dashboard import MARKS, STYLES, Frame, headline
from ecrctl.ui.numbers import duration, number
from ecrctl.ui.parts import folded
from ecrctl.ui.sections import cautions
from ecrctl.ui.snapshot import Snapshot, Stage, State

_NAME, _TOOK, _GAP = 14, 11, 2
_OUTCOME = 3
"""Lines of what a stage came to, at most."""

_WARNINGS = 3
_WIDEST = 120


def summary(snapshot: Snapshot, frame: Frame, next_step: str = "") -> RenderableType:
    """The last frame.

    Args:
        snapshot: the picture after the last event.
        frame: where it is drawn; its height does not matter, since nothing comes after it.
        next_step: what to type next; empty for nothing.
    """
    width = min(frame.width, _WIDEST)
    rows = [headline(snapshot, Frame(width, frame.height, frame.now)), Text()]
    for stage in snapshot.stages:
        rows += _rows(stage, width)
    warned = cautions(snapshot.warnings[-_WARNINGS:], width, placed=True)
    rows += [Text(), *(line.text for line in warned)] if warned else []
    if next_step:
        rows += [Text(), *_next(next_step, width)]
    return Group(*rows)


def outcome(stage: Stage) -> str:
    """What a stage came to, in a sentence; empty if it said nothing."""
    parts = [stage.note]
    if stage.held_out is not None:
        first, last = stage.held_out
        parts.insert(0, f"held-out reward {number(first)} → {number(last)}")
    if stage.rewards:
        parts.append("reward: " + ", ".join(f"{name} {number(reward)}" for name, reward in stage.rewards))
    return "; ".join(part for part in parts if part)


def _rows(stage: Stage, width: int) -> list[Text]:
    took = {State.SKIPPED: "unchanged", State.RUNNING: "unfinished"}.get(stage.state, "")
    if stage.state is State.DONE and stage.seconds is not None:
        took = duration(stage.seconds)
    style = STYLES[stage.state]
    head = Text.assemble((f"{MARKS[stage.state]} {stage.name:<{_NAME - 2}}", style), (f"{took:>{_TOOK}}", "dim"))
    told = folded(outcome(stage), width - _NAME - _TOOK - _GAP, _OUTCOME) or [""]
    rows = [head.append(" " * _GAP).append(told[0])]
    return rows + [Text(" " * (_NAME + _TOOK + _GAP) + more) for more in told[1:]]


def _next(command: str, width: int) -> list[Text]:
    """A command, whole: it is there to be typed."""
    first, *more = folded(command, width - 6)
    return [Text.assemble(("next  ", "dim"), (first, "bold")), *(Text(" " * 6 + row, "bold") for row in more)]
