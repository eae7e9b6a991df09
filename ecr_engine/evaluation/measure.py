"""All metrics and the composite reward of a set of responses."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ecr_engine.data.schema import Sample
from ecr_engine.errors import DataError
from ecr_engine.evaluation.metric import METRICS, Metric, MetricResult
from ecr_engine.evaluation.statistics import Interval, mean_intervals
from ecr_engine.evaluation.values import COMPONENT_PREFIX, OBJECTIVE, MetricValue, column, is_mean, mean
from ecr_engine.rewards.component import RewardComponent
from ecr_engine.rewards.composition import PENALTY_SCALE, Composer

PAID_BY = {
    "bleu": ("bleu_",),
    "distinct": ("dist_", "distinct_"),
    "recommendation": ("item_ratio", "slot_f1"),
    "format": ("finished", "length"),
    "length": ("length",),
    "repetition": ("distinct_",),
}
"""Which metrics (by the start of their names) a reward component pays for: a gain in them is what was trained for, and
is weaker evidence than a gain in a metric that the reward does not see."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What `measure` found.

    Attributes:
        metrics: by key; the objective first, then its components, then the metrics.
        per_sample: one value a sample by key, None where the metric does not apply; empty for corpus-only metrics.
    """

    metrics: Mapping[str, MetricValue]
    per_sample: Mapping[str, tuple[float | None, ...]]


@dataclass(frozen=True, slots=True)
class _Entry:
    """One metric before its interval is known."""

    key: str
    result: MetricResult
    higher_is_better: bool | None
    low: float
    high: float
    in_reward: bool
    explanation: str


def measure(
    samples: Sequence[Sample],
    *,
    metric_names: Sequence[str] | None = None,
    composer: Composer,
    resamples: int = 10_000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Measured:
    """Measures responses with the objective, its components and the named metrics.

    Args:
        samples: the responses, at least one.
        metric_names: registered names; all registered metrics if None.
        composer: the composite reward.
        resamples: bootstrap resamples of the intervals.
        confidence: confidence of the intervals.
        seed: seed of the resampling.

    Raises:
        DataError: there are no samples.
        UsageError: a metric is not registered.
    """
    if not samples:
        raise DataError("there are no responses to measure", fix="evaluate a split that has recommender turns")
    metrics = [METRICS.build(name) for name in (METRICS.names() if metric_names is None else metric_names)]
    rewards = _reward_entries(samples, composer)
    components = [entry.key.removeprefix(COMPONENT_PREFIX) for entry in rewards[1:]]
    entries = rewards + [_metric_entry(metric, samples, components) for metric in metrics]
    intervals = _mean_intervals(entries, samples, resamples, confidence, seed)
    return Measured(
        metrics={entry.key: _value(entry, intervals.get(entry.key)) for entry in entries},
        per_sample={entry.key: entry.result.per_sample for entry in entries},
    )


def _reward_entries(samples: Sequence[Sample], composer: Composer) -> list[_Entry]:
    """The objective and its components."""
    reward = composer.score(samples)
    parts = composer.components
    weights = {name: composer.weights[name] for name in parts}
    positive = [part for part in parts.values() if part.high > 0]
    objective = _Entry(
        OBJECTIVE,
        MetricResult(_mean(reward.total), reward.total),
        higher_is_better=True,
        low=min([0.0, *(part.low for part in positive)])
        + PENALTY_SCALE * sum(weights[name] * part.low for name, part in parts.items() if part.high <= 0),
        high=max([1.0, *(part.high for part in positive)]),
        in_reward=True,
        explanation="The composite reward that the policy was trained on, without the KL penalty; weights: "
        + ", ".join(f"{name} {weight:g}" for name, weight in weights.items())
        + ".",
    )
    return [objective, *(_component_entry(name, part, reward.components[name]) for name, part in parts.items())]


def _component_entry(name: str, component: RewardComponent, scores: tuple[float | None, ...]) -> _Entry:
    return _Entry(
        COMPONENT_PREFIX + name,
        MetricResult(_mean(scores), scores),
        higher_is_better=True,
        low=component.low,
        high=component.high,
        in_reward=True,
        explanation=_sentence(component.explanation),
    )


def _sentence(text: str) -> str:
    """An explanation as a whole sentence: components give theirs as a phrase."""
    return text[0].upper() + text[1:].removesuffix(".") + "."


def _metric_entry(metric: Metric, samples: Sequence[Sample], components: Sequence[str]) -> _Entry:
    paid = tuple(start for component in components for start in PAID_BY.get(component, ()))
    return _Entry(
        metric.key,
        metric.compute(samples),
        metric.higher_is_better,
        metric.low,
        metric.high,
        in_reward=metric.name.startswith(paid),
        explanation=metric.explanation,
    )


def _mean(values: Sequence[float | None]) -> float:
    """The mean of the values that are there; NaN if none is, or one is not finite."""
    known = [value for value in values if value is not None]
    average = mean(known) if all(map(math.isfinite, known)) else None
    return math.nan if average is None else average


def _mean_intervals(
    entries: Sequence[_Entry], samples: Sequence[Sample], resamples: int, confidence: float, seed: int
) -> dict[str, Interval | None]:
    """Intervals, by key, of the metrics that are means over turns."""
    means = [entry for entry in entries if is_mean(entry.result.corpus, entry.result.per_sample)]
    values = np.column_stack([column(entry.result.per_sample) for entry in means])
    clusters = [sample.example.conversation_id for sample in samples]
    found = mean_intervals(values, clusters, resamples=resamples, confidence=confidence, seed=seed)
    return {entry.key: interval for entry, interval in zip(means, found, strict=True)}


def _value(entry: _Entry, interval: Interval | None) -> MetricValue:
    corpus = entry.result.corpus
    return MetricValue(
        value=corpus if math.isfinite(corpus) else None,
        interval=interval,
        higher_is_better=entry.higher_is_better,
        low=entry.low,
        high=entry.high,
        in_reward=entry.in_reward,
        explanation=entry.explanation,
    )
