"""similarity: how near responses are to their references in meaning."""

from __future__ import annotations

from collections.abc import Sequence

from ecr_engine.data.schema import Sample
from ecr_engine.evaluation.metric import Family, Metric, MetricResult, Need
from ecr_engine.evaluation.metrics._mean import mean_result
from ecr_engine.rewards.components.similarity import Similarity as Component
from ecr_engine.rewards.resources import Resources


class Similarity:
    """Nearness of sentence embeddings.

    Args:
        encoder: a registered encoder, a local folder or a hub id; empty for none.
        device: `auto`, `cpu` or `cuda`.
    """

    name = "similarity"
    key = "similarity"
    family = Family.MODEL
    low = 0.0
    high = 1.0
    higher_is_better: bool | None = True
    explanation = (
        "(1 + cosine) / 2 of the sentence embeddings of response and reference, averaged over the responses that have "
        "a reference; 0 for a response without words. The encoder is the setting reward_options.similarity_encoder."
    )
    source = "Reimers & Gurevych, EMNLP 2019 (mean pooling, cosine)"
    agrees_with = ""
    needs = Need.ENCODER

    def __init__(self, encoder: str, device: str) -> None:
        self._encoder = encoder
        self._device = device

    def compute(self, samples: Sequence[Sample]) -> MetricResult:
        """The mean over responses; None for a sample without a reference.

        Raises:
            UsageError: no encoder is named.
            UnavailableError: the encoder can't be had.
        """
        return mean_result(Component(self._encoder, self._device).score(list(samples)))


def build(resources: Resources) -> Metric:
    """The metric."""
    return Similarity(resources.encoder, resources.device)
