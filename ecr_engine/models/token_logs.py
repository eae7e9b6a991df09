"""Log-probabilities and entropies of tokens from the states before the output layer, without keeping any logits.

A vocabulary of 49,152 makes logits of 640 tokens 126 MB in float32, and autograd would keep several of that size. Here
they are made in pieces, and made again in the backward pass: one product more.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ecr_engine.models.memory import release_freed
from ecr_engine.models.packed.table import Table
from ecr_engine.models.packed.trunk import SharedGradient


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
        for start in range(0, size, chunk):
            piece = slice(start, start + chunk)
            logits = F.linear(states[piece].to(dtype), base).float().div_(temperature)
            norms[piece] = torch.logsumexp(logits, -1)
            logs[piece] = logits.gather(-1, tokens[piece].unsqueeze(-1)).squeeze(-1) - norms[piece]
            if with_entropy:
                # H = log Z - sum of p * logit.
                shares = (logits - norms[piece].unsqueeze(-1)).exp_()
                entropies[piece] = norms[piece] - shares.mul_(logits).sum(-1)
        ctx.save_for_backward(states, weight, tokens, norms, entropies)
        ctx.table = table
        ctx.settings = (temperature, dtype, chunk, with_entropy, shared)
        return logs, entropies

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:
        """With p = softmax(logits): d log p(a) / d logit = [v = a] - p(v); d H / d logit = -p (log p + H)."""
        of_logs, of_entropies = gradients
        states, weight, tokens, norms, entropies = ctx.saved_tensors
        temperature, dtype, chunk, with_entropy, shared = ctx.settings
        # What the forward pass freed, before the largest gradients of all are made.
        release_freed(weight.nbytes)
        base = ctx.table.dense(dtype)
        of_states = torch.empty_like(states)
        of_weight = torch.zeros_like(weight) if ctx.needs_input_grad[1] else None
        places = ctx.table.places
        of_rows = None if places is None else torch.zeros_like(ctx.table.rows)
        for start in range(0, len(tokens), chunk):
            piece = slice(start, start + chunk)
            inputs = states[piece].to(dtype)
            logs = F.linear(inputs, base).float().div_(temperature).sub_(norms[piece].unsqueeze(-1))
            shares = logs.exp()
            factor = -of_logs[piece].unsqueeze(-1)
            if with_entropy:
                slope = logs.add_(entropies[piece].unsqueeze(-1)).mul_(-of_entropies[piece].unsqueeze(-1))
                of_logits = shares.mul_(slope.add_(factor))
            else:
                of_logits = shares.mul_(factor)
            of_logits.scatter_add_(-1, tokens[piece].unsqueeze(-1), -factor)
            of_logits = of_logits.div_(temperature).to(dtype)
            of_states[piece] = torch.mm(of_logits, base)
            if of_weight is not None:
                of_weight.add_(torch.mm(of_logits.t(), inputs))
            if of_rows is not None:
                of_rows.add_(torch.mm(of_logits[:, places].t(), inputs))
        if of_weight is not None and shared.tied:
            shared.waiting = of_weight if shared.waiting is None else shared.waiting.add_(of_weight)
            of_weight = None
        return (of_states, of_weight, of_rows, *[None] * 7)
