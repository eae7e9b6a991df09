"""Sequences one after the other in one row of tokens, and how attention takes them apart again.

Sequences that begin alike, such as several responses to one prompt, share what they begin with: a tree is a stem and
the branches that continue it, each as if it stood behind the stem alone. The stem is computed once.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

import torch
from torch import Tensor

GROUP = 4
"""Trees of like length that attention computes together; only there are they padded, to the longest of them."""

Tree = Sequence[int]
"""Tokens of a stem, at least 1, and of each branch behind it; a sequence by itself is a stem without branches."""


class Group(NamedTuple):
    """Trees of like length: `rows` of them, padded on the right to `width`.

    Attributes:
        take: [rows * width] places to read from; padding reads a place of no account.
        real: [n] which of the rows * width are no padding.
        place: [n] where these stand among all tokens.
        rows: trees.
        width: tokens of the longest.
        branch: [rows, width] to which branch a token belongs, from 1; 0 in the stem, -1 for padding. None where no
            tree has branches.
    """

    take: Tensor
    real: Tensor
    place: Tensor
    rows: int
    width: int
    branch: Tensor | None = None

    @property
    def padded(self) -> bool:
        """Whether any tree is shorter than the longest."""
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

    def unseen(self) -> Tensor:
        """[rows or 1, width, width]: whether a token (second) must not look at another (third).

        It sees what comes before it in the stem and in its own branch, and itself, so that padding has no empty row.
        """
        ahead = torch.ones(self.width, self.width, dtype=torch.bool, device=self.take.device).triu(1).unsqueeze(0)
        if self.branch is None:
            return ahead
        other = self.branch.unsqueeze(1) != self.branch.unsqueeze(2)
        return ahead | (other & (self.branch != 0).unsqueeze(1))

    def bias(self, keys: int, repeats: int, dtype: torch.dtype) -> Tensor:
        """[rows * keys or 1, repeats * width, width]: 0 where a query may look, else minus infinity.

        Args:
            keys: heads of keys.
            repeats: heads of queries that share one.
            dtype: of the bias.
        """
        unseen = self.unseen()
        found = torch.zeros(unseen.shape, dtype=dtype, device=unseen.device).masked_fill_(unseen, float("-inf"))
        return found.repeat_interleave(keys if len(found) > 1 else 1, 0).repeat(1, repeats, 1)


class Layout(NamedTuple):
    """Where N tokens of several trees stand.

    Attributes:
        positions: [N] place of each token behind the beginning of its stem.
        groups: the trees, in groups of like length.
    """

    positions: Tensor
    groups: list[Group]


def lay_out(trees: Sequence[Tree], device: torch.device) -> Layout:
    """The layout of trees, in this order, each with its stem before its branches."""
    lengths = [sum(tree) for tree in trees]
    starts = [0, *accumulate(lengths)]
    order = sorted(range(len(trees)), key=lambda row: (-lengths[row], row))
    groups = []
    for first in range(0, len(order), GROUP):
        rows = order[first : first + GROUP]
        width = lengths[rows[0]]
        places, branch = torch.full((2, len(rows), width), -1)
        for line, row in enumerate(rows):
            places[line, : lengths[row]] = torch.arange(starts[row], starts[row + 1])
            branch[line, : lengths[row]] = torch.arange(len(trees[row])).repeat_interleave(torch.tensor(trees[row]))
        flat = places.flatten()
        real = (flat >= 0).nonzero().squeeze(-1)
        parts = (flat.clamp(min=0).to(device), real.to(device), flat[real].to(device))
        branched = any(len(trees[row]) > 1 for row in rows)
        groups.append(Group(*parts, len(rows), width, branch.to(device) if branched else None))
    return Layout(torch.cat([_positions(tree) for tree in trees]).to(device), groups)


def _positions(tree: Tree) -> Tensor:
    """Of the tokens of a tree; each branch goes on where the stem ends."""
    stem, *branches = tree
    return torch.cat([torch.arange(stem), *(torch.arange(stem, stem + length) for length in branches)])
