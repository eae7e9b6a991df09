"""The critic: a text encoder with a value, a quality and an emotion head."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ecr_engine.errors import DataError
from ecr_engine.models.encoders import load_encoder, mean_pool
from ecr_engine.models.hub import silence_transformers
from ecr_engine.models.registry import read_json_object

FACTS = "critic.json"
"""The file that says what a critic's heads are."""

HEADS = "heads.safetensors"
"""The file with the heads' weights."""

UNIT = (0.0, 1.0)
"""The range of a judge's score where nothing else is said."""

_AGAIN = "train it again: ecrctl train critic"


class CriticOutput(NamedTuple):
    """What the heads say.

    Attributes:
        value: [B], unbounded; the expected score of the response, or of the context if there is no response yet.
        quality: [B, D] logits of the quality dimensions; their sigmoid is in [0, 1].
        emotion: [B, E] logits of the seeker's emotions, multi-label.
    """

    value: Tensor
    quality: Tensor
    emotion: Tensor


@dataclass(frozen=True, slots=True)
class CriticShape:
    """Shape of the small encoder.

    Attributes:
        hidden_size: width.
        layers: number of layers.
        heads: attention heads.
        positions: longest input in tokens.
    """

    hidden_size: int
    layers: int
    heads: int
    positions: int


@dataclass(frozen=True, slots=True)
class CriticOrigin:
    """What a critic was made from.

    Attributes:
        encoder: the encoder that it began with, as it was named; empty if not known.
        judges: names of the judges whose scores it learned.
        ranges: the range of the judges' scores by dimension, `overall` among them; what is not in it is in [0, 1].
    """

    encoder: str = ""
    judges: tuple[str, ...] = ()
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def range_of(self, name: str) -> tuple[float, float]:
        """The least and the greatest score of a dimension."""
        return self.ranges.get(name, UNIT)


class CriticModel(nn.Module):
    """Encoder and heads, over two means of the encoder's states: of all tokens, and of the response's.

    A response is a small part of what is read: without a mean of its own it would hardly show in the first.

    Args:
        encoder: a Hugging Face encoder that returns `last_hidden_state`.
        tokenizer: the encoder's tokenizer.
        dimensions: names of the quality dimensions, in the order of the head's outputs.
        emotions: names of the emotions, in the order of the head's outputs.
        max_length: tokens of an input at most; fewer where the encoder has fewer places.
        origin: what it is made from.
    """

    def __init__(
        self,
        encoder: Any,
        tokenizer: Any,
        dimensions: Sequence[str],
        emotions: Sequence[str],
        max_length: int,
        origin: CriticOrigin | None = None,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.tokenizer = tokenizer
        self.dimensions = tuple(dimensions)
        self.emotions = tuple(emotions)
        self.max_length = min(max_length, _places(encoder))
        self.origin = origin or CriticOrigin()
        width = 2 * int(encoder.config.hidden_size)
        self._marks_response = int(encoder.config.to_dict().get("type_vocab_size") or 1) > 1
        self.value_head = nn.Linear(width, 1)
        self.quality_head = nn.Linear(width, len(self.dimensions))
        self.emotion_head = nn.Linear(width, len(self.emotions))
        # A value of exactly 0 before training adds no noise to the first advantages.
        nn.init.zeros_(self.value_head.weight)
        nn.init.zeros_(self.value_head.bias)

    @property
    def hidden_size(self) -> int:
        """Width of the encoder."""
        return int(self.encoder.config.hidden_size)

    def encode(self, contexts: Sequence[str], responses: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Ids and mask [B, L] of contexts and responses; a context that is too long loses its beginning.

        The response is whole up to half of the limit; an empty response asks for the value of the context alone. The
        mask is 1 for the context, 2 for the response with the separator before it, 0 for padding. The first token is
        the one that the encoder begins with, where it has one.
        """
        separator = self.tokenizer.sep_token_id
        if separator is None:
            separator = self.tokenizer.eos_token_id
        first = separator if self.tokenizer.cls_token_id is None else self.tokenizer.cls_token_id
        said = self.tokenizer(list(contexts), add_special_tokens=False)["input_ids"]
        answers = self.tokenizer(list(responses), add_special_tokens=False)["input_ids"]
        rows, tails = [], []
        for context, answer in zip(said, answers, strict=True):
            tail = [separator, *answer[: self.max_length // 2]]
            tails.append(len(tail))
            rows.append([first, *context[-(self.max_length - len(tail) - 1) :], *tail])
        width = max(len(row) for row in rows)
        ids = torch.full((len(rows), width), self.tokenizer.pad_token_id, dtype=torch.long)
        mask = torch.zeros((len(rows), width), dtype=torch.long)
        for index, row in enumerate(rows):
            ids[index, : len(row)] = torch.tensor(row)
            mask[index, : len(row)] = 1
            mask[index, len(row) - tails[index] : len(row)] = 2
        return ids, mask

    def forward(self, ids: Tensor, mask: Tensor) -> CriticOutput:
        """The heads' outputs for ids and mask [B, L] as `encode` gives them."""
        marks = {"token_type_ids": (mask == 2).long()} if self._marks_response else {}
        hidden = self.encoder(input_ids=ids, attention_mask=(mask > 0).long(), **marks).last_hidden_state
        hidden = hidden.float()
        pooled = torch.cat([mean_pool(hidden, mask > 0), mean_pool(hidden, mask == 2)], dim=-1)
        return CriticOutput(self.value_head(pooled).squeeze(-1), self.quality_head(pooled), self.emotion_head(pooled))

    def save(self, folder: Path) -> None:
        """Writes the encoder so that `AutoModel.from_pretrained` reads it, and the heads beside it."""
        silence_transformers()
        self.encoder.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        heads = {k: v.contiguous() for k, v in self.state_dict().items() if not k.startswith("encoder.")}
        save_file(heads, folder / HEADS)
        facts = {
            "dimensions": self.dimensions,
            "emotions": self.emotions,
            "max_length": self.max_length,
            "encoder": self.origin.encoder,
            "judges": self.origin.judges,
            "ranges": dict(self.origin.ranges),
        }
        (folder / FACTS).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def build_critic(
    encoder: str,
    *,
    shape: CriticShape,
    tokenizer: Any,
    embeddings: Tensor,
    dimensions: Sequence[str],
    emotions: Sequence[str],
    max_length: int,
    seed: int,
    origin: CriticOrigin | None = None,
) -> CriticModel:
    """A critic with untrained heads.

    Args:
        encoder: `small`, a registered encoder, a folder or a hub id.
        shape: shape of the small encoder.
        tokenizer: the small encoder's tokenizer (a pretrained encoder brings its own).
        embeddings: [V, H] token embeddings of the tokenizer's model; the small encoder starts from them if it is as
            wide, since a few hundred judged responses are too few to learn what words mean.
        dimensions: names of the quality dimensions.
        emotions: names of the emotions.
        max_length: tokens of an input at most.
        seed: of the random weights; the caller's random state is left as it was.
        origin: what it is made from.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if encoder == "small":
            body = _small_encoder(shape, len(tokenizer), tokenizer.pad_token_id)
            if embeddings.shape == body.get_input_embeddings().weight.shape:
                body.get_input_embeddings().weight.data.copy_(embeddings)
        else:
            body, tokenizer = load_encoder(encoder, at="critic.encoder", otherwise="use --set critic.encoder=small")
        return CriticModel(body, tokenizer, dimensions, emotions, max_length, origin)


def load_critic(folder: Path) -> CriticModel:
    """The critic that `CriticModel.save` wrote.

    Raises:
        DataError: the folder holds no critic, or its heads are not those that its `critic.json` names.
        UnavailableError: the encoder is not there or broken.
    """
    facts = read_facts(folder)
    body, tokenizer = load_encoder(str(folder), at=str(folder))
    critic = CriticModel(body, tokenizer, facts.dimensions, facts.emotions, facts.max_length, facts.origin)
    heads = {name: weight for name, weight in critic.state_dict().items() if not name.startswith("encoder.")}
    path = folder / HEADS
    try:
        saved = load_file(path)
    except (OSError, SafetensorError) as error:
        raise DataError(f"the heads can't be read: {str(error).splitlines()[0]}", at=str(path), fix=_AGAIN) from error
    for name, weight in heads.items():
        _check_head(name, saved.get(name), weight, facts, path)
    encoder = {f"encoder.{name}": weight for name, weight in body.state_dict().items()}
    critic.load_state_dict({**encoder, **{name: saved[name] for name in heads}})
    return critic


@dataclass(frozen=True, slots=True)
class CriticFacts:
    """What `critic.json` says.

    Attributes:
        dimensions: names of the quality heads, in the order of their outputs.
        emotions: names of the emotion heads, in the order of their outputs.
        max_length: tokens of an input at most.
        origin: what the critic was made from.
    """

    dimensions: tuple[str, ...]
    emotions: tuple[str, ...]
    max_length: int
    origin: CriticOrigin


def read_facts(folder: Path) -> CriticFacts:
    """What the critic in `folder` says of itself, without loading it.

    Raises:
        DataError: the folder holds no critic, or the file is damaged.
    """
    path = folder / FACTS
    if not path.is_file():
        raise DataError(
            f"there is no critic in '{folder}'", at=str(path), fix="name a checkpoint of one, such as RUN/critic/best"
        )
    raw = read_json_object(path)
    try:
        ranges = {name: (float(low), float(high)) for name, (low, high) in dict(raw.get("ranges", {})).items()}
        origin = CriticOrigin(str(raw.get("encoder", "")), tuple(raw.get("judges", ())), ranges)
        return CriticFacts(tuple(raw["dimensions"]), tuple(raw["emotions"]), int(raw["max_length"]), origin)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"a critic with a wrong or missing field: {error}", at=str(path), fix=_AGAIN) from error


def _check_head(name: str, saved: Tensor | None, wanted: Tensor, facts: CriticFacts, path: Path) -> None:
    """Refuses heads that are not those that the facts name: which output is which would be a guess."""
    if saved is not None and saved.shape == wanted.shape:
        return
    head = name.partition(".")[0]
    named = {"quality_head": facts.dimensions, "emotion_head": facts.emotions}.get(head, ("value",))
    there = "is missing" if saved is None else f"has {len(saved)} outputs of width {saved[0].numel()}"
    raise DataError(
        f"{name} {there} where {FACTS} names {len(named)} ({', '.join(named)}) of width {wanted[0].numel()}",
        at=str(path),
        fix=_AGAIN,
    )


def _places(encoder: Any) -> int:
    """Tokens that an encoder can tell apart by place; RoBERTa's kind keeps two places for itself."""
    facts = encoder.config.to_dict()
    places = int(facts.get("max_position_embeddings") or 512)
    return places - 2 if "roberta" in str(facts.get("model_type", "")) else places


def _small_encoder(shape: CriticShape, vocabulary: int, pad: int) -> Any:
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=vocabulary,
        hidden_size=shape.hidden_size,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=4 * shape.hidden_size,
        max_position_embeddings=shape.positions,
        pad_token_id=pad,
        type_vocab_size=2,
    )
    return BertModel(config, add_pooling_layer=False)
