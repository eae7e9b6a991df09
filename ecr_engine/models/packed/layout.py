"""Sequences one after the other in one row of tokens, and how attention takes them apart again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

GROUP = 4
"""Sequences of like length that attention computes together; only there are they padded, to the longest of them."""


class Group(NamedTuple):
    """Sequences of like length: `rows` of them, padded on the right to `width`.

    Attributes:
        take: [rows * width] places to read from; padding reads a place of no account.
        real: [n] which of the rows * width are no padding.
        place: [n] where these stand among all tokens.
        rows: sequences.
        width: length of the longest.
    """

    take: Tensor
    real: Tensor
    place: Tensor
    rows: int
    width: int

    @property
    def padded(self) -> bool:
        """Whether any sequence is shorter than the longest."""
        return len(self.real) < len(self.take)

    def gather(self, states: Tensor, heads: int) -> Tensor:
        """[N, heads * D] of all tokens as [rows, heads, width, D] of this group."""
        return states.index_select(0, self.take).view(self.rows, self.width, heads, -1).transpose(1, 2)

    def scatter(self, states: Tensor, out: Tensor) -> None:
        """Writes [rows, heads, width, D] of this group to its tokens' places in `out` [N, heads * D]."""
        flat = states.transpose(1, 2).reshape(self.rows * self.width, -1)
        out.index_copy_(0, self.place, flat.index_select(0, self.real) if self.padded else flat)

    def without_padding(self, states: Tensor) -> Tensor:
        """[rows, heads, width, D] with 0 where there is padding."""
        if not self.padded:
            return states
        keep = states.new_zeros(self.rows * self.width)
        keep[self.real] = 1
        return states * keep.view(self.rows, 1, self.width, 1)

    def causal(self, repeats: int, dtype: torch.dtype) -> Tensor:
        """[1, repeats * width, width]: 0 where a query may look, else minus infinity; `repeats` heads share a key."""
        ahead = torch.ones(self.width, self.width, dtype=torch.bool, device=self.take.device).triu(1)
        bias = torch.zeros(self.width, self.width, dtype=dtype, device=ahead.device)
        return bias.masked_fill_(ahead, float("-inf")).repeat(repeats, 1).unsqueeze(0)


class Layout(NamedTuple):
    """Where N tokens of several sequences stand.

    Attributes:
        positions: [N] place of each token in its own sequence.
        groups: the sequences, in groups of like length.
    """

    positions: Tensor
    groups: list[Group]


def lay_out(lengths: Sequence[int], device: torch.device) -> Layout:
    """The layout of sequences of these lengths, each at least 1, in this order."""
    starts = [0]
    for length in lengths:
        starts.append(starts[-1] + length)
    order = sorted(range(len(lengths)), key=lambda row: (-lengths[row], row))
    groups = []
    for first in range(0, len(order), GROUP):
        rows = order[first : first + GROUP]
        width = lengths[rows[0]]
        places = torch.full((len(rows), width), -1)
        for line, row in enumerate(rows):
            places[line, : lengths[row]] = torch.arange(starts[row], starts[row + 1])
        flat = places.flatten()
        real = (flat >= 0).nonzero().squeeze(-1)
        groups.append(Group(flat.clamp(min=0).to(device), real.to(device), flat[real].to(device), len(rows), width))
    positions = torch.cat([torch.arange(length) for length in lengths])
    return Layout(positions.to(device), groups)
