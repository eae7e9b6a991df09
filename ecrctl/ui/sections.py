"""The parts of a dashboard under its progress bar: metrics, reward components, a sample, warnings, speed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.text import Text

from ecrctl.ui.measures import measures
from ecrctl.ui.numbers import clip, duration, number, signed, sparkline
from ecrctl.ui.parts import CYAN, Line, Section, folded, label_cells, labelled
from ecrctl.ui.snapshot import Caution, Snapshot

SHOWN = 2
"""Warnings on a dashboard, the newest."""

_COMPONENT = re.compile(r"rewards/(.+)/mean")
_WEIGHT, _VALUE, _CHANGE = 8, 10, 10
_HANG = 9
_HELD_OUT = 70
"""From so many columns on, a component's change on held-out turns has a column."""

_SPEED = (
    ("perf/samples_per_s", "samples/s"),
    ("perf/responses_per_s", "responses/s"),
    ("perf/tokens_per_s", "tokens/s"),
    ("perf/peak_memory_mib", "MiB"),
    ("score/failed", "failed"),
    ("score/cached", "from the cache"),
)
_TIMES = (("time/rollout_s", "rollout"), ("time/update_s", "update"))


def sections(snapshot: Snapshot, width: int) -> list[Section]:
    """The parts that have something to show, in the order they are drawn; `speed` is apart."""
    parts = [
        measures(snapshot, width),
        _components(snapshot, width),
        _sample(snapshot.sample or {}, width),
        cautions([each for each in snapshot.warnings if _concerns(each, snapshot)][-SHOWN:], width),
    ]
    if not any(parts) and snapshot.at_hand is not None and snapshot.at_hand.note:
        parts.append(tuple(Line(Text(row), 0) for row in folded(snapshot.at_hand.note, width)))
    return [part for part in parts if part]


def speed(snapshot: Snapshot) -> list[str]:
    """How fast it goes, and on how much memory."""
    metrics = snapshot.metrics
    rates = [f"{number(metrics[key].last)} {unit}" for key, unit in _SPEED if key in metrics and metrics[key].last]
    times = [f"{name} {duration(metrics[key].last)}" for key, name in _TIMES if key in metrics]
    pace = None if rates or snapshot.progress is None else snapshot.progress.pace()
    return [*rates, *times] if pace is None else [f"{number(pace)} a second", *times]


def cautions(warnings: Sequence[Caution], width: int, *, placed: bool = False) -> Section:
    """What was seen, and under it what to type against it, never cut.

    Args:
        warnings: the warnings.
        width: columns.
        placed: whether to say in which stage, and after which step, each was seen.
    """
    lines: list[Line] = []
    for warning in warnings:
        step = f", step {warning.step}" if warning.step else ""
        place = f"{warning.stage}{step}: " if placed else ""
        lines += _hung("warning", "bold yellow", folded(place + warning.what, width - _HANG - 1, 2), 1)
        lines += _hung("    fix", "green", folded(warning.fix, width - _HANG), 2)
    return tuple(lines)


def _hung(label: str, style: str, rows: Sequence[str], rank: int) -> Iterator[Line]:
    """A text of several lines under a label."""
    for place, row in enumerate(rows):
        text = Text.assemble((f"{label if not place else '':<{_HANG}}", style), row)
        yield Line(text, rank, place + 1 < len(rows))


def _concerns(warning: Caution, snapshot: Snapshot) -> bool:
    """Whether a warning is about the stage at hand, or about none, as a tracker's."""
    return warning.stage == snapshot.stage or warning.stage not in {stage.name for stage in snapshot.stages}


def _components(snapshot: Snapshot, width: int) -> Section:
    """One line for each reward component: weight of the moment, value, change since the start of the stage, course."""
    found = [match.group(1) for match in map(_COMPONENT.fullmatch, snapshot.metrics) if match]
    if not found:
        return ()
    held_out = width >= _HELD_OUT and any(_measured_twice(snapshot, name) for name in found)
    columns = f"{'weight':>{_WEIGHT}}{'value':>{_VALUE}}{'change':>{_CHANGE}}"
    head = f"{'component':<{label_cells(width)}}{columns}{'held-out' if held_out else '':>{_CHANGE}}".rstrip()
    # The heaviest matter most.
    order = sorted(found, key=lambda name: (-(_weight(snapshot, name) or 0.0), name))
    rows = {
        name: Line(_component(snapshot, name, width, held_out=held_out), min(5, 2 + place // 2))
        for place, name in enumerate(order)
    }
    return (Line(Text(head, "dim"), 2), *(rows[name] for name in sorted(found)))


def _component(snapshot: Snapshot, name: str, width: int, *, held_out: bool) -> Text:
    metric = snapshot.metrics[f"rewards/{name}/mean"]
    weight, cells = _weight(snapshot, name), label_cells(width)
    text = Text.assemble(
        f"{clip(name, cells - 1):<{cells}}",
        (f"{'' if weight is None else f'{weight:.4g}':>{_WEIGHT}}", "dim"),
        f"{number(metric.last):>{_VALUE}}",
    )
    _append_change(text, metric.last - metric.first)
    if held_out:
        if _measured_twice(snapshot, name):
            measured = snapshot.metrics[f"eval/{name}"]
            _append_change(text, measured.last - measured.first)
        else:
            text.append(" " * _CHANGE)
    room, points = width - text.cell_len - 2, metric.course
    course = sparkline(points, min(32, room)) if room >= 6 and len(points) > 1 else ""
    return text.append(f"  {course}", CYAN) if course else text


def _measured_twice(snapshot: Snapshot, name: str) -> bool:
    """Whether a component was measured on held-out turns again since the baseline."""
    measured = snapshot.metrics.get(f"eval/{name}")
    return measured is not None and len(measured.recent) > 1


def _append_change(text: Text, change: float) -> None:
    text.append(f"{signed(change):>{_CHANGE}}", "green" if change > 0 else "red" if change < 0 else "dim")


def _weight(snapshot: Snapshot, name: str) -> float | None:
    """The weight of the moment, which a curriculum may move; None if nobody knows it."""
    moving = snapshot.metrics.get(f"rewards/{name}/weight")
    return snapshot.aims.weights.get(name) if moving is None else moving.last


def _sample(values: Mapping[str, Any], width: int) -> Section:
    """The newest sample: what was said last, what the policy answered, what a human answered, and its reward."""
    lines: Section = ()
    if "context" in values:
        role, words = _last_turn(values["context"])
        lines += labelled(role, words, width, (4, 6), "dim")
    if "response" in values:
        lines += labelled("response", str(values["response"]), width, (3, 5, 6))
    if "reference" in values:
        lines += labelled("reference", str(values["reference"]), width, (5, 7), "dim")
    if "reward" in values:
        lines += labelled("its reward", _reward(values), width, (4, 6), "dim")
    return lines


def _last_turn(context: object) -> tuple[str, str]:
    """Who spoke last before the response, and the words."""
    lines = context if isinstance(context, (list, tuple)) else str(context).splitlines()
    last = str(lines[-1]) if lines else ""
    role, colon, words = last.partition(": ")
    return (role, words) if colon and role in {"seeker", "recommender"} else ("seeker", last)


def _reward(values: Mapping[str, Any]) -> str:
    """The sample's reward and what its components gave."""
    scores = values.get("components", {}).items()
    parts = [f"{name} {number(score)}" for name, score in scores if score is not None]
    return " · ".join([number(values["reward"]), *parts])
