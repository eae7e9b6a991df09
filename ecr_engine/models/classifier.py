"""A text classifier: a pretrained encoder, the mean of its states, and one linear head.

What a logit stands for is the caller's business; a text can have several labels, so each logit is read by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ecr_engine.errors import DataError, UnavailableError
from ecr_engine.models.encoders import load_encoder, mean_pool, pad
from ecr_engine.models.generation import by_length
from ecr_engine.models.hub import silence_transformers

HEAD = "head.safetensors"
"""Name of the file that holds the head."""

DROPOUT = 0.1
"""Share of the pooled states that is dropped in training."""

_BATCH = 64


class TextClassifier(nn.Module):
    """Encoder and head.

    Args:
        encoder: a Hugging Face encoder that returns `last_hidden_state`.
        tokenizer: the encoder's tokenizer.
        outputs: number of labels.
        max_length: tokens of a text at most; what comes after them is not read.
    """

    def __init__(self, encoder: Any, tokenizer: Any, outputs: int, max_length: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.tokenizer = tokenizer
        self.max_length = min(max_length, _positions(encoder))
        self.head = nn.Linear(int(encoder.config.hidden_size), outputs)

    @property
    def hidden_size(self) -> int:
        """Width of the encoder."""
        return int(self.encoder.config.hidden_size)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, its end cut where it is too long."""
        if not texts:
            return []
        rows: list[list[int]] = self.tokenizer(list(texts), truncation=True, max_length=self.max_length)["input_ids"]
        return rows

    def collate(self, rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """Ids and mask, [B, T] each, of token ids as `encode` gives them."""
        return pad(rows, int(self.tokenizer.pad_token_id))

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Logits [B, outputs] for ids and mask [B, T] as `collate` gives them."""
        hidden = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        pooled = F.dropout(mean_pool(hidden.float(), mask), DROPOUT, self.training)
        logits: Tensor = self.head(pooled)
        return logits

    @torch.no_grad()
    def probabilities(self, rows: Sequence[Sequence[int]]) -> Tensor:
        """The sigmoid of each logit, [N, outputs] on the CPU, in the order of `rows` (token ids of each text)."""
        was_training = self.training
        self.eval()
        device = next(self.parameters()).device
        found = torch.zeros((len(rows), self.head.out_features))
        for batch in by_length([len(row) for row in rows], _BATCH):
            ids, mask = self.collate([rows[index] for index in batch])
            found[batch] = torch.sigmoid(self(ids.to(device), mask.to(device)).float()).cpu()
        self.train(was_training)
        return found

    def save(self, folder: Path) -> None:
        """Writes the encoder so that `AutoModel.from_pretrained` reads it, and the head beside it."""
        silence_transformers()
        self.encoder.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        save_file({name: weight.contiguous() for name, weight in self.head.state_dict().items()}, folder / HEAD)


def build_classifier(encoder: str, outputs: int, *, max_length: int, seed: int, at: str) -> TextClassifier:
    """A classifier with an untrained head.

    Args:
        encoder: a registered encoder, a folder or a hub id.
        outputs: number of labels.
        max_length: tokens of a text at most.
        seed: of the head's weights; the caller's random state is left as it was.
        at: the setting that names the encoder, for the error.

    Raises:
        UnavailableError: the encoder can't be had.
    """
    body, tokenizer = load_encoder(encoder, at=at)
    if tokenizer.pad_token_id is None:
        raise UnavailableError(
            f"the tokenizer of '{encoder}' has no padding token", at=at, fix="name an encoder such as minilm-l6"
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return TextClassifier(body, tokenizer, outputs, max_length)


def load_classifier(folder: Path, outputs: int, *, max_length: int) -> TextClassifier:
    """The classifier that `TextClassifier.save` wrote.

    Raises:
        UnavailableError: the encoder is not there or broken.
        DataError: the head is not there, broken, or has another shape.
    """
    body, tokenizer = load_encoder(str(folder), at=str(folder))
    classifier = TextClassifier(body, tokenizer, outputs, max_length)
    path = folder / HEAD
    try:
        classifier.head.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise DataError(
            f"the head can't be read: {str(error).splitlines()[0]}", at=str(path), fix="train it again"
        ) from error
    return classifier


def _positions(encoder: Any) -> int:
    """Tokens that the encoder can tell apart by place; RoBERTa's kind keeps two places for itself."""
    places = int(encoder.config.to_dict().get("max_position_embeddings") or 512)
    return places - 2 if "roberta" in encoder.config.model_type else places
