"""`similarity`: how near the response's meaning is to the reference's, by a sentence encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ecr_engine.data.schema import Sample
from ecr_engine.data.words import is_word
from ecr_engine.errors import UsageError
from ecr_engine.rewards.component import RewardComponent
from ecr_engine.rewards.cutting import cut
from ecr_engine.rewards.resources import Resources

if TYPE_CHECKING:
    from torch import Tensor

TOKENS = 128
"""Tokens of a text at most; its end is cut. MiniLM was trained on as many."""

BATCH = 64
"""Texts in one forward pass."""

KEPT = 1 << 16
"""Embeddings of references that are kept; in training each reference comes back in every pass."""

DIGITS = 5
"""Digits that a score keeps: what else stands in a forward pass changes the ones after these."""


class Similarity:
    """Cosine of the mean-pooled embeddings, mapped from [-1, 1] to [0, 1] by (1 + cosine) / 2.

    Source: Reimers & Gurevych, EMNLP 2019 (mean pooling, cosine). The encoder is loaded when it is first needed.

    Args:
        encoder: a registered encoder, a local folder or a hub id.
        device: `auto`, `cpu` or `cuda`.

    Raises:
        UsageError: no encoder is named.
    """

    name = "similarity"
    low = 0.0
    high = 1.0
    explanation = "nearness of meaning to the human reference (cosine of sentence embeddings)"

    def __init__(self, encoder: str, device: str) -> None:
        if not encoder:
            raise UsageError(
                "reward component 'similarity' needs a sentence encoder",
                at="reward_options.similarity_encoder",
                fix="--set reward_options.similarity_encoder=minilm-l6, or --set rewards.similarity=0",
            )
        self._encoder = encoder
        self._device = device
        self._loaded: tuple[Any, Any] | None = None
        self._references: dict[str, Tensor] = {}

    def score(self, batch: Sequence[Sample]) -> list[float | None]:
        """Nearness of each response to its reference; None where there is no reference, 0 for a response without words.

        Raises:
            UnavailableError: the encoder can't be had.
        """
        pairs = {
            place: (one.response, one.example.target)
            for place, one in enumerate(batch)
            if one.example.target.strip() and any(map(is_word, cut(one.response)))
        }
        found = self._cosines(pairs) if pairs else {}
        return [found.get(place, 0.0) if one.example.target.strip() else None for place, one in enumerate(batch)]

    def _cosines(self, pairs: dict[int, tuple[str, str]]) -> dict[int, float]:
        """The score of each pair of texts, by the pair's key."""
        references = {reference for _, reference in pairs.values()}
        known = {text: self._references[text] for text in references if text in self._references}
        new = list(dict.fromkeys(text for pair in pairs.values() for text in pair if text not in known))
        vectors = known | dict(zip(new, self._embedded(new), strict=True))
        if len(self._references) < KEPT:
            self._references.update({text: vectors[text].clone() for text in references})
        return {
            place: _mapped(float(vectors[response] @ vectors[reference]))
            for place, (response, reference) in pairs.items()
        }

    def _embedded(self, texts: Sequence[str]) -> Tensor:
        """Embeddings [N, H] of length 1, made in batches of texts of like length."""
        import torch

        from ecr_engine.models.backbone import pick_device
        from ecr_engine.models.encoders import load_encoder, mean_pool, pad

        if not texts:
            return torch.empty(0)
        if self._loaded is None:
            body, tokenizer = load_encoder(
                self._encoder, at="reward_options.similarity_encoder", otherwise="--set rewards.similarity=0"
            )
            self._loaded = (body.to(pick_device(self._device)).eval(), tokenizer)
        body, tokenizer = self._loaded
        rows = tokenizer(list(texts), truncation=True, max_length=TOKENS)["input_ids"]
        order = sorted(range(len(rows)), key=lambda place: len(rows[place]))
        vectors = torch.empty(len(rows), int(body.config.hidden_size))
        with torch.inference_mode():
            for start in range(0, len(order), BATCH):
                places = order[start : start + BATCH]
                ids, mask = pad([rows[place] for place in places], tokenizer.pad_token_id or 0)
                ids, mask = ids.to(body.device), mask.to(body.device)
                hidden = body(input_ids=ids, attention_mask=mask).last_hidden_state
                pooled = torch.nn.functional.normalize(mean_pool(hidden, mask), dim=-1)
                vectors[places] = pooled.float().cpu()
        return vectors


def _mapped(cosine: float) -> float:
    return round(min(1.0, max(0.0, (1.0 + cosine) / 2)), DIGITS)


def build(resources: Resources) -> RewardComponent:
    """The component with the encoder of the settings."""
    return Similarity(resources.encoder, resources.device)
