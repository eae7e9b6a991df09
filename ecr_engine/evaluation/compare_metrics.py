"""The metrics of two sides, one by one: which can be compared, and what is known of each.

There are three ways to know how sure a value is. A mean over turns, and any other function of sums over turns
(`corpus_values`), is resampled by dialogue; counts of kinds are left to the jackknife (`varieties`); of what is neither
only the difference is known. The sums and kinds are made from the responses again and used only where they give the
recorded value.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ecr_engine.evaluation.comparison import BY_DIALOGUE, JACKKNIFE, NOT_TESTED, MetricComparison
from ecr_engine.evaluation.contenders import Contender, Turns, not_shared
from ecr_engine.evaluation.corpus import Corpus
from ecr_engine.evaluation.corpus_values import Sums, agrees, sums_of, variety_behind
from ecr_engine.evaluation.expected_gains import expected_gain
from ecr_engine.evaluation.statistics import (
    Cube,
    Paired,
    Quantity,
    Uncertainty,
    paired_comparison,
)
from ecr_engine.evaluation.store import ScoredSample
from ecr_engine.evaluation.values import MetricValue, column, is_mean, mean
from ecr_engine.evaluation.varieties import Variety, variety_uncertainty


@dataclass(frozen=True, slots=True)
class Resampling:
    """How intervals and p values are drawn.

    Attributes:
        resamples: resamples of the bootstrap and of the permutation test.
        confidence: confidence of the intervals.
        seed: seed of both, and of the random dialogues.
    """

    resamples: int
    confidence: float
    seed: int


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of one metric beside its values.

    Attributes:
        paired: its statistics by turn.
        beside: how sure its value over the corpus is; None where that can't be said.
        method: how that was found.
    """

    paired: Paired
    beside: Uncertainty | None = None
    method: str = NOT_TESTED


def compare_metrics(
    a: Contender, b: Contender, turns: Turns, resampling: Resampling
) -> tuple[dict[str, MetricComparison], dict[str, str]]:
    """All metrics that can be compared, their p values not corrected, and why the others can't.

    Args:
        a: the first side.
        b: the second side.
        turns: the turns that both have.
        resampling: how intervals and p values are drawn.
    """
    skipped = not_shared(a, b)
    shared = [key for key in a.result.metrics if key not in skipped]
    means = _means(a) & _means(b)
    known = _statistics(a, b, turns, shared, means, resampling)
    found: dict[str, MetricComparison] = {}
    for key in shared:
        # What was paid for on either side is no evidence between the two.
        paid = any(result.metrics[key].in_reward for result in (*a.results, *b.results))
        value = replace(a.result.metrics[key], in_reward=paid)
        one = _from_turns(key, known[key].paired, value) if key in means else None
        outcome = one or _from_corpus(key, known[key], value, a, b, whole=turns.whole)
        if isinstance(outcome, str):
            skipped[key] = outcome
        else:
            found[key] = outcome
    return found, skipped


def _means(side: Contender) -> set[str]:
    """Keys of the metrics whose value is the mean over turns, so that resampling turns is resampling it."""
    found = [
        {key for key, value in result.metrics.items() if is_mean(value.value, [row.metrics.get(key) for row in rows])}
        for result, rows in zip(side.results, side.rows, strict=True)
    ]
    return set.intersection(*found)


def _statistics(
    a: Contender, b: Contender, turns: Turns, keys: Sequence[str], means: set[str], resampling: Resampling
) -> Mapping[str, _Known]:
    """What is known of each metric; a corpus-only metric has no statistics by turn (`n` of 0)."""
    corpora = [[Corpus([row.sample for row in rows]) for rows in side] for side in (turns.a, turns.b)]
    others = [key for key in keys if key not in means] if turns.whole else []
    sums = {key: made for key in others if (made := _sums(key, (a, b), corpora)) is not None}
    paired, found = paired_comparison(
        _cube(turns.a, keys),
        _cube(turns.b, keys),
        turns.dialogues,
        resamples=resampling.resamples,
        confidence=resampling.confidence,
        seed=resampling.seed,
        beside=list(sums.values()),
    )
    known = {key: _Known(one) for key, one in zip(keys, paired, strict=True)}
    for key, uncertainty in zip(sums, found, strict=True):
        known[key] = replace(known[key], beside=uncertainty, method=BY_DIALOGUE)
    for key in others:
        uncertainty_or_none = _kinds(key, (a, b), corpora, turns.dialogues, resampling.confidence)
        if uncertainty_or_none is not None:
            known[key] = replace(known[key], beside=uncertainty_or_none, method=JACKKNIFE)
    return known


def _cube(side: Sequence[Sequence[ScoredSample]], keys: Sequence[str]) -> Cube:
    """The values of the metrics on the turns of each seed, [seeds, turns, metrics]."""
    empty = np.empty((len(side), len(side[0]), 0))
    columns = [np.stack([column([row.metrics.get(key) for row in rows]) for rows in side]) for key in keys]
    return np.stack(columns, axis=-1) if columns else empty


def _sums(key: str, sides: Sequence[Contender], corpora: Sequence[Sequence[Corpus]]) -> Quantity | None:
    """A metric as a function of sums over turns; None if it is none, or if that does not give the recorded values."""
    made: list[list[Sums]] = []
    for side, own in zip(sides, corpora, strict=True):
        seeds = [sums_of(key, corpus) for corpus in own]
        known = [one for one in seeds if one is not None]
        if len(known) < len(seeds) or not _confirmed(key, side, [one.total() for one in known]):
            return None
        made.append(known)
    a, b = (np.stack([one.turns for one in side]) for side in made)
    return Quantity(a, b, made[0][0].value, np.ones(a.shape[1], dtype=bool))


def _kinds(
    key: str,
    sides: Sequence[Contender],
    corpora: Sequence[Sequence[Corpus]],
    dialogues: Sequence[str],
    confidence: float,
) -> Uncertainty | None:
    """How sure a metric is that counts kinds; None if it counts none, or if they do not give the recorded values."""
    names, place = np.unique(np.asarray(dialogues, dtype=str), return_inverse=True)
    made: list[list[Variety]] = []
    for side, own in zip(sides, corpora, strict=True):
        seeds = [variety_behind(key, corpus, place, len(names)) for corpus in own]
        known = [one for one in seeds if one is not None]
        if len(known) < len(seeds) or not _confirmed(key, side, [one.value() for one in known]):
            return None
        made.append(known)
    return variety_uncertainty(made[0], made[1], confidence)


def _confirmed(key: str, side: Contender, again: Sequence[float]) -> bool:
    """Whether the recorded values of a side are those that its turns give."""
    return all(agrees(result.metrics[key].value, value) for result, value in zip(side.results, again, strict=True))


def _from_turns(key: str, paired: Paired, value: MetricValue) -> MetricComparison | None:
    """A metric that is a mean over turns; None where no turn has it on both sides."""
    if paired.a is None or paired.b is None or paired.difference is None:
        return None
    found = replace(
        _comparison(key, value, paired.a, paired.b, paired.difference, paired),
        n=paired.n,
        effect=paired.effect,
        runs_a=paired.runs_a,
        runs_b=paired.runs_b,
    )
    return replace(found, p=None) if paired.interval is None else replace(found, method=BY_DIALOGUE)


def _from_corpus(
    key: str, known: _Known, value: MetricValue, a: Contender, b: Contender, *, whole: bool
) -> MetricComparison | str:
    """A metric over the corpus, or why it can't be compared."""
    runs_a, runs_b = (tuple(result.metrics[key].value for result in side.results) for side in (a, b))
    if not whole:
        return "it exists only over a whole split"
    if None in runs_a or None in runs_b:
        return "no turn has a value on both sides"
    mean_a, mean_b = mean(runs_a) or 0.0, mean(runs_b) or 0.0
    if not math.isfinite(mean_b - mean_a):
        return "its difference is beyond what a number can hold"
    sure = known.beside or Uncertainty(None, None, None, None)
    # Its turns may have values of another kind: those of `slot_f1` say whether both name a movie or neither does.
    bare = replace(
        known.paired, interval=sure.interval, interval_a=sure.interval_a, interval_b=sure.interval_b, p=sure.p
    )
    found = _comparison(key, value, mean_a, mean_b, mean_b - mean_a, bare)
    method = NOT_TESTED if sure.interval is None else known.method
    return replace(
        found,
        interval=sure.interval,
        interval_a=sure.interval_a,
        interval_b=sure.interval_b,
        p=None if sure.interval is None else sure.p,
        n=None if sure.interval is None else len(a.rows[0]),
        runs_a=tuple(one for one in runs_a if one is not None),
        runs_b=tuple(one for one in runs_b if one is not None),
        method=method,
    )


def _comparison(
    key: str, value: MetricValue, a: float, b: float, difference: float, paired: Paired
) -> MetricComparison:
    better, worse = paired.wins, paired.losses
    if value.higher_is_better is False:
        better, worse = worse, better
    return MetricComparison(
        metric=key,
        a=a,
        b=b,
        difference=difference,
        relative=_relative(difference, a),
        interval=paired.interval,
        p=paired.p,
        p_holm=None,
        n=None,
        effect=None,
        interval_a=paired.interval_a,
        interval_b=paired.interval_b,
        higher_is_better=value.higher_is_better,
        in_reward=value.in_reward,
        wins=better,
        ties=paired.ties,
        losses=worse,
        explanation=value.explanation,
        expected=expected_gain(key),
    )


def _relative(difference: float, a: float) -> float | None:
    """The difference as a share of |a|; None where a is 0, or so near to it that no float can hold the share."""
    share = difference / abs(a) if a else math.inf
    return share if math.isfinite(share) else None
