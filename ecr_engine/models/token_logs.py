"""Log-probabilities and entropies of tokens from the states before the output layer, without keeping any logits.

A vocabulary of 49,152 makes logits of 640 tokens 126 MB in float32, and autograd would keep several of that size. Here
they are made in pieces, and made again in the backward pass: one product more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ecr_engine.models.memory import release_freed
from ecr_engine.models.packed.table import Table
from ecr_engine.models.packed.trunk import SharedGradient

CHUNKS = 4
"""Chunks whose gradients are multiplied with states and weight at once: few products, and few sums of whole weights."""


def token_logs(
    states: Tensor,
    table: Table,
    tokens: Tensor,
    *,
    temperature: float,
    dtype: torch.dtype,
    chunk: int,
    with_entropy: bool,
    shared: SharedGradient,
) -> tuple[Tensor, Tensor]:
    """Log-probabilities [n] of tokens and the entropies [n] of their distributions in nats, float32.

    Args:
        states: [n, H].
        table: the output layer's matrix.
        tokens: [n] ids.
        temperature: logits are divided by it.
        dtype: of matrix products; the softmax is float32 always.
        chunk: tokens whose logits are made at a time.
        with_entropy: else the entropies are 0.
        shared: where the gradient of a tied weight goes.
    """
    with torch.autocast(states.device.type, enabled=False):
        logs, entropies = TokenLogs.apply(  # type: ignore[no-untyped-call]
            states, *table.tensors, table, tokens, temperature, dtype, chunk, with_entropy, shared
        )
    return logs, entropies


def plain_token_logs(
    states: Tensor, head: nn.Module, tokens: Tensor, *, temperature: float, chunk: int, with_entropy: bool
) -> tuple[Tensor, Tensor]:
    """The same with an output layer that may be any module (quantised, wrapped …); autograd keeps the logits.

    Args:
        states: [n, H].
        head: makes logits [n, V] of them.
        tokens: [n] ids.
        temperature: logits are divided by it.
        chunk: tokens whose logits are made at a time.
        with_entropy: else the entropies are 0.
    """
    logs, entropies = [], []
    for start in range(0, len(tokens), chunk):
        whole = torch.log_softmax(head(states[start : start + chunk]).float() / temperature, dim=-1)
        logs.append(whole.gather(-1, tokens[start : start + chunk].unsqueeze(-1)).squeeze(-1))
        entropies.append(-(whole.exp() * whole).sum(-1) if with_entropy else torch.zeros_like(logs[-1]))
    return torch.cat(logs), torch.cat(entropies)


class Room:
    """Memory for the logits of a chunk, used again by the next one: fresh pages cost as much as what is done in them.

    Args:
        tokens: of the largest chunk.
        base: [V, H] the output layer's matrix, in the precision of products.
    """

    def __init__(self, tokens: int, base: Tensor) -> None:
        shape = (tokens, len(base))
        self.product = torch.empty(shape, dtype=base.dtype, device=base.device)
        self.first, self.second = (torch.empty(shape, dtype=torch.float32, device=base.device) for _ in range(2))

    def logits(self, inputs: Tensor, base: Tensor, temperature: float) -> Tensor:
        """Logits [n, V] float32 of states [n, H], in `first`."""
        product = torch.mm(inputs, base.t(), out=self.product[: len(inputs)])
        return self.first[: len(inputs)].copy_(product).div_(temperature)


class TokenLogs(torch.autograd.Function):
    """See `token_logs`."""

    @staticmethod
    def forward(
        ctx: Any,
        states: Tensor,
        weight: Tensor,
        rows: Tensor | None,
        table: Table,
        tokens: Tensor,
        temperature: float,
        dtype: torch.dtype,
        chunk: int,
        with_entropy: bool,
        shared: SharedGradient,
    ) -> tuple[Tensor, Tensor]:
        """One chunk after the other."""
        base = table.dense(dtype)
        size = len(tokens)
        logs, norms = (torch.empty(size, dtype=torch.float32, device=states.device) for _ in range(2))
        entropies = torch.zeros_like(logs)
        room = Room(min(chunk, size), base)
        for start in range(0, size, chunk):
            piece = slice(start, start + chunk)
            logits = room.logits(states[piece].to(dtype), base, temperature)
            highest = logits.amax(-1, keepdim=True)
            shares = torch.sub(logits, highest, out=room.second[: len(logits)]).exp_()
            total = shares.sum(-1)
            norms[piece] = total.log().add_(highest.squeeze(-1))
            logs[piece] = logits.gather(-1, tokens[piece].unsqueeze(-1)).squeeze(-1) - norms[piece]
            if with_entropy:
                # H = log Z - sum of p * logit.
                entropies[piece] = norms[piece] - shares.mul_(logits).sum(-1).div_(total)
        ctx.save_for_backward(states, weight, tokens, norms, entropies)
        ctx.table, ctx.base = table, base
        ctx.settings = (temperature, chunk, with_entropy, shared)
        return logs, entropies

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:
        """The gradients of some chunks of logits at a time, and with them those of states and weight."""
        states, weight, tokens, *_ = ctx.saved_tensors
        _, chunk, _, shared = ctx.settings
        table, base = ctx.table, ctx.base
        ctx.base = None  # Its memory is wanted before the graph is let go of.
        # What the forward pass freed, before the largest gradients of all are made.
        release_freed(weight.nbytes)
        of_states, of_weight, of_rows = torch.empty_like(states), None, None
        room = Room(min(chunk, len(tokens)), base)
        for start in range(0, len(tokens), chunk * CHUNKS):
            piece = slice(start, start + chunk * CHUNKS)
            of_logits = _of_logits(ctx, gradients, room, base, piece)
            of_states[piece] = torch.mm(of_logits, base)
            inputs = states[piece].to(base.dtype)
            if ctx.needs_input_grad[1]:
                of_weight = _plus(of_weight, torch.mm(of_logits.t(), inputs), weight.dtype)
            if table.places is not None:
                of_rows = _plus(of_rows, torch.mm(of_logits[:, table.places].t(), inputs), table.rows.dtype)
        if of_weight is not None and shared.tied:
            shared.waiting = _plus(shared.waiting, of_weight, weight.dtype)
            of_weight = None
        return (of_states, of_weight, of_rows, *[None] * 7)


def _of_logits(ctx: Any, gradients: Sequence[Tensor], room: Room, base: Tensor, piece: slice) -> Tensor:
    """Gradients of the logits [n, V] of some tokens, in the precision of products.

    With p = softmax(logits): d log p(a) / d logit = [v = a] - p(v); d H / d logit = -p (log p + H).
    """
    states, _, tokens, norms, entropies, of_logs, of_entropies = (
        each[piece] for each in (*ctx.saved_tensors, *gradients)
    )
    temperature, chunk, with_entropy, _ = ctx.settings
    found = torch.empty((len(tokens), len(base)), dtype=base.dtype, device=base.device)
    for start in range(0, len(tokens), chunk):
        part = slice(start, start + chunk)
        logs = room.logits(states[part].to(base.dtype), base, temperature).sub_(norms[part].unsqueeze(-1))
        factor = -of_logs[part].unsqueeze(-1)
        if with_entropy:
            shares = torch.exp(logs, out=room.second[: len(logs)])
            slope = logs.add_(entropies[part].unsqueeze(-1)).mul_(-of_entropies[part].unsqueeze(-1)).add_(factor)
            slopes = shares.mul_(slope)
        else:
            slopes = logs.exp_().mul_(factor)
        slopes.scatter_add_(-1, tokens[part].unsqueeze(-1), -factor)
        found[part] = slopes.div_(temperature)
    return found


def _plus(total: Tensor | None, more: Tensor, dtype: torch.dtype) -> Tensor:
    """The sum as `dtype`; `total` is written to."""
    return more.to(dtype) if total is None else total.add_(more)
