"""The parts of a dashboard under its progress bar: metrics, reward components, a sample, speed, warnings."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ecrctl.ui.numbers import clip, number, signed, sparkline
from ecrctl.ui.snapshot import Caution, Metric, Snapshot

MEAN_OF = 20
"""So many last values make the mean beside a sparkline."""

_LABEL = 12
_VALUE = 10
_NARROW = 60
_COURSE = 60
_GENERIC_ROWS = 8
_NOT_GENERIC = ("perf/", "time/", "rewards/")


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the dashboard.

    Attributes:
        body: what is drawn.
        lines: how many lines it takes.
        rank: how soon it is left out when room is short: greater goes first.
    """

    body: RenderableType
    lines: int
    rank: int


def sections(snapshot: Snapshot, width: int) -> list[Section]:
    """The parts that have something to show, in the order they are drawn."""
    if "objective/reward" in snapshot.metrics:
        parts = [_policy(snapshot.metrics, width), _components(snapshot, width)]
    else:
        parts = [_generic(snapshot.metrics, width)]
    parts += [_sample(snapshot.sample, width), _speed(snapshot.metrics, width), _warnings(snapshot.warnings, width)]
    return [part for part in parts if part is not None]


def _policy(metrics: Mapping[str, Metric], width: int) -> Section:
    """Reward, KL, policy and value: a line each, or more where it is narrow."""
    rows = [
        *_curve("reward", metrics, "objective/reward", width),
        *_curve("held-out", metrics, "eval/reward", width),
        *_curve("KL", metrics, "objective/kl", width),
        *_values("policy", metrics, ("policy/loss", "policy/approx_kl", "policy/clip_fraction"), width),
        *_values("value", metrics, ("value/loss", "value/explained_variance"), width),
    ]
    return Section(_stack(rows), len(rows), rank=0)


def _curve(label: str, metrics: Mapping[str, Metric], key: str, width: int) -> list[Text]:
    if key not in metrics:
        return []
    metric = metrics[key]
    words = f"mean of last {MEAN_OF}" if width >= _NARROW else f"of {MEAN_OF}"
    tail = f"{words}  {number(metric.mean(MEAN_OF))}"
    course = sparkline(metric.history, min(_COURSE, width - _LABEL - _VALUE - len(tail) - 2))
    return [
        Text.assemble(
            (f"{label:<{_LABEL}}", "bold"),
            (f"{number(metric.last):<{_VALUE}}", _alarm(metric.last)),
            (course, "cyan"),
            "  " if course else "",
            (tail, "dim"),
        )
    ]


def _values(label: str, metrics: Mapping[str, Metric], keys: Iterable[str], width: int) -> list[Text]:
    """The last values of some metrics in a row, in further rows where they do not fit."""
    rows: list[Text] = []
    for key in keys:
        if key not in metrics:
            continue
        name, value = key.split("/")[1].replace("_", " "), metrics[key].last
        text = number(value)
        if not rows or rows[-1].cell_len + len(name) + 1 + len(text) > width:
            rows.append(Text.assemble((f"{'' if rows else label:<{_LABEL}}", "bold")))
        rows[-1].append(f"{name} ", "dim").append(text, _alarm(value)).append("  ")
    return rows


def _alarm(value: float) -> str:
    """The style of a value: one that is not finite stands out."""
    return "" if math.isfinite(value) else "bold red"


def _components(snapshot: Snapshot, width: int) -> Section | None:
    """One line for each reward component: weight of the moment, value, change since the start of the stage, course."""
    names = [key.split("/")[1] for key in snapshot.metrics if key.startswith("rewards/") and key.endswith("/mean")]
    if not names:
        return None
    room = width - 20 - 3 * 10
    head = Text(f"{'component':<20}{'weight':>10}{'value':>10}{'change':>10}", "dim")
    rows = [head, *(_component(snapshot, name, room) for name in sorted(names))]
    return Section(_stack(rows), len(rows), rank=1)


def _component(snapshot: Snapshot, name: str, room: int) -> Text:
    metric = snapshot.metrics[f"rewards/{name}/mean"]
    change = metric.last - metric.first
    moving = snapshot.metrics.get(f"rewards/{name}/weight")
    known = snapshot.weights.get(name) if moving is None else moving.last
    weight = "" if known is None else f"{known:.4g}"
    style = "green" if change > 0 else "red" if change < 0 else "dim"
    return Text.assemble(
        f"{clip(name, 19):<20}{weight:>10}{number(metric.last):>10}",
        (f"{signed(change):>10}", style),
        (f"  {sparkline(metric.history, min(40, room - 2))}" if room > 8 else "", "cyan"),
    )


def _generic(metrics: Mapping[str, Metric], width: int) -> Section | None:
    """Any other stage: its metrics with their courses."""
    keys = [key for key in metrics if not key.startswith(_NOT_GENERIC)][:_GENERIC_ROWS]
    if not keys:
        return None
    label = min(max(len(key) for key in keys) + 2, width // 2)
    rows = [
        Text.assemble(
            (f"{clip(key, label - 1):<{label}}", "bold"),
            (f"{number(metrics[key].last):<{_VALUE}}", _alarm(metrics[key].last)),
            (sparkline(metrics[key].history, min(_COURSE, width - label - _VALUE)), "cyan"),
        )
        for key in keys
    ]
    return Section(_stack(rows), len(rows), rank=0)


def _sample(values: Mapping[str, Any] | None, width: int) -> Section | None:
    """The newest sample: what was said last, what the policy answered, what a human answered, and its reward."""
    if not values:
        return None
    texts = [_last_turn(values["context"])] if "context" in values else []
    texts += [(key, str(values[key])) for key in ("response", "reference") if key in values]
    texts += [("reward", _reward(values))] if "reward" in values else []
    rows = [Text.assemble((f"{label:<{_LABEL}}", "dim"), clip(text, width - _LABEL)) for label, text in texts]
    return Section(_stack(rows), len(rows), rank=2) if rows else None


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


def _speed(metrics: Mapping[str, Metric], width: int) -> Section | None:
    units = (
        ("perf/samples_per_s", "samples/s"),
        ("perf/tokens_per_s", "tokens/s"),
        ("perf/peak_memory_mib", "MiB"),
    )
    words = [f"{number(metrics[key].last)} {unit}" for key, unit in units if key in metrics]
    return Section(Text(clip(" · ".join(words), width), "dim"), 1, rank=3) if words else None


def _warnings(warnings: tuple[Caution, ...], width: int) -> Section | None:
    """What was seen, and under it what to type against it."""
    if not warnings:
        return None
    rows = []
    for warning in warnings:
        rows.append(Text.assemble(("warning ", "bold yellow"), clip(warning.what, width - 8)))
        if warning.fix:
            rows.append(Text.assemble(("    fix ", "green"), clip(warning.fix, width - 8)))
    return Section(_stack(rows), len(rows), rank=1)


def _stack(rows: Iterable[Text]) -> Table:
    grid = Table.grid()
    grid.add_column(no_wrap=True)
    for row in rows:
        grid.add_row(row)
    return grid
