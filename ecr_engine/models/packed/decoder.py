"""Sampling from a Llama token by token: prompts without padding, weights cast once, keys and values in place.

Prompts that are equal are read once, and what was read is shared by their rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ecr_engine.models.packed.arithmetic import attend, norm, rotate
from ecr_engine.models.packed.layer import Frame
from ecr_engine.models.packed.layout import Layout
from ecr_engine.models.packed.projection import product, project, stacked
from ecr_engine.models.packed.trunk import Trunk

_PARTS = (slice(0, 3), slice(3, 4), slice(4, 6), slice(6, 7))
"""Projections with one input in common: q, k and v; o; gate and up; down."""


class PackedDecoder:
    """One batch of responses in the making.

    Args:
        trunk: the weights.
        room: tokens at most behind each prompt.
    """

    def __init__(self, trunk: Trunk, room: int) -> None:
        self.trunk = trunk
        self.room = room
        self.dtype = trunk.dtype
        with torch.autocast(trunk.device.type, enabled=False):
            self.bases = [
                [stacked(weights.projections[part], self.dtype) for part in _PARTS] for weights in trunk.layers
            ]
            self.head = trunk.head.dense(self.dtype)
        self.keys: list[Tensor] = []
        self.values: list[Tensor] = []
        self.lengths = torch.empty(0, dtype=torch.long)

    def start(self, prompts: Sequence[Sequence[int]]) -> Tensor:
        """Reads the prompts; logits [B, V] of the first token of each response."""
        with torch.autocast(self.head.device.type, enabled=False):
            distinct = list(dict.fromkeys(tuple(prompt) for prompt in prompts))
            place = {prompt: index for index, prompt in enumerate(distinct)}
            rows = torch.tensor([place[tuple(prompt)] for prompt in prompts], device=self.head.device)
            states = self._read(distinct)
            if len(distinct) < len(prompts):
                self.keep(rows)
            return self._logits(states[rows])

    def step(self, tokens: Tensor) -> Tensor:
        """Appends a token [B] to each row; logits [B, V] of the next."""
        with torch.autocast(self.head.device.type, enabled=False):
            frame = self.trunk.framed(self.lengths, self.dtype, Layout(self.lengths, []))
            longest = int(self.lengths.max()) + 1
            behind = torch.arange(longest, device=tokens.device) > self.lengths.unsqueeze(-1)
            bias = torch.zeros(behind.shape, dtype=self.dtype, device=tokens.device)
            bias = bias.masked_fill_(behind, float("-inf")).repeat_interleave(self.trunk.heads.keys, 0).unsqueeze(1)
            x = self.trunk.embedding.look_up(tokens, self.dtype)
            places = self._places()
            for index in range(len(self.bases)):
                x = self._layer(index, x, frame, bias, places)
            self.lengths = self.lengths + 1
            return self._logits(x)

    def keep(self, rows: Tensor) -> None:
        """Goes on with these rows only."""
        self.keys = [part.index_select(0, rows) for part in self.keys]
        self.values = [part.index_select(0, rows) for part in self.values]
        self.lengths = self.lengths[rows]

    def _logits(self, x: Tensor) -> Tensor:
        return product(norm(x, self.trunk.norm, self.trunk.epsilon, self.dtype).output, self.head)

    def _places(self) -> Tensor:
        """Where the next token's keys belong [B * heads], counting keys [D] through a layer's memory."""
        _, heads, room, _ = self.keys[0].shape
        lines = torch.arange(len(self.lengths) * heads, device=self.lengths.device)
        return lines * room + self.lengths.repeat_interleave(heads)

    def _read(self, prompts: Sequence[Sequence[int]]) -> Tensor:
        """Fills keys and values; the state [B, H] of each prompt's last token."""
        device, heads = self.head.device, self.trunk.heads
        lengths = [len(prompt) for prompt in prompts]
        ids = torch.tensor([token for prompt in prompts for token in prompt], device=device)
        frame = self.trunk.frame([(length,) for length in lengths], self.dtype)
        row = torch.repeat_interleave(torch.tensor(lengths, device=device))
        self.lengths = torch.tensor(lengths, device=device)
        shape = (len(prompts), heads.keys, max(lengths) + self.room, heads.size)
        x = self.trunk.embedding.look_up(ids, self.dtype)
        for index in range(len(self.bases)):
            rotated, value = self._queries(index, x, frame)
            split = heads.queries * heads.size
            key, value_heads = (part.reshape(-1, heads.keys, heads.size) for part in (rotated[:, split:], value))
            for kept, part in ((self.keys, key), (self.values, value_heads)):
                # Zeros, since what lies behind a row is multiplied by a share of 0.
                kept.append(torch.zeros(shape, dtype=self.dtype, device=device))
                kept[-1].transpose(1, 2)[row, frame.layout.positions] = part
            x = self._behind_attention(index, x, attend(rotated, value, heads, frame.layout), frame)
        return x[self.lengths.cumsum(0) - 1]

    def _queries(self, index: int, x: Tensor, frame: Frame) -> tuple[Tensor, Tensor]:
        """Rotated queries and keys side by side, and values."""
        weights, cut = self.trunk.layers[index], frame.heads.rotated
        state = norm(x, weights.before, frame.epsilon, frame.dtype).output
        mixed = project(state, weights.projections[_PARTS[0]], self.bases[index][0])
        return rotate(mixed[:, :cut], frame.turn), mixed[:, cut:]

    def _behind_attention(self, index: int, x: Tensor, attended: Tensor, frame: Frame) -> Tensor:
        """The rest of a layer, from what its attention gave [N, queries * D]."""
        weights, (_, out, wide, down) = self.trunk.layers[index], self.bases[index]
        x = project(attended, weights.projections[_PARTS[1]], out).float().add_(x)
        state = norm(x, weights.after, frame.epsilon, frame.dtype).output
        left, right = project(state, weights.projections[_PARTS[2]], wide).tensor_split(2, dim=1)
        return project(F.silu(left).mul_(right), weights.projections[_PARTS[3]], down).float().add_(x)

    def _layer(self, index: int, x: Tensor, frame: Frame, bias: Tensor, places: Tensor) -> Tensor:
        """A layer for one new token a row; keys and values go to `places`."""
        heads, longest = frame.heads, bias.shape[-1]
        rotated, value = self._queries(index, x, frame)
        split = heads.queries * heads.size
        for kept, part in ((self.keys[index], rotated[:, split:]), (self.values[index], value)):
            kept.view(-1, heads.size).index_copy_(0, places, part.reshape(-1, heads.size))
        key, value = (kept[index][:, :, :longest].flatten(0, 1) for kept in (self.keys, self.values))
        query = rotated[:, :split].reshape(-1, heads.repeats, heads.size)
        shares = torch.softmax(torch.baddbmm(bias, query, key.transpose(1, 2), alpha=heads.size**-0.5), -1)
        return self._behind_attention(index, x, torch.bmm(shares, value).view(len(x), -1), frame)
