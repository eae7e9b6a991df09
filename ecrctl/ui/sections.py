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
from ecrctl.ui.snapshot import Metric, Snapshot

MEAN_OF = 20
"""So many last values make the mean beside a sparkline."""

_LABEL = 10
_ALARM = "bold red"
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
    """Reward, KL, policy and value: one line each."""
    rows = [
        _curve("reward", metrics, "objective/reward", width),
        _curve("held-out", metrics, "eval/reward", width),
        _curve("KL", metrics, "objective/kl", width),
        _line("policy", metrics, ("loss", "approx_kl", "clip_fraction"), "policy/"),
        _line("value", metrics, ("loss", "explained_variance"), "value/"),
    ]
    kept = [row for row in rows if row is not None]
    return Section(_stack(kept), len(kept), rank=0)


def _curve(label: str, metrics: Mapping[str, Metric], key: str, width: int) -> Text | None:
    if key not in metrics:
        return None
    metric = metrics[key]
    tail = f"mean of last {MEAN_OF}  {number(metric.mean(MEAN_OF))}"
    room = width - _LABEL - 12 - len(tail) - 2
    line = sparkline(metric.history, min(60, room))
    return Text.assemble(
        (f"{label:<{_LABEL}}", "bold"),
        f"{number(metric.last):<11} ",
        (line, "cyan"),
        "  " if line else "",
        (tail, "dim"),
    )


def _line(label: str, metrics: Mapping[str, Metric], names: Iterable[str], prefix: str) -> Text | None:
    known = [(name, metrics[prefix + name]) for name in names if prefix + name in metrics]
    if not known:
        return None
    text = Text(f"{label:<{_LABEL}}", "bold")
    for name, metric in known:
        text.append(f"{name.replace('_', ' ')} ", "not bold dim")
        text.append(f"{number(metric.last)}  ", _ALARM if not math.isfinite(metric.last) else "not bold")
    return text


def _components(snapshot: Snapshot, width: int) -> Section | None:
    """One line for each reward component: weight, value, change since the start of the stage, course."""
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
    weight = f"{snapshot.weights[name]:g}" if name in snapshot.weights else ""
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
            f"{number(metrics[key].last):<11} ",
            (sparkline(metrics[key].history, min(60, width - label - 12)), "cyan"),
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
    return "  ".join([f"{number(values['reward'])} ", *parts])


def _speed(metrics: Mapping[str, Metric], width: int) -> Section | None:
    units = (
        ("perf/samples_per_s", "samples/s"),
        ("perf/tokens_per_s", "tokens/s"),
        ("perf/peak_memory_mib", "MiB at peak"),
    )
    words = [f"{number(metrics[key].last)} {unit}" for key, unit in units if key in metrics]
    return Section(Text(clip(" · ".join(words), width), "dim"), 1, rank=3) if words else None


def _warnings(warnings: tuple[str, ...], width: int) -> Section | None:
    if not warnings:
        return None
    rows = [Text.assemble(("warning ", "bold yellow"), clip(text, width - 8)) for text in warnings]
    return Section(_stack(rows), len(rows), rank=1)


def _stack(rows: Iterable[Text]) -> Table:
    grid = Table.grid()
    grid.add_column(no_wrap=True)
    for row in rows:
        grid.add_row(row)
    return grid
