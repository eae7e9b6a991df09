"""Compares two evaluations of the same turns."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ecr_engine.errors import DataError, UsageError
from ecr_engine.evaluation.comparison import (
    Comparison,
    Line,
    MetricComparison,
    Side,
    SideBySide,
    comparison_from_json,
    read_comparison,
    write_comparison,
)
from ecr_engine.evaluation.statistics import Paired, holm, paired_comparison
from ecr_engine.evaluation.store import EvaluationResult, ScoredSample, read_evaluation
from ecr_engine.evaluation.values import OBJECTIVE, MetricValue, column, is_mean
from ecr_engine.evaluation.verdict import verdict

__all__ = [
    "Comparison",
    "MetricComparison",
    "compare",
    "comparison_from_json",
    "read_comparison",
    "verdict",
    "write_comparison",
]

SHOWN = 5
"""Dialogues shown of each kind."""

Pair = tuple[ScoredSample, ScoredSample]


@dataclass(frozen=True, slots=True)
class _Resampling:
    """How intervals and p values are drawn."""

    resamples: int
    confidence: float
    seed: int


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
        force: compare even where turns, prompts or decoding differ; only shared turns are compared then.

    Raises:
        DataError: an evaluation can't be read, or no turn is in both.
        UsageError: the evaluations differ in turns, prompts or decoding, and `force` is not set.
    """
    result_a, rows_a = read_evaluation(a)
    result_b, rows_b = read_evaluation(b)
    forced = _differences(result_a, result_b)
    if forced and not force:
        raise UsageError(
            f"these evaluations can't be compared: {'; '.join(forced)}",
            at=f"{a} and {b}",
            fix="evaluate both with the same settings, or compare the turns they share with --force",
        )
    pairs = _pair(rows_a, rows_b)
    if not pairs:
        raise DataError("no turn is in both evaluations", at=f"{a} and {b}", fix="evaluate both on the same split")
    whole = len(pairs) == len(rows_a) == len(rows_b)
    resampling = _Resampling(resamples, confidence, seed)
    by_turn = _means(result_a, rows_a) & _means(result_b, rows_b)
    metrics, skipped = _compare_metrics(result_a, result_b, pairs, by_turn, resampling, whole=whole)
    name_a, name_b = names if names is not None else (result_a.name, result_b.name)
    improved, harmed, drawn = _dialogues(pairs, seed)
    return Comparison(
        a=Side(name_a, result_a.checkpoint, result_a.seed),
        b=Side(name_b, result_b.checkpoint, result_b.seed),
        split=result_a.split,
        turns=len(pairs),
        dialogues=len({row.sample.example.conversation_id for row, _ in pairs}),
        decoding=result_a.decoding,
        confidence=confidence,
        resamples=resamples,
        seed=seed,
        forced=tuple(forced),
        skipped=skipped,
        metrics=metrics,
        improved=improved,
        harmed=harmed,
        random=drawn,
    )


def _differences(a: EvaluationResult, b: EvaluationResult) -> list[str]:
    """Why the two are not evaluations of the same thing, in sentence parts."""
    found = []
    if a.split_fingerprint != b.split_fingerprint:
        found.append(f"they answer different turns ({a.split}, {a.turns} turns; {b.split}, {b.turns} turns)")
    if a.prompt_fingerprint != b.prompt_fingerprint:
        found.append("their prompts differ")
    keys = sorted(key for key in {*a.decoding, *b.decoding} if a.decoding.get(key) != b.decoding.get(key))
    for key in keys:
        found.append(f"decoding.{key} is {a.decoding.get(key)} and {b.decoding.get(key)}")
    return found


def _pair(rows_a: Sequence[ScoredSample], rows_b: Sequence[ScoredSample]) -> list[Pair]:
    """The rows of both sides by example, in the order of the example ids."""
    by_id = {row.sample.example.example_id: row for row in rows_b}
    shared = [row for row in rows_a if row.sample.example.example_id in by_id]
    shared.sort(key=lambda row: row.sample.example.example_id)
    return [(row, by_id[row.sample.example.example_id]) for row in shared]


def _means(result: EvaluationResult, rows: Sequence[ScoredSample]) -> set[str]:
    """Keys of the metrics whose value is the mean over turns, so that resampling turns is resampling it."""
    return {
        key for key, value in result.metrics.items() if is_mean(value.value, [row.metrics.get(key) for row in rows])
    }


def _compare_metrics(
    a: EvaluationResult,
    b: EvaluationResult,
    pairs: Sequence[Pair],
    by_turn: set[str],
    resampling: _Resampling,
    *,
    whole: bool,
) -> tuple[dict[str, MetricComparison], dict[str, str]]:
    """All metrics that can be compared, and why the others can't; `whole` if each turn of both sides is in a pair."""
    shared = [key for key in a.metrics if key in b.metrics]
    skipped = {key: "only one side has it" for key in [*a.metrics, *b.metrics] if key not in shared}
    found: dict[str, MetricComparison] = {}
    for key, outcome in zip(shared, _pairwise(pairs, shared, resampling), strict=True):
        value_b = b.metrics[key]
        # What was paid for on either side is no evidence between the two.
        value_a = replace(a.metrics[key], in_reward=a.metrics[key].in_reward or value_b.in_reward)
        if outcome.n and key in by_turn:
            found[key] = _from_turns(key, outcome, value_a)
        elif whole and value_a.value is not None and value_b.value is not None:
            if math.isfinite(value_b.value - value_a.value):
                found[key] = _from_corpus(key, value_a, value_a.value, value_b.value, outcome)
            else:
                skipped[key] = "its difference is beyond what a number can hold"
        else:
            skipped[key] = "no turn has a value on both sides" if whole else "it exists only over a whole split"
    corrected = holm([metric.p for metric in found.values()])
    return {key: replace(found[key], p_holm=p) for key, p in zip(found, corrected, strict=True)}, skipped


def _pairwise(pairs: Sequence[Pair], keys: Sequence[str], resampling: _Resampling) -> list[Paired]:
    """The paired statistics of each key; a corpus-only metric has no rows (`n` of 0)."""
    if not keys:
        return []
    columns = [_columns(pairs, key) for key in keys]
    return paired_comparison(
        np.column_stack([column(values) for values, _ in columns]),
        np.column_stack([column(values) for _, values in columns]),
        [row.sample.example.conversation_id for row, _ in pairs],
        resamples=resampling.resamples,
        confidence=resampling.confidence,
        seed=resampling.seed,
    )


def _columns(pairs: Sequence[Pair], key: str) -> tuple[list[float | None], list[float | None]]:
    """A metric's values of both sides, by pair; None throughout for a corpus-only metric."""
    return [row.metrics.get(key) for row, _ in pairs], [row.metrics.get(key) for _, row in pairs]


def _from_turns(key: str, outcome: Paired, value: MetricValue) -> MetricComparison:
    assert outcome.a is not None and outcome.b is not None and outcome.difference is not None
    return _comparison(key, value, outcome.a, outcome.b, outcome.difference, outcome)


def _comparison(
    key: str, value: MetricValue, a: float, b: float, difference: float, outcome: Paired
) -> MetricComparison:
    better, worse = outcome.wins, outcome.losses
    if value.higher_is_better is False:
        better, worse = worse, better
    return MetricComparison(
        metric=key,
        a=a,
        b=b,
        difference=difference,
        relative=_relative(difference, a),
        interval=outcome.interval,
        p=outcome.p,
        p_holm=None,
        n=outcome.n,
        effect=outcome.effect,
        interval_a=outcome.interval_a,
        interval_b=outcome.interval_b,
        higher_is_better=value.higher_is_better,
        in_reward=value.in_reward,
        wins=better,
        ties=outcome.ties,
        losses=worse,
        explanation=value.explanation,
    )


def _relative(difference: float, a: float) -> float | None:
    """The difference as a share of |a|; None where a is 0, or so near to it that no float can hold the share."""
    share = difference / abs(a) if a else math.inf
    return share if math.isfinite(share) else None


def _from_corpus(key: str, value: MetricValue, a: float, b: float, outcome: Paired) -> MetricComparison:
    """A metric over the corpus: no interval and no p, since no mean over turns is behind it."""
    bare = replace(outcome, n=0, effect=None, interval=None, interval_a=None, interval_b=None, p=None)
    return replace(_comparison(key, value, a, b, b - a, bare), n=None)


def _dialogues(pairs: Sequence[Pair], seed: int) -> tuple[tuple[SideBySide, ...], ...]:
    """The turns whose reward rose most, those whose reward fell most, and random ones."""
    shown = [_side_by_side(a, b) for a, b in pairs]
    gains = [(d.reward_b - d.reward_a, d) for d in shown if d.reward_a is not None and d.reward_b is not None]
    improved = sorted((gain for gain in gains if gain[0] > 0), key=lambda gain: (-gain[0], gain[1].example_id))
    harmed = sorted((gain for gain in gains if gain[0] < 0), key=lambda gain: (gain[0], gain[1].example_id))
    drawn = random.Random(seed).sample(shown, min(SHOWN, len(shown)))
    return tuple(d for _, d in improved[:SHOWN]), tuple(d for _, d in harmed[:SHOWN]), tuple(drawn)


def _side_by_side(a: ScoredSample, b: ScoredSample) -> SideBySide:
    example = a.sample.example
    return SideBySide(
        example_id=example.example_id,
        context=tuple(Line(str(turn.role), turn.text) for turn in example.context),
        reference=example.target,
        a=a.sample.response,
        b=b.sample.response,
        reward_a=a.metrics.get(OBJECTIVE),
        reward_b=b.metrics.get(OBJECTIVE),
    )
