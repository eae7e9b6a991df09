"""Linear layers of a Llama, with or without a LoRA adapter, in a precision of choice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

COUNT = 7
"""Linear layers of a block: q, k, v, o, gate, up, down."""

PAIRED = 2
"""The first of them, q and k: the two that are rotated."""

FEW = 32
"""Rows up to which bfloat16 products on the CPU take a third less time with the weights as the left factor."""


class Projection(NamedTuple):
    """y = x W' + scale * (x A') B', the second part only with an adapter.

    Attributes:
        weight: W [out, in].
        down: A [rank, in], or None.
        up: B [out, rank], or None.
        scale: of the adapter.
        head: width of a head, where the outputs of a head's two halves are to take turns; 0 where they are not.
    """

    weight: Tensor
    down: Tensor | None
    up: Tensor | None
    scale: float
    head: int = 0

    def mixed(self, rows: Tensor) -> Tensor:
        """Rows [out, k] in the order of the computed outputs."""
        return self._ordered(rows, (2, self.head // 2))

    def parted(self, rows: Tensor) -> Tensor:
        """Rows [out, k] of computed outputs in the order of the weights."""
        return self._ordered(rows, (self.head // 2, 2))

    def _ordered(self, rows: Tensor, shape: tuple[int, int]) -> Tensor:
        return rows.view(-1, *shape, rows.shape[1]).transpose(1, 2).reshape(rows.shape) if self.head else rows


def is_exactly(module: Any, kind: type[nn.Module]) -> bool:
    """Whether a module is of this class and of none that is derived from it, whose forward pass may be another."""
    return type(module) is kind


def read_projection(module: Any, *, training: bool) -> Projection | None:
    """A linear layer's weights; None for a module that is computed in another way (quantised, with a bias, DoRA …)."""
    if is_exactly(module, nn.Linear):
        return Projection(module.weight, None, None, 0.0) if module.bias is None else None
    if not type(module).__module__.startswith("peft."):
        return None
    from peft.tuners.lora import Linear

    if not is_exactly(module, Linear) or not is_exactly(module.base_layer, nn.Linear):
        return None
    if module.base_layer.bias is not None:
        return None
    names = [] if module.disable_adapters else [name for name in module.active_adapters if name in module.lora_A]
    plain = Projection(module.base_layer.weight, None, None, 0.0)
    if not names:
        return None if module.merged else plain
    (name, *more) = names
    dropped = training and not isinstance(module.lora_dropout[name], nn.Identity)
    if more or module.merged or dropped or name in module.lora_variant or module.lora_bias[name]:
        return None
    return Projection(
        module.base_layer.weight, module.lora_A[name].weight, module.lora_B[name].weight, module.scaling[name]
    )


def stacked(projections: Sequence[Projection], dtype: torch.dtype) -> Tensor:
    """The base weights one below the other [sum of outs, in] in `dtype`, in the order of the computed outputs."""
    if len(projections) == 1:
        return projections[0].mixed(projections[0].weight.to(dtype))
    weights = [projection.weight for projection in projections]
    shape = (sum(len(weight) for weight in weights), weights[0].shape[1])
    out = torch.empty(shape, dtype=dtype, device=weights[0].device)
    start = 0
    for projection, weight in zip(projections, weights, strict=True):
        out[start : start + len(weight)].copy_(projection.mixed(weight))
        start += len(weight)
    return out


def product(x: Tensor, base: Tensor) -> Tensor:
    """`x` [N, in] times the transposed matrix [out, in]: [N, out]."""
    if len(x) > FEW or x.dtype is not torch.bfloat16:
        return torch.mm(x, base.t())
    return torch.mm(base, x.t()).t().contiguous()


def project(x: Tensor, projections: Sequence[Projection], base: Tensor) -> Tensor:
    """Outputs side by side [N, sum of outs] of layers with the same input [N, in].

    Args:
        x: inputs.
        projections: the layers.
        base: their `stacked` weights.
    """
    out = product(x, base)
    start = 0
    for projection in projections:
        end = start + len(projection.weight)
        if projection.down is not None and projection.up is not None:
            inner = torch.mm(x, projection.down.to(x.dtype).t()).mul_(projection.scale)
            out[:, start:end] += torch.mm(inner, projection.mixed(projection.up.to(x.dtype)).t())
        start = end
    return out


def weight_product(gradient: Tensor, x: Tensor) -> Tensor:
    """Gradient [out, in] of a weight from those of the output [N, out], with the input [N, in]."""
    # A product takes less time from a transposed copy, and the copy pays where it is the smaller of the two.
    return torch.mm(gradient.t().contiguous() if 2 * gradient.shape[1] <= x.shape[1] else gradient.t(), x)


class Gradients(NamedTuple):
    """Gradients of one projection's tensors, in the precision of the products; None where none is wanted."""

    weight: Tensor | None
    down: Tensor | None
    up: Tensor | None


def project_backward(
    gradient: Tensor, x: Tensor, projections: Sequence[Projection], base: Tensor
) -> tuple[Tensor, list[Gradients]]:
    """Gradients of the input [N, in] and of each projection's tensors.

    Args:
        gradient: of the output [N, sum of outs].
        x: the input [N, in].
        projections: the layers.
        base: their `stacked` weights.
    """
    of_input = torch.mm(gradient, base)
    # One product for all weights that are trained, since they have the input in common.
    whole = weight_product(gradient, x) if any(p.weight.requires_grad for p in projections) else None
    found = []
    start = 0
    for projection in projections:
        end = start + len(projection.weight)
        trained = projection.weight.requires_grad
        of_weight = projection.parted(whole[start:end]) if whole is not None and trained else None
        if projection.down is None or projection.up is None:
            found.append(Gradients(of_weight, None, None))
        else:
            part = gradient[:, start:end]
            down, up = projection.down.to(x.dtype), projection.mixed(projection.up.to(x.dtype))
            inner = torch.mm(part, up).mul_(projection.scale)
            of_input += torch.mm(inner, down)
            of_up = torch.mm(part.t(), torch.mm(x, down.t()).mul_(projection.scale))
            found.append(Gradients(of_weight, torch.mm(inner.t(), x), projection.parted(of_up)))
        start = end
    return of_input, found
