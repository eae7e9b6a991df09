"""Merged, compared and distributed scores, in tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ecrctl.ui.comparison import NO_VALUE
from ecrctl.ui.console import results
from ecrctl.ui.document import print_document
from ecrctl.ui.numbers import fixed, signed, sparkline
from ecrctl.ui.tables import Column, facts, show

if TYPE_CHECKING:
    from rich.console import Console

    from ecr_engine.scoring.agreement import DimensionAgreement, Estimate, PairAgreement
    from ecr_engine.scoring.bias import PositionBias
    from ecr_engine.scoring.compare_judges import JudgeComparison
    from ecr_engine.scoring.merge import MergeSummary
    from ecr_engine.scoring.score_report import FileReport


def show_merge(summary: MergeSummary, *, as_json: bool) -> None:
    """Prints the mean of each dimension after merging, and how many judges the items have."""
    if as_json:
        print_document(summary)
        return
    console = results()
    columns = [Column("dimension"), *(Column(f"mean of {name}", right=True) for name in summary.levels)]
    rows = [
        (name, *(fixed(levels[name].mean) for levels in summary.levels.values()), fixed(mean))
        for name, mean in summary.means.items()
    ]
    show(console, [*columns, Column("merged", right=True)], rows or [(NO_VALUE,) * (len(columns) + 1)])
    console.print()
    counts = ", ".join(f"{count:,} scored by {judges}" for judges, count in summary.by_judges.items())
    lacking = ", ".join(f"{name} {count:,}" for name, count in summary.lacking.items())
    facts(
        console,
        [
            ("method", summary.method),
            ("items", f"{summary.items:,}: {counts}"),
            ("not scored by", lacking),
            ("failures", f"{summary.failed:,} in the merged file"),
            *((f"only by {', '.join(judges)}", name) for name, judges in summary.partial.items()),
            *([("clipped", f"{summary.clipped:,} scores put on the end of the scale")] if summary.clipped else []),
            ("written", str(summary.output)),
        ],
    )


def show_agreement(found: JudgeComparison, *, as_json: bool) -> None:
    """Prints a table for each pair, and one of how far each judge goes by length."""
    if as_json:
        print_document(found)
        return
    console = results()
    for pair in found.pairs:
        _show_pair(pair)
        console.print()
    columns = [Column("judge"), Column("dimension"), Column("Spearman with length", right=True, short="length")]
    rows = [
        (one.judge, each.dimension, _ranged(each.spearman, each.interval))
        for one in found.length
        for each in one.dimensions
    ]
    show(console, columns, rows)
    console.print()
    console.print(
        "95 % intervals; those of agreement draw whole dialogues. Limits: difference ± 1.96 sd (Bland–Altman). "
        "kappa: quadratic weights, scores at their nearest rating. length: number of words.",
        soft_wrap=True,
    )


def show_reports(reports: Sequence[FileReport], written: Sequence[Path], *, as_json: bool) -> None:
    """Prints the distribution of each dimension of each file, and the failures by kind."""
    if as_json:
        print_document({"files": reports, "written": written})
        return
    console = results()
    columns = [
        Column("dimension"),
        Column("scored", right=True),
        Column("mean", right=True),
        Column("sd", right=True),
        Column("least", right=True, spare=3),
        Column("25 %", right=True, spare=2),
        Column("median", right=True, spare=1),
        Column("75 %", right=True, spare=2),
        Column("greatest", right=True, spare=3),
        Column("lowest … highest"),
    ]
    for report in reports:
        facts(console, [(" + ".join(report.judges) or report.path.stem, str(report.path))])
        rows = [
            (
                each.dimension,
                f"{each.scored:,}",
                fixed(each.mean),
                NO_VALUE if each.deviation is None else fixed(each.deviation),
                *(fixed(quantile) for quantile in each.quantiles),
                sparkline(each.counts, len(each.counts)),
            )
            for each in report.dimensions
        ]
        show(console, columns, rows or [(NO_VALUE,) * len(columns)])
        console.print()
        if len(report.systems) > 1:
            show_systems(console, report)
        show_biases(console, report)
        failed = [(f"failed, {kind}", f"{count:,}") for kind, count in report.failures.items()]
        facts(console, [("rows", f"{report.rows:,}, {report.failed:,} failures"), *failed])
        console.print()
    facts(console, [("written", str(path)) for path in written])


def show_systems(console: Console, report: FileReport) -> None:
    """Prints the mean of each dimension by whose responses they are."""
    columns = [Column("mean of"), *(Column(name, right=True) for name in report.systems)]
    rows = [
        (each.dimension, *(_mean(means, each.dimension) for means in report.systems.values()))
        for each in report.dimensions
    ]
    show(console, columns, rows or [(NO_VALUE,) * len(columns)])
    console.print()


def show_biases(console: Console, report: FileReport) -> None:
    """Prints what the number of words and, after a swap test, the place of a response are worth to a judge."""
    placed = {one.dimension: one for one in report.position}
    columns = [Column("bias of"), Column("Spearman with length", right=True, short="length")]
    if placed:
        columns += [
            Column("earlier − later", right=True, short="earlier"),
            Column("shift", right=True, spare=2),
            Column("flipped", right=True),
        ]
    rows = [
        (one.dimension, _ranged(one.spearman, one.interval), *_placed(placed, one.dimension)) for one in report.length
    ]
    show(console, columns, rows or [(NO_VALUE,) * len(columns)])
    if placed:
        turns = max(one.turns for one in placed.values())
        console.print(
            f"swap test of {turns:,} turns: earlier − later is what a response gains by standing earlier, shift how "
            "far its score moves, flipped the share of pairs whose better one changes.",
            soft_wrap=True,
        )
    console.print()


def _placed(placed: Mapping[str, PositionBias], dimension: str) -> tuple[str, ...]:
    if not placed:
        return ()
    one = placed.get(dimension)
    if one is None:
        return (NO_VALUE,) * 3
    flipped = NO_VALUE if one.flipped is None else f"{one.flipped:.2f}"
    return (_ranged(one.preference, one.interval), f"{one.shift:.2f}", flipped)


def _mean(means: Mapping[str, float], dimension: str) -> str:
    return fixed(means[dimension]) if dimension in means else NO_VALUE


def _show_pair(pair: PairAgreement) -> None:
    console = results()
    facts(
        console,
        [
            ("a", pair.a),
            ("b", pair.b),
            (
                "items",
                f"{pair.both:,} in both, {pair.unscored:,} of them not scored by both; "
                f"only in a {pair.only_a:,}, only in b {pair.only_b:,}",
            ),
        ],
    )
    columns = [
        Column("dimension"),
        Column("items", right=True, spare=3),
        Column("Pearson", right=True, spare=2),
        Column("Spearman", right=True),
        Column("kappa", right=True),
        Column("b − a", right=True),
        Column("limits", right=True, spare=1),
    ]
    show(console, columns, [_row(each) for each in pair.dimensions] or [(NO_VALUE,) * len(columns)])


def _row(found: DimensionAgreement) -> tuple[str, ...]:
    low, high = found.low_limit.value, found.high_limit.value
    limits = NO_VALUE if low is None or high is None else f"{signed(low)} … {signed(high)}"
    return (
        found.dimension,
        f"{found.items:,}",
        _estimate(found.pearson),
        _estimate(found.spearman),
        _estimate(found.kappa),
        _estimate(found.difference),
        limits,
    )


def _estimate(found: Estimate) -> str:
    return _ranged(found.value, found.interval)


def _ranged(value: float | None, interval: tuple[float, float] | None) -> str:
    """`.62 [.55, .68]` with two digits, as far as there are these numbers."""
    if value is None:
        return NO_VALUE
    return _short(value) + (f" [{_short(interval[0])}, {_short(interval[1])}]" if interval is not None else "")


def _short(value: float) -> str:
    # Adding 0 takes the sign from a zero.
    return f"{round(value, 2) + 0.0:.2f}"
