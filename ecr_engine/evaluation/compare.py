"""Compares evaluations of the same turns: others with a baseline, each side with one seed or several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ecr_engine.evaluation.compare_metrics import Resampling, compare_metrics
from ecr_engine.evaluation.comparison import (
    Comparison,
    MetricComparison,
    Side,
    SideRun,
    comparison_from_json,
    read_comparison,
    write_comparison,
)
from ecr_engine.evaluation.contenders import Contender, read_contender, refuse_different, shared_turns
from ecr_engine.evaluation.setting_changes import setting_changes
from ecr_engine.evaluation.side_by_side import chosen_dialogues
from ecr_engine.evaluation.statistics import holm
from ecr_engine.evaluation.verdict import verdict

__all__ = [
    "Comparison",
    "MetricComparison",
    "Resampling",
    "compare",
    "compare_all",
    "comparison_from_json",
    "read_comparison",
    "verdict",
    "write_comparison",
]


def compare(
    a: Path,
    b: Path,
    *,
    resamples: int,
    confidence: float,
    seed: int,
    names: tuple[str, str] | None = None,
    force: bool = False,
) -> Comparison:
    """Compares the evaluations in two folders, turn by turn.

    Args:
        a: folder of the first evaluation (the baseline, usually).
        b: folder of the second; differences are `b - a`.
        resamples: resamples of the bootstrap and of the permutation test.
        confidence: confidence of the intervals.
        seed: seed of both, and of the random dialogues.
        names: what to call the two sides; their own names if None.
        force: compare even where turns, prompts, decoding, judges or layouts differ; only shared turns are compared
            then.

    Raises:
        DataError: an evaluation can't be read, or no turn is in both.
        UsageError: the evaluations differ in what has to be the same, and `force` is not set.
    """
    [found] = compare_all([[a], [b]], Resampling(resamples, confidence, seed), names=names or (None, None), force=force)
    return found


def compare_all(
    sides: Sequence[Sequence[Path]],
    resampling: Resampling,
    *,
    names: Sequence[str | None],
    force: bool = False,
) -> tuple[Comparison, ...]:
    """Compares each of several systems with the first one.

    Args:
        sides: the evaluation folders of each system, one for each of its seeds; at least two systems.
        resampling: how intervals and p values are drawn.
        names: what to call each system; None: as its first evaluation is called.
        force: compare even where turns, prompts, decoding, judges or layouts differ.

    Returns:
        A comparison for each system but the first. Holm's correction counts the tests of all of them.

    Raises:
        DataError: an evaluation can't be read, or no turn is in both.
        UsageError: evaluations differ in what has to be the same, and `force` is not set; or one is named twice on a
            side.
    """
    first, *others = (
        read_contender(folders, name, any_schema=force) for folders, name in zip(sides, names, strict=True)
    )
    return compare_contenders(first, others, resampling, force=force)


def compare_contenders(
    first: Contender, others: Sequence[Contender], resampling: Resampling, *, force: bool = False
) -> tuple[Comparison, ...]:
    """Compares systems that have been read; the arguments, the result and the errors are those of `compare_all`."""
    found = [_against(first, other, resampling, force=force) for other in others]
    corrected = iter(holm([metric.p for one in found for metric in one.metrics.values()]))
    return tuple(
        replace(one, metrics={key: replace(metric, p_holm=next(corrected)) for key, metric in one.metrics.items()})
        for one in found
    )


def _against(a: Contender, b: Contender, resampling: Resampling, *, force: bool) -> Comparison:
    """One comparison, its p values not corrected yet."""
    forced = refuse_different(a, b, force=force)
    turns = shared_turns(a, b)
    metrics, skipped = compare_metrics(a, b, turns, resampling)
    improved, harmed, drawn = chosen_dialogues(turns, resampling.seed)
    return Comparison(
        a=_side(a),
        b=_side(b),
        split=a.result.split,
        turns=len(turns.a[0]),
        dialogues=len(set(turns.dialogues)),
        decoding=a.result.decoding,
        confidence=resampling.confidence,
        resamples=resampling.resamples,
        seed=resampling.seed,
        forced=forced,
        skipped=skipped,
        metrics=metrics,
        improved=improved,
        harmed=harmed,
        random=drawn,
        settings=setting_changes(a.folders, b.folders),
    )


def _side(side: Contender) -> Side:
    runs = tuple(
        SideRun(str(folder), result.checkpoint, result.seed)
        for folder, result in zip(side.folders, side.results, strict=True)
    )
    return Side(side.name, side.result.checkpoint, side.result.seed, runs)
