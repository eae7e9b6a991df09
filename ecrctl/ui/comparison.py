"""Comparisons of evaluations as tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from ecrctl.ui.numbers import clip, fixed, percent, signed
from ecrctl.ui.tables import Column, facts, show

if TYPE_CHECKING:
    from ecr_engine.evaluation.comparison import Comparison, MetricComparison, SideBySide
    from ecr_engine.evaluation.gates import GateOutcome

NO_VALUE = "–"
SMALLEST_P = 0.001
_NAME = 20
_CHANGES = 12
"""Settings that differ are shown up to this number."""


def show_comparisons(
    console: Console, comparisons: Sequence[Comparison], gates: Sequence[GateOutcome] = (), *, dialogues: bool = False
) -> None:
    """Prints comparisons one after the other, and the gates that are met.

    Args:
        console: where to.
        comparisons: what was compared.
        gates: what became of the gates; those that are not met are errors, which are told elsewhere.
        dialogues: whether dialogues stand under each table.
    """
    for place, comparison in enumerate(comparisons):
        if len(comparisons) > 1:
            console.print(Text("\n" * (place > 0) + f"{comparison.b.name} against {comparison.a.name}", "bold"))
        show_comparison(console, comparison)
        if dialogues:
            _show_dialogues(console, comparison)
    for gate in gates:
        if gate.met:
            console.print(Text(f"met: {gate.gate} ({gate.told})", "green"), soft_wrap=True)


def show_comparison(console: Console, comparison: Comparison) -> None:
    """Prints the table, what its marks mean, and the verdict."""
    from ecr_engine.evaluation.verdict import verdict

    interval = f"{comparison.confidence * 100:g} % interval"
    columns: Sequence[Column] = (
        Column("metric"),
        Column(clip(comparison.a.name, _NAME), right=True),
        Column(clip(comparison.b.name, _NAME), right=True),
        Column("difference", right=True, short="change"),
        Column("relative", right=True, spare=2),
        Column("guide", right=True, spare=5),
        Column(interval, right=True, spare=1),
        Column("p", right=True, spare=3),
        Column("Holm", right=True, spare=4),
        Column("effect", right=True, spare=6),
        Column("won/tied/lost", right=True, spare=7),
    )
    rows: Sequence[Sequence[str | Text]] = [
        _row(metric, comparison.confidence) for metric in comparison.metrics.values()
    ]
    if not any(metric.expected is not None for metric in comparison.metrics.values()):
        columns, rows = _without(columns, rows, "guide")
    show(console, columns, rows)
    console.print(Text("* the reward pays for it", "dim"))
    _show_guide(console, comparison)
    for key, why in comparison.skipped.items():
        console.print(Text(f"{key}: not compared, {why}", "dim"), soft_wrap=True)
    for difference in comparison.forced:
        console.print(Text(f"forced: {difference}", "yellow"), soft_wrap=True)
    _show_seeds(console, comparison)
    _show_settings(console, comparison)
    console.print()
    console.print(Text(verdict(comparison), "bold"))


def _without(
    columns: Sequence[Column], rows: Sequence[Sequence[str | Text]], head: str
) -> tuple[tuple[Column, ...], list[list[str | Text]]]:
    """The table without one column."""
    kept = [place for place, column in enumerate(columns) if column.head != head]
    return tuple(columns[place] for place in kept), [[row[place] for place in kept] for row in rows]


def _show_guide(console: Console, comparison: Comparison) -> None:
    """What the guide expects beside what was found."""
    told = [
        f"{metric.metric} {_expected(metric)} (got {NO_VALUE if metric.relative is None else percent(metric.relative)})"
        for metric in comparison.metrics.values()
        if metric.expected is not None
    ]
    if told:
        console.print(Text(f"the guide expects {', '.join(told)}", "dim"), soft_wrap=not console.is_terminal)


def _show_seeds(console: Console, comparison: Comparison) -> None:
    """The value of each seed where a side has several."""
    if max(len(comparison.a.runs), len(comparison.b.runs)) < 2:
        return
    columns = [Column("by seed"), *(Column(clip(side.name, 2 * _NAME)) for side in (comparison.a, comparison.b))]
    rows = [
        [metric.metric, " ".join(map(fixed, metric.runs_a)), " ".join(map(fixed, metric.runs_b))]
        for metric in comparison.metrics.values()
    ]
    console.print()
    show(console, columns, rows)


def _show_settings(console: Console, comparison: Comparison) -> None:
    """The settings that differ between the runs."""
    if not comparison.settings:
        return
    columns = [Column("settings that differ"), *(Column(clip(one.name, _NAME)) for one in (comparison.a, comparison.b))]
    console.print()
    show(console, columns, [[one.name, one.a, one.b] for one in comparison.settings[:_CHANGES]])
    if len(comparison.settings) > _CHANGES:
        rest = len(comparison.settings) - _CHANGES
        console.print(Text(f"and {rest} more, which --json and --md name", "dim"), soft_wrap=True)


def _show_dialogues(console: Console, comparison: Comparison) -> None:
    """The dialogues side by side."""
    chapters = (
        ("most improved", comparison.improved),
        ("most harmed", comparison.harmed),
        ("drawn at random", comparison.random),
    )
    for title, dialogues in chapters:
        for one in dialogues:
            console.print()
            console.print(Text(f"{title}: {one.example_id}", "bold"), soft_wrap=True)
            facts(console, _said(comparison, one))


def _said(comparison: Comparison, one: SideBySide) -> list[tuple[str, str]]:
    """Who said what in a dialogue, on one line each."""
    said = [(line.role, line.text) for line in one.context]
    said.append(("human", one.reference))
    for side, text, reward in ((comparison.a, one.a, one.reward_a), (comparison.b, one.b, one.reward_b)):
        said.append((clip(side.name, _NAME), f"{'' if reward is None else f'[{fixed(reward)}] '}{text}"))
    return [(who, clip(text, len(text)) or "(nothing)") for who, text in said]


def _row(metric: MetricComparison, confidence: float) -> list[str | Text]:
    return [
        f"{metric.metric} *" if metric.in_reward else metric.metric,
        fixed(metric.a),
        fixed(metric.b),
        Text(signed(metric.difference), _style(metric, confidence)),
        NO_VALUE if metric.relative is None else percent(metric.relative),
        _expected(metric),
        _interval(metric),
        _p(metric.p),
        _p(metric.p_holm),
        NO_VALUE if metric.effect is None else f"{metric.effect:+.2f}",
        f"{metric.wins}/{metric.ties}/{metric.losses}" if metric.wins + metric.ties + metric.losses else NO_VALUE,
    ]


def _expected(metric: MetricComparison) -> str:
    return "" if metric.expected is None else f"{metric.expected * 100:+g} %"


def _interval(metric: MetricComparison) -> str:
    if metric.interval is None:
        return NO_VALUE
    return f"{signed(metric.interval.low)}…{signed(metric.interval.high)}"


def _p(p: float | None) -> str:
    if p is None:
        return NO_VALUE
    return f"<{SMALLEST_P}" if p < SMALLEST_P else f"{p:.3f}"


def _style(metric: MetricComparison, confidence: float) -> str:
    """Green or red only where a difference is shown, all metrics corrected for, and one direction is the better one."""
    from ecr_engine.evaluation.verdict import is_significant

    if metric.higher_is_better is None or not is_significant(metric, confidence):
        return ""
    return "green" if (metric.difference > 0) == metric.higher_is_better else "red"
