"""All metrics and the composite reward of a set of responses."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ecr_engine.data.schema import Sample
from ecr_engine.errors import DataError, EcrError
from ecr_engine.evaluation.corpus import Corpus, corpus_of
from ecr_engine.evaluation.metric import DEFAULT, Metric, MetricResult, select
from ecr_engine.evaluation.statistics import Interval, mean_intervals
from ecr_engine.evaluation.values import COMPONENT_PREFIX, OBJECTIVE, MetricValue, column, is_mean, mean
from ecr_engine.rewards.component import RewardComponent
from ecr_engine.rewards.composition import PENALTY_SCALE, Composer
from ecr_engine.rewards.foreign import Raised, attempt
from ecr_engine.rewards.resources import Resources

PAID_BY = {
    "bleu": ("bleu_", "sacrebleu"),
    "distinct": ("dist_", "distinct_", "self_bleu"),
    "recommendation": ("item_ratio", "slot_f1", "hit_"),
    "format": ("finished", "length"),
    "length": ("length",),
    "repetition": ("distinct_", "repetition"),
    "empathy": ("empathy",),
    "emotion_alignment": ("emotion_",),
    "safety": ("safety",),
    "similarity": ("similarity",),
}
"""Which metrics (by the start of their names) a reward component pays for: a gain in them is what was trained for, and
is weaker evidence than a gain in a metric that the reward does not see."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What `measure` found.

    Attributes:
        metrics: by key; the objective first, then its components, then the metrics.
        per_sample: one value a sample by key, None where the metric does not apply; empty for corpus-only metrics.
        failed: why a metric has no value, by its key.
    """

    metrics: Mapping[str, MetricValue]
    per_sample: Mapping[str, tuple[float | None, ...]]
    failed: Mapping[str, str]


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


def split_names(text: str) -> list[str]:
    """The names in a setting that holds several, with commas between."""
    return [name.strip() for name in text.split(",") if name.strip()]


def measure(
    samples: Sequence[Sample],
    *,
    metric_names: Sequence[str] = (DEFAULT,),
    composer: Composer | None = None,
    components: Sequence[str] = (),
    resources: Resources | None = None,
    resamples: int = 10_000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Measured:
    """Measures responses with the objective, its components and the named metrics.

    A metric that fails is named with its reason, and the others are measured all the same.

    Args:
        samples: the responses, at least one.
        metric_names: names, keys or patterns of metrics, `default` or `all`.
        composer: the composite reward; None to leave it out.
        components: components that the reward is known to have beside the composer's, as that of a policy's training.
        resources: what metrics draw on; the defaults if None.
        resamples: bootstrap resamples of the intervals.
        confidence: confidence of the intervals.
        seed: seed of the resampling.

    Raises:
        DataError: there are no samples.
        UsageError: a metric is not registered, or lacks what it needs.
        EcrError: a reward component fails.
    """
    if not samples:
        raise DataError("there are no responses to measure", fix="evaluate a split that has recommender turns")
    corpus = corpus_of(samples)
    losses = any(sample.reference_loss is not None for sample in corpus)
    metrics = select(metric_names, resources or Resources(), losses=losses)
    rewards = [] if composer is None else _reward_entries(corpus, composer)
    paid = [*components, *(composer.components if composer is not None else ())]
    entries, failed = _measured(metrics, corpus, paid)
    entries = rewards + entries
    return _with_intervals(entries, failed, corpus, resamples, confidence, seed)


def measured_columns(
    columns: Mapping[str, tuple[MetricResult, tuple[float, float], str]],
    samples: Sequence[Sample],
    *,
    in_reward: bool,
    resamples: int,
    confidence: float,
    seed: int,
) -> Measured:
    """Values that were not computed by a metric here, with their intervals; higher is better.

    Args:
        columns: by key the values, the least and the greatest possible one, and the definition.
        samples: the responses that they are of.
        in_reward: whether the reward pays for them.
        resamples: bootstrap resamples of the intervals.
        confidence: confidence of the intervals.
        seed: seed of the resampling.
    """
    entries = [
        _Entry(key, result, higher_is_better=True, low=low, high=high, in_reward=in_reward, explanation=words)
        for key, (result, (low, high), words) in columns.items()
    ]
    return _with_intervals(entries, {}, samples, resamples, confidence, seed)


def _with_intervals(
    entries: Sequence[_Entry],
    failed: Mapping[str, str],
    samples: Sequence[Sample],
    resamples: int,
    confidence: float,
    seed: int,
) -> Measured:
    intervals = _mean_intervals(entries, samples, resamples, confidence, seed)
    return Measured(
        metrics={entry.key: _value(entry, intervals.get(entry.key)) for entry in entries},
        per_sample={entry.key: entry.result.per_sample for entry in entries},
        failed=failed,
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


def _measured(
    metrics: Sequence[Metric], corpus: Corpus, components: Sequence[str]
) -> tuple[list[_Entry], dict[str, str]]:
    """The metrics that could be measured, and why the others could not."""
    paid = tuple(start for component in components for start in PAID_BY.get(component, ()))
    entries, failed = [], {}
    for metric in metrics:
        found = _computed(metric, corpus)
        if isinstance(found, str):
            failed[metric.key] = found
        else:
            entries.append(_metric_entry(metric, found, in_reward=metric.name.startswith(paid)))
    return entries, failed


def _computed(metric: Metric, corpus: Corpus) -> MetricResult | str:
    """What a metric gives, or why it gives nothing."""
    try:
        outcome = attempt(lambda: metric.compute(corpus))
    except EcrError as error:
        problem = error.problems[0]
        return f"{problem.what}; {problem.fix}" if problem.fix else problem.what
    if isinstance(outcome, Raised):
        return outcome.in_one_line()
    given = len(outcome.value.per_sample)
    return outcome.value if given in (0, len(corpus)) else f"it gave {given} values for {len(corpus)} turns"


def _metric_entry(metric: Metric, result: MetricResult, *, in_reward: bool) -> _Entry:
    return _Entry(metric.key, result, metric.higher_is_better, metric.low, metric.high, in_reward, metric.explanation)


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
    if not means:
        return {}
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
