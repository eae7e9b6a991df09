"""The parts of a Llama layer over N tokens, forward and backward, as pure functions.

Residual stream, norms and rotation are computed in float32, matrix products in the precision of their inputs. Backward
passes of attention are written out, since torch's own for bfloat16 on a CPU takes over ten times as long.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ecr_engine.models.packed.layout import Layout


class Heads(NamedTuple):
    """Shape of the attention.

    Attributes:
        queries: heads of queries.
        keys: heads of keys and of values; `queries` is a multiple of it.
        size: width of a head.
    """

    queries: int
    keys: int
    size: int

    @property
    def repeats(self) -> int:
        """Query heads that share a key head."""
        return self.queries // self.keys

    @property
    def rotated(self) -> int:
        """Width of queries and keys together, which are what is rotated."""
        return (self.queries + self.keys) * self.size


class Normed(NamedTuple):
    """A root-mean-square norm and what its backward pass needs.

    Attributes:
        output: [N, H].
        unit: [N, H] float32, before the weight.
        scale: [N, 1] float32.
    """

    output: Tensor
    unit: Tensor
    scale: Tensor


def norm(x: Tensor, weight: Tensor, epsilon: float, dtype: torch.dtype) -> Normed:
    """The input [N, H] float32 over its root mean square, times the weight, as `dtype`."""
    square = torch.linalg.vector_norm(x, dim=-1, keepdim=True).square_().div_(x.shape[-1])
    scale = square.add_(epsilon).rsqrt_()
    unit = x * scale
    return Normed((unit * weight).to(dtype), unit, scale)


def norm_backward(gradient: Tensor, normed: Normed, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients of the input [N, H] and of the weight [H], float32, from that of the output."""
    unit = normed.unit
    product = gradient * unit
    of_weight = product.sum(0)
    share = torch.mv(product, weight).div_(-unit.shape[-1]).unsqueeze(-1)
    return torch.mul(gradient, weight, out=product).addcmul_(unit, share).mul_(normed.scale), of_weight


def rotate(x: Tensor, turn: Tensor) -> Tensor:
    """Rotary position embedding (Su et al., arXiv 2104.09864) of pairs that stand side by side.

    Transformers pairs the first half of a head with its second. Here both take turns (`Projection.head`), which scores
    don't see and a complex product computes in a seventh of the time.

    Args:
        x: [N, C], each two neighbours a pair.
        turn: [N, at least C / 2] complex64, what each pair is multiplied by.
    """
    pairs = torch.view_as_complex(x.float().view(len(x), -1, 2))
    return torch.view_as_real(pairs * turn[:, : pairs.shape[1]]).flatten(1).to(x.dtype)


def attend(rotated: Tensor, values: Tensor, heads: Heads, layout: Layout) -> Tensor:
    """Causal attention within each tree: along the stem, and along each branch behind it.

    Args:
        rotated: [N, (queries + keys) * D].
        values: [N, keys * D].
        heads: shape.
        layout: of the tokens.
    """
    split = heads.queries * heads.size
    out = torch.empty((len(rotated), split), dtype=rotated.dtype, device=rotated.device)
    for group in layout.groups:
        group.scatter(
            F.scaled_dot_product_attention(
                group.gather(rotated[:, :split], heads.queries),
                group.gather(rotated[:, split:], heads.keys),
                group.gather(values, heads.keys),
                attn_mask=None if group.branch is None else ~group.unseen().unsqueeze(1),
                is_causal=group.branch is None,
                enable_gqa=True,
            ),
            out,
        )
    return out


class Attended(NamedTuple):
    """One group's attention and what its backward pass needs; the query heads that share a key are in one matrix.

    Attributes:
        queries: [rows * keys, repeats * width, D].
        keys: [rows * keys, width, D].
        values: the same.
        shares: [rows * keys, repeats * width, width] what each query takes from each key.
    """

    queries: Tensor
    keys: Tensor
    values: Tensor
    shares: Tensor


def attend_and_keep(rotated: Tensor, values: Tensor, heads: Heads, layout: Layout) -> tuple[Tensor, list[Attended]]:
    """The same as `attend`, and what `attend_backward` needs."""
    split = heads.queries * heads.size
    out = torch.empty((len(rotated), split), dtype=rotated.dtype, device=rotated.device)
    kept = []
    for group in layout.groups:
        batch = group.rows * heads.keys
        query = group.gather(rotated[:, :split], heads.queries).reshape(batch, -1, heads.size)
        key = group.gather(rotated[:, split:], heads.keys).reshape(batch, -1, heads.size)
        value = group.gather(values, heads.keys).reshape(batch, -1, heads.size)
        bias = group.bias(heads.keys, heads.repeats, rotated.dtype)
        shares = torch.softmax(torch.baddbmm(bias, query, key.transpose(1, 2), alpha=heads.size**-0.5), -1)
        mixed = torch.bmm(shares, value)
        group.scatter(mixed.view(group.rows, heads.queries, group.width, heads.size), out)
        kept.append(Attended(query, key, value, shares))
    return out, kept


def attend_backward(gradient: Tensor, kept: list[Attended], heads: Heads, layout: Layout) -> Tensor:
    """Gradient of queries, keys and values side by side [N, (queries + 2 * keys) * D], before unrotating."""
    first, second = heads.queries * heads.size, heads.rotated
    out = torch.empty((len(gradient), second + heads.keys * heads.size), dtype=gradient.dtype, device=gradient.device)
    for group, (query, key, value, shares) in zip(layout.groups, kept, strict=True):
        mixed = group.without_padding(group.gather(gradient, heads.queries)).reshape(len(query), -1, heads.size)
        of_value = torch.bmm(shares.transpose(1, 2), mixed)
        of_shares = torch.bmm(mixed, value.transpose(1, 2))
        of_scores = torch._softmax_backward_data(of_shares, shares, -1, shares.dtype).mul_(heads.size**-0.5)
        shape = (group.rows, -1, group.width, heads.size)
        group.scatter(torch.bmm(of_scores, key).view(shape), out[:, :first])
        group.scatter(torch.bmm(of_scores.transpose(1, 2), query).view(shape), out[:, first:second])
        group.scatter(of_value.view(shape), out[:, second:])
    return out
