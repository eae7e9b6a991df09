"""perplexity: how unexpected the references are to the model."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ecr_engine.data.schema import ReferenceLoss, Sample
from ecr_engine.evaluation.metric import Family, Metric, MetricResult, Need
from ecr_engine.rewards.resources import Resources

MOST_NATS = 700.0
"""A greater mean loss has no perplexity that a float can hold."""


class Perplexity:
    """Exponential of the mean loss of a reference token."""

    name = "perplexity"
    key = "perplexity"
    family = Family.MODEL
    low = 1.0
    high = math.inf
    higher_is_better: bool | None = False
    explanation = (
        "Exponential of the mean negative log-likelihood of a token of the references under the model, every token "
        "counted alike, the stop token included; comparable only between models with one tokenizer."
    )
    source = "Jelinek et al. 1977; token-weighted, as the loss of the training"
    agrees_with = "transformers: exp of the summed losses over the summed tokens"
    needs = Need.LOSSES

    def compute(self, samples: Sequence[Sample]) -> MetricResult:
        """The value over all tokens, and that of each turn; None for a turn whose loss was not saved."""
        losses = [sample.reference_loss for sample in samples]
        known = [loss for loss in losses if loss is not None]
        tokens = sum(loss.tokens for loss in known)
        corpus = _perplexity(math.fsum(loss.nats for loss in known), tokens) if tokens else math.nan
        return MetricResult(corpus, tuple(map(_of_turn, losses)))


def _of_turn(loss: ReferenceLoss | None) -> float | None:
    return None if loss is None else _perplexity(loss.nats, loss.tokens)


def _perplexity(nats: float, tokens: int) -> float:
    mean = nats / tokens
    return math.exp(mean) if mean < MOST_NATS else math.inf


def build(resources: Resources) -> Metric:
    """The metric."""
    return Perplexity()
