"""One Llama layer as a single autograd function that keeps its input alone and computes the rest again.

What it keeps of N tokens is [N, H] float32. All that lies between two layers is made again in the backward pass, which
costs a third more matrix products and saves the memory that a step would else need most of.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ecr_engine.models.memory import release_freed
from ecr_engine.models.packed.arithmetic import (
    Heads,
    attend,
    attend_and_keep,
    attend_backward,
    norm,
    norm_backward,
    rotate,
)
from ecr_engine.models.packed.layout import Layout
from ecr_engine.models.packed.projection import (
    COUNT,
    Gradients,
    Projection,
    project,
    project_backward,
    stacked,
)

RELEASE_EVERY = 10
"""Layers of a backward pass after which what their inputs took is given back to the system."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What all layers have in common.

    Attributes:
        heads: shape of the attention.
        epsilon: of the norms.
        turn: [N, (queries + keys) * D / 2] complex64 of the rotation.
        back: the same of the rotation's backward pass.
        layout: of the N tokens.
        dtype: of matrix products.
    """

    heads: Heads
    epsilon: float
    turn: Tensor
    back: Tensor
    layout: Layout
    dtype: torch.dtype


@dataclass(frozen=True, slots=True)
class LayerWeights:
    """A layer's weights.

    Attributes:
        index: of the layer, from 0.
        before: [H] of the norm before the attention.
        after: [H] of the norm before the feed-forward part.
        projections: q, k, v, o, gate, up, down.
    """

    index: int
    before: Tensor
    after: Tensor
    projections: tuple[Projection, ...]

    @property
    def tensors(self) -> tuple[Tensor | None, ...]:
        """All of them, in the order of `Layer`'s gradients."""
        flat = [tensor for projection in self.projections for tensor in projection[:3]]
        return (self.before, self.after, *flat)


def run_layer(x: Tensor, frame: Frame, weights: LayerWeights) -> Tensor:
    """The layer's output [N, H] float32 for its input."""
    return Layer.apply(x, frame, weights, *weights.tensors)  # type: ignore[no-untyped-call, no-any-return]


class Layer(torch.autograd.Function):
    """See the module."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, frame: Frame, weights: LayerWeights, *_tensors: Tensor | None) -> Tensor:
        """Attention and feed-forward part, each added to the residual stream."""
        ctx.save_for_backward(x)
        ctx.frame, ctx.weights = frame, weights
        query, key, value, out, gate, up, down = weights.projections
        dtype, cut = frame.dtype, frame.heads.rotated
        state = norm(x, weights.before, frame.epsilon, dtype).output
        mixed = project(state, (query, key, value), stacked((query, key, value), dtype))
        rotated = rotate(mixed[:, :cut], frame.turn)
        attended = attend(rotated, mixed[:, cut:], frame.heads, frame.layout)
        x = project(attended, (out,), stacked((out,), dtype)).float().add_(x)
        state = norm(x, weights.after, frame.epsilon, dtype).output
        wide = project(state, (gate, up), stacked((gate, up), dtype))
        left, right = wide.tensor_split(2, dim=1)
        return project(F.silu(left).mul_(right), (down,), stacked((down,), dtype)).float().add_(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:
        """Gradients of the input and of the weights that are trained."""
        (gradient,) = gradients
        (x,) = ctx.saved_tensors
        frame, weights = ctx.frame, ctx.weights
        query, key, value, out, *_ = weights.projections
        dtype, cut = frame.dtype, frame.heads.rotated

        # Again, from the layer's input.
        first = norm(x, weights.before, frame.epsilon, dtype)
        base_in = stacked((query, key, value), dtype)
        mixed = project(first.output, (query, key, value), base_in)
        rotated = rotate(mixed[:, :cut], frame.turn)
        attended, kept = attend_and_keep(rotated, mixed[:, cut:], frame.heads, frame.layout)
        base_out = stacked((out,), dtype)
        second = norm(project(attended, (out,), base_out).float().add_(x), weights.after, frame.epsilon, dtype)
        del mixed, rotated

        # The feed-forward part.
        of_x, of_after, wide_parts = _feed_forward_backward(gradient, second, frame, weights)
        of_x.add_(gradient)
        del second

        # The attention.
        of_attended, (out_part,) = project_backward(of_x.to(dtype), attended, (out,), base_out)
        of_mixed = attend_backward(of_attended, kept, frame.heads, frame.layout)
        del kept, attended, of_attended
        of_mixed[:, :cut] = rotate(of_mixed[:, :cut], frame.back)
        of_state, parts = project_backward(of_mixed, first.output, (query, key, value), base_in)
        of_input, of_before = norm_backward(of_state.float(), first, weights.before)
        found = [*parts, out_part, *wide_parts]
        if weights.index % RELEASE_EVERY == 0:
            release_freed(x.nbytes * RELEASE_EVERY)
        return (of_input.add_(of_x), None, None, of_before, of_after, *_in_one_block(found, weights.projections))


def _feed_forward_backward(
    gradient: Tensor, second: Any, frame: Frame, weights: LayerWeights
) -> tuple[Tensor, Tensor, list[Gradients]]:
    """Gradients of the input of the second norm [N, H] float32, of its weight, and of gate, up and down."""
    *_, gate, up, down = weights.projections
    base = stacked((gate, up), frame.dtype)
    wide = project(second.output, (gate, up), base)
    left, right = wide.tensor_split(2, dim=1)
    active = F.silu(left)
    of_product, (down_part,) = project_backward(
        gradient.to(frame.dtype), active * right, (down,), stacked((down,), frame.dtype)
    )
    of_wide = torch.empty_like(wide)
    of_left, of_right = of_wide.tensor_split(2, dim=1)
    torch.mul(of_product, active, out=of_right)
    of_left.copy_(torch.ops.aten.silu_backward(of_product.mul_(right), left))
    del wide, left, right, active, of_product
    of_state, parts = project_backward(of_wide, second.output, (gate, up), base)
    of_x, of_after = norm_backward(of_state.float(), second, weights.after)
    return of_x, of_after, [*parts, down_part]


def _in_one_block(found: list[Gradients], projections: tuple[Projection, ...]) -> list[Tensor | None]:
    """The gradients in the precision of their weights, side by side in one block of memory.

    They outlive all else that a backward pass makes; apart, each would keep a page of what was freed around it.
    """
    assert len(found) == len(projections) == COUNT
    pairs = [
        (gradient, weight)
        for gradients, projection in zip(found, projections, strict=True)
        for gradient, weight in zip(gradients, projection[:3], strict=True)
    ]
    wanted = [(gradient, weight) for gradient, weight in pairs if gradient is not None and weight is not None]
    if not wanted:
        return [None] * len(pairs)
    block = torch.empty(sum(g.numel() for g, _ in wanted), dtype=wanted[0][1].dtype, device=wanted[0][1].device)
    result: list[Tensor | None] = []
    start = 0
    for gradient, _ in pairs:
        if gradient is None:
            result.append(None)
            continue
        view = block[start : start + gradient.numel()].view(gradient.shape)
        result.append(view.copy_(gradient))
        start += gradient.numel()
    return result
