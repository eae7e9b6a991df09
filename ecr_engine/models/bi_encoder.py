"""A bi-encoder for graded empathy: two texts in, a level for each mechanism out.

After Sharma et al., EMNLP 2020: both texts are encoded, each token of the response attends to the tokens of the
seeker's text (one head, added to the token), and a head reads the level from the response. Different here: one encoder
reads both texts, since a few thousand pairs are little for two; all mechanisms share it, each with a head of its own;
and the heads read the mean of the response's tokens, which is what sentence encoders are trained for.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ecr_engine.errors import DataError, UsageError
from ecr_engine.models.encoders import load_encoder, mean_pool, pad
from ecr_engine.models.hub import silence_transformers

FACTS = "empathy.json"
"""What a folder says of the model in it, beside the weights."""

HEADS = "heads.safetensors"

_ENCODER = "encoder."
_SMALL = "small"


@dataclass(frozen=True, slots=True)
class BiEncoderFacts:
    """What is to be known of a model beside its weights.

    Attributes:
        base: the encoder that it was trained from.
        mechanisms: names of the mechanisms that have a head, in the order of the heads.
        levels: number of levels of a mechanism.
        max_length: tokens of each text at most.
        dropout: dropout in training.
    """

    base: str
    mechanisms: tuple[str, ...]
    levels: int
    max_length: int
    dropout: float


class BiEncoder(nn.Module):
    """Encoder, attention and heads.

    Args:
        encoder: a Hugging Face encoder that returns `last_hidden_state`.
        tokenizer: the encoder's tokenizer.
        facts: the rest.

    Raises:
        UsageError: the encoder can't read texts of `facts.max_length` tokens.
    """

    def __init__(self, encoder: Any, tokenizer: Any, facts: BiEncoderFacts) -> None:
        super().__init__()
        positions = encoder.config.to_dict().get("max_position_embeddings", facts.max_length)
        if positions < facts.max_length:
            raise UsageError(
                f"encoder '{facts.base}' reads {positions} tokens at most, not {facts.max_length}",
                at="empathy_training.max_length",
                fix=f"--set empathy_training.max_length={positions}",
            )
        self.encoder = encoder
        self.tokenizer = tokenizer
        self.facts = facts
        self.attention = nn.MultiheadAttention(self.hidden_size, 1, dropout=facts.dropout, batch_first=True)
        self.dropout = nn.Dropout(facts.dropout)
        self.head = nn.Linear(self.hidden_size, len(facts.mechanisms) * facts.levels)

    @property
    def hidden_size(self) -> int:
        """Width of the encoder."""
        return int(self.encoder.config.hidden_size)

    def encode(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Ids and mask [B, L] of texts, with the encoder's own first and last token; a long text loses its end."""
        rows = self.tokenizer(list(texts), truncation=True, max_length=self.facts.max_length)["input_ids"]
        return pad(rows, self.tokenizer.pad_token_id or 0)

    def forward(self, seeker: Tensor, seeker_mask: Tensor, response: Tensor, response_mask: Tensor) -> Tensor:
        """The logits of the levels.

        Args:
            seeker: token ids [B, S].
            seeker_mask: 1 for tokens, 0 for padding, [B, S].
            response: token ids [B, R].
            response_mask: as for the seeker, [B, R].

        Returns:
            [B, M, K]: for each mechanism a logit for each level.
        """
        heard = self.encoder(input_ids=seeker, attention_mask=seeker_mask).last_hidden_state
        said = self.encoder(input_ids=response, attention_mask=response_mask).last_hidden_state
        taken, _ = self.attention(said, heard, heard, key_padding_mask=seeker_mask == 0, need_weights=False)
        pooled = mean_pool(said + self.dropout(taken), response_mask)
        logits: Tensor = self.head(self.dropout(pooled))
        return logits.view(len(logits), len(self.facts.mechanisms), self.facts.levels)

    def save(self, folder: Path) -> None:
        """Writes the encoder so that `AutoModel.from_pretrained` reads it, and the rest beside it."""
        silence_transformers()
        self.encoder.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        own = {name: w.contiguous() for name, w in self.state_dict().items() if not name.startswith(_ENCODER)}
        save_file(own, folder / HEADS)
        facts = self.facts
        content = {
            "base": facts.base,
            "mechanisms": facts.mechanisms,
            "levels": facts.levels,
            "max_length": facts.max_length,
            "dropout": facts.dropout,
        }
        (folder / FACTS).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def build_bi_encoder(facts: BiEncoderFacts, *, seed: int) -> BiEncoder:
    """A model with a pretrained encoder and untrained heads.

    Args:
        facts: what to build; `base` is a registered encoder, a local folder or a hub id.
        seed: of the random weights; the caller's random state is left as it was.

    Raises:
        UsageError: the encoder is `small`, or reads fewer tokens than wanted.
        UnavailableError: it can't be had.
    """
    at = "empathy_training.encoder"
    if facts.base == _SMALL:
        raise UsageError(
            "encoder 'small' is not pretrained, and a few thousand pairs don't teach it what words mean",
            at=at,
            fix="use --encoder minilm-l6",
        )
    body, tokenizer = load_encoder(facts.base, at=at, otherwise="use --encoder minilm-l6")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return BiEncoder(body, tokenizer, facts)


def load_bi_encoder(folder: Path) -> BiEncoder:
    """The model that `BiEncoder.save` wrote.

    Raises:
        DataError: the folder holds none, or a damaged one.
        UnavailableError: the encoder in it can't be loaded.
    """
    facts = read_facts(folder)
    try:
        body, tokenizer = load_encoder(str(folder), at=str(folder))
        model = BiEncoder(body, tokenizer, facts)
        encoder = {f"{_ENCODER}{name}": weight for name, weight in body.state_dict().items()}
        model.load_state_dict({**encoder, **load_file(folder / HEADS)})
    except (SafetensorError, RuntimeError, FileNotFoundError) as error:
        raise _damaged(folder, str(error).splitlines()[0]) from error
    return model


def read_facts(folder: Path) -> BiEncoderFacts:
    """What the folder of a model says of it.

    Raises:
        DataError: it is not there, or says something else.
    """
    path = folder / FACTS
    if not path.is_file():
        raise DataError(
            "the folder holds no trained empathy recogniser",
            at=str(path),
            fix="give one that was made by: ecrctl train empathy --data FILE.csv --output DIR",
        )
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return BiEncoderFacts(
            base=str(raw["base"]),
            mechanisms=tuple(map(str, raw["mechanisms"])),
            levels=int(raw["levels"]),
            max_length=int(raw["max_length"]),
            dropout=float(raw["dropout"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(folder, f"{FACTS} is not what was written") from error


def _damaged(folder: Path, why: str) -> DataError:
    return DataError(f"the empathy recogniser is damaged: {why}", at=str(folder), fix="train it again")
