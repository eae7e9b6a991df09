"""What a metric is, and which of them are measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Protocol

from ecr_engine.data.schema import Sample
from ecr_engine.errors import UsageError, suggestion
from ecr_engine.registry import Registry
from ecr_engine.rewards.resources import Resources

DEFAULT = "default"
"""The metrics that need nothing but the samples."""

ALL = "all"
"""Those, and the ones whose needs are met."""

TOKENISATION = "ecr_engine.data.words"
"""The module whose words every metric counts unless its definition names another way."""


class Family(StrEnum):
    """What a metric is about; documents list metrics under these headings, in this order."""

    OVERLAP = "Agreement with the reference"
    DIVERSITY = "Diversity"
    RECOMMENDATION = "Recommendation"
    EMPATHY = "Empathy and emotion"
    FORM = "Form and safety"
    MODEL = "What needs a model"


class Need(StrEnum):
    """What a metric needs beside the samples' texts."""

    NOTHING = ""
    ENCODER = "encoder"
    LOSSES = "losses"


@dataclass(frozen=True, slots=True)
class MetricResult:
    """The value of one metric.

    Attributes:
        corpus: the value over all samples; NaN where it applies to none of them.
        per_sample: one value a sample; None where the metric does not apply to the sample. Empty for a metric that
            exists only over a corpus.
    """

    corpus: float
    per_sample: tuple[float | None, ...]


class Metric(Protocol):
    """A measure of generated responses.

    Attributes:
        name: the registered name, also the key in results (`bleu_1` is written `bleu@1` where a file name can't be).
        key: the key in results.json and tables.
        family: what it is about.
        low: the least possible value.
        high: the greatest possible value (`inf` if unbounded).
        higher_is_better: the direction; None if neither direction is better.
        explanation: the definition in one sentence or two.
        source: the paper or tool whose definition it follows.
        agrees_with: the tool that gives the same numbers, and how it has to be called; "" if there is none.
        needs: what it needs beside the samples' texts.
    """

    name: str
    key: str
    family: Family
    low: float
    high: float
    higher_is_better: bool | None
    explanation: str
    source: str
    agrees_with: str
    needs: Need

    def compute(self, samples: Sequence[Sample]) -> MetricResult:
        """The metric over `samples` (at least one)."""


METRICS: Registry[Metric] = Registry("ecr_engine.evaluation.metrics", "metric")


def metrics_with(resources: Resources) -> list[Metric]:
    """Every registered metric, by family and name; none of them has loaded a model yet."""
    families = list(Family)
    built = [METRICS.build(name, resources) for name in METRICS.names()]
    return sorted(built, key=lambda metric: (families.index(metric.family), metric.name))


def select(wanted: Sequence[str], resources: Resources, *, losses: bool) -> list[Metric]:
    """The metrics that are asked for, each once.

    Args:
        wanted: names, keys or patterns (`bleu_*`), `default`, `all`.
        resources: what metrics draw on.
        losses: whether the samples hold the losses of their references.

    Raises:
        UsageError: a metric is not registered, no metric fits a pattern, or one that is named lacks what it needs.
    """
    known = metrics_with(resources)
    met = {Need.NOTHING: True, Need.ENCODER: bool(resources.encoder), Need.LOSSES: losses}
    found: dict[str, Metric] = {}
    for word in wanted:
        for metric in _fitting(word, known, met):
            found.setdefault(metric.name, metric)
    return list(found.values())


def _fitting(word: str, known: Sequence[Metric], met: dict[Need, bool]) -> list[Metric]:
    """The metrics that one name, key or pattern means."""
    able = [metric for metric in known if met[metric.needs]]
    if word == ALL:
        return able
    if word == DEFAULT:
        return [metric for metric in able if metric.needs is not Need.ENCODER]
    named = [metric for metric in known if word in (metric.name, metric.key)]
    if named:
        _check(named[0], met)
        return named
    fitting = [metric for metric in able if fnmatchcase(metric.name, word) or fnmatchcase(metric.key, word)]
    if not fitting:
        names = [DEFAULT, ALL, *(metric.name for metric in known)]
        raise UsageError(f"unknown metric '{word}'", at="evaluation.metrics", fix=suggestion(word, names))
    return fitting


def _check(metric: Metric, met: dict[Need, bool]) -> None:
    if met[metric.needs]:
        return
    if metric.needs is Need.ENCODER:
        raise UsageError(
            f"metric '{metric.name}' needs a sentence encoder",
            at="reward_options.similarity_encoder",
            fix="--set reward_options.similarity_encoder=minilm-l6",
        )
    raise UsageError(
        f"metric '{metric.name}' needs the losses of the references, which only the model can say",
        at="evaluation.perplexity",
        fix="generate again with them: ecrctl eval run RUN --perplexity",
    )
