"""Sampling from a causal LM: batched, deterministic for a seed whatever the batch, finished rows dropped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from ecr_engine.models.packed.decoder import PackedDecoder
from ecr_engine.models.packed.trunk import read_trunk

COMPACT_BELOW = 0.75
"""The batch is shrunk to its unfinished rows when fewer than this share of it is unfinished."""


@dataclass(frozen=True, slots=True)
class Decoding:
    """How the next token is chosen.

    Attributes:
        max_new_tokens: response tokens at most, the stop token included.
        sample: draw from the distribution; else take its mode.
        temperature: logits are divided by it before sampling; > 0.
        top_p: draw only from the likeliest tokens that hold this probability together; in (0, 1].
    """

    max_new_tokens: int
    sample: bool = True
    temperature: float = 1.0
    top_p: float = 1.0


@dataclass(frozen=True, slots=True)
class Generation:
    """Responses to a batch of prompts.

    Attributes:
        ids: response ids of each row, the stop token last where `finished`.
        finished: whether the row ended with a stop token.
    """

    ids: list[list[int]]
    finished: list[bool]


def left_pad(rows: Sequence[Sequence[int]], pad: int) -> tuple[Tensor, Tensor]:
    """Ids [B, P] padded on the left, and their mask [B, P] (1 for real tokens)."""
    width = max(len(row) for row in rows)
    ids = torch.full((len(rows), width), pad, dtype=torch.long)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    for index, row in enumerate(rows):
        ids[index, width - len(row) :] = torch.tensor(row, dtype=torch.long)
        mask[index, width - len(row) :] = 1
    return ids, mask


def positions(mask: Tensor) -> Tensor:
    """Position ids [B, L] that count real tokens only, whatever the padding."""
    return (mask.cumsum(-1) - 1).clamp(min=0)


def _choose(logits: Tensor, uniform: Tensor, decoding: Decoding) -> Tensor:
    """Next ids [B] from logits [B, V], by inverting the distribution's sum at one uniform number a row."""
    if not decoding.sample:
        return logits.argmax(-1)
    probabilities = torch.softmax(logits.float() / decoding.temperature, dim=-1)
    if decoding.top_p >= 1.0:
        order = None
        ranked = probabilities
    else:
        ranked, order = probabilities.sort(dim=-1, descending=True)
        ranked = ranked * (ranked.cumsum(-1) - ranked < decoding.top_p)
    total = ranked.cumsum(-1)
    # A draw above the rounded sum would fall behind the last token.
    draw = (uniform.to(total) * total[:, -1]).unsqueeze(-1)
    picked = torch.searchsorted(total, draw, right=True).squeeze(-1).clamp(max=total.shape[-1] - 1)
    return picked if order is None else order.gather(-1, picked.unsqueeze(-1)).squeeze(-1)


def _uniforms(seeds: Sequence[int], steps: int) -> Tensor:
    """One stream of uniform numbers a row, [B, steps], that depends on the row's seed alone."""
    generator = torch.Generator()
    return torch.stack([torch.rand(steps, generator=generator.manual_seed(seed)) for seed in seeds])


class Decoder(Protocol):
    """One batch of responses in the making."""

    def start(self, prompts: Sequence[Sequence[int]]) -> Tensor:
        """Reads the prompts; logits [B, V] of the first token of each response."""

    def step(self, tokens: Tensor) -> Tensor:
        """Appends a token [B] to each row; logits [B, V] of the next."""

    def keep(self, rows: Tensor) -> None:
        """Goes on with these rows only."""


class CachedDecoder:
    """Any causal LM of transformers, with its own cache; prompts are padded on the left.

    Args:
        model: a causal LM.
        pad: pad id.
    """

    def __init__(self, model: Any, pad: int) -> None:
        self.model = model
        self.pad = pad
        self.mask = torch.empty(0)
        self.cache: Any = None

    def start(self, prompts: Sequence[Sequence[int]]) -> Tensor:
        """See `Decoder`."""
        ids, mask = left_pad(prompts, self.pad)
        self.mask = mask.to(self.model.device)
        return self._logits(ids.to(self.model.device), positions(self.mask), logits_to_keep=1)

    def step(self, tokens: Tensor) -> Tensor:
        """See `Decoder`."""
        self.mask = torch.cat([self.mask, self.mask.new_ones((len(tokens), 1))], dim=-1)
        return self._logits(tokens.unsqueeze(-1), self.mask.sum(-1, keepdim=True) - 1, past_key_values=self.cache)

    def keep(self, rows: Tensor) -> None:
        """See `Decoder`."""
        self.cache.batch_select_indices(rows)
        self.mask = self.mask[rows]

    def _logits(self, ids: Tensor, places: Tensor, **more: Any) -> Tensor:
        output = self.model(input_ids=ids, attention_mask=self.mask, position_ids=places, use_cache=True, **more)
        self.cache = output.past_key_values
        logits: Tensor = output.logits[:, -1]
        return logits


def decoder_of(model: Any, decoding: Decoding, pad: int) -> Decoder:
    """The fastest decoder that can compute this model."""
    trunk = read_trunk(model)
    return CachedDecoder(model, pad) if trunk is None else PackedDecoder(trunk, decoding.max_new_tokens)


@torch.no_grad()
def generate(
    model: Any, prompts: Sequence[Sequence[int]], decoding: Decoding, *, pad: int, stop: int, seeds: Sequence[int]
) -> Generation:
    """Responses to a batch of prompts.

    Args:
        model: a causal LM in eval mode.
        prompts: ids of each prompt, unpadded.
        decoding: how to choose.
        pad: pad id.
        stop: stop id.
        seeds: one seed a prompt; a row's response depends on its prompt and seed alone (but for rounding).
    """
    noise = _uniforms(seeds, decoding.max_new_tokens).to(model.device)
    out: list[list[int]] = [[] for _ in prompts]
    finished = [False] * len(prompts)
    rows = torch.arange(len(prompts), device=model.device)
    decoder = decoder_of(model, decoding, pad)
    logits = decoder.start(prompts)
    for step in range(decoding.max_new_tokens):
        chosen = _choose(logits, noise[rows, step], decoding)
        alive = []
        for place, (row, token) in enumerate(zip(rows.tolist(), chosen.tolist(), strict=True)):
            if finished[row]:
                continue
            out[row].append(token)
            finished[row] = token == stop
            if not finished[row]:
                alive.append(place)
        if not alive or step + 1 == decoding.max_new_tokens:
            break
        if len(alive) < COMPACT_BELOW * len(rows):
            keep = torch.tensor(alive, device=model.device)
            decoder.keep(keep)
            rows, chosen = rows[keep], chosen[keep]
        logits = decoder.step(chosen)
    return Generation(out, finished)


def by_length(lengths: Sequence[int], batch_size: int) -> Iterator[list[int]]:
    """Indices in batches of like length, longest first, so that little is padded."""
    order = sorted(range(len(lengths)), key=lambda index: (-lengths[index], index))
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]
