"""Linear layers of a Llama, with or without a LoRA adapter, in a precision of choice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

COUNT = 7
"""Linear layers of a block: q, k, v, o, gate, up, down."""


class Projection(NamedTuple):
    """y = x W' + scale * (x A') B', the second part only with an adapter.

    Attributes:
        weight: W [out, in].
        down: A [rank, in], or None.
        up: B [out, rank], or None.
        scale: of the adapter.
    """

    weight: Tensor
    down: Tensor | None
    up: Tensor | None
    scale: float


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
    """The base weights one below the other [sum of outs, in] in `dtype`."""
    if len(projections) == 1:
        return projections[0].weight.to(dtype)
    weights = [projection.weight for projection in projections]
    shape = (sum(len(weight) for weight in weights), weights[0].shape[1])
    out = torch.empty(shape, dtype=dtype, device=weights[0].device)
    start = 0
    for weight in weights:
        out[start : start + len(weight)].copy_(weight)
        start += len(weight)
    return out


def project(x: Tensor, projections: Sequence[Projection], base: Tensor) -> Tensor:
    """Outputs side by side [N, sum of outs] of layers with the same input [N, in].

    Args:
        x: inputs.
        projections: the layers.
        base: their `stacked` weights.
    """
    out = torch.mm(x, base.t())
    start = 0
    for projection in projections:
        end = start + len(projection.weight)
        if projection.down is not None and projection.up is not None:
            inner = torch.mm(x, projection.down.to(x.dtype).t()).mul_(projection.scale)
            out[:, start:end] += torch.mm(inner, projection.up.to(x.dtype).t())
        start = end
    return out


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
    whole = torch.mm(gradient.t(), x) if any(p.weight.requires_grad for p in projections) else None
    found = []
    start = 0
    for projection in projections:
        end = start + len(projection.weight)
        of_weight = whole[start:end] if whole is not None and projection.weight.requires_grad else None
        if projection.down is None or projection.up is None:
            found.append(Gradients(of_weight, None, None))
        else:
            part = gradient[:, start:end]
            down, up = projection.down.to(x.dtype), projection.up.to(x.dtype)
            inner = torch.mm(part, up).mul_(projection.scale)
            of_input += torch.mm(inner, down)
            of_up = torch.mm(part.t(), torch.mm(x, down.t()).mul_(projection.scale))
            found.append(Gradients(of_weight, torch.mm(inner.t(), x), of_up))
        start = end
    return of_input, found
