"""The losses of PPO (Schulman et al., arXiv 1707.06347), each a sum over valid tokens divided by a given count.

The count is that of the whole minibatch, over all micro-batches and processes, so that how the batch is cut never
changes the gradient.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ecr_engine.rl.kl import LOG_RATIO_LIMIT


class PolicyLoss(NamedTuple):
    """The clipped surrogate and what it saw.

    Attributes:
        loss: scalar, to be minimised.
        ratio: [B, T] probability ratios new / old.
        clipped: [B, T], 1 where the clip was active and took effect.
    """

    loss: Tensor
    ratio: Tensor
    clipped: Tensor


def policy_loss(
    log_probs: Tensor,
    old_log_probs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    *,
    epsilon: float,
    epsilon_high: float | None = None,
    count: float,
) -> PolicyLoss:
    """-min(ratio * A, clip(ratio, 1 - epsilon, 1 + epsilon_high) * A), summed over valid tokens, divided by `count`.

    A greater upper range lets unlikely tokens grow faster than they may shrink (DAPO, arXiv 2503.14476, section 3.1).

    Args:
        log_probs: [B, T] under the policy being trained.
        old_log_probs: [B, T] under the policy that drew the responses.
        advantages: [B, T].
        mask: [B, T].
        epsilon: clip range below 1.
        epsilon_high: clip range above 1; None for the same.
        count: valid tokens in the whole minibatch.
    """
    ratio = (log_probs - old_log_probs).clamp(-LOG_RATIO_LIMIT, LOG_RATIO_LIMIT).exp()
    plain = ratio * advantages
    high = epsilon if epsilon_high is None else epsilon_high
    bounded = ratio.clamp(1 - epsilon, 1 + high) * advantages
    loss = -(torch.minimum(plain, bounded) * mask).sum() / count
    return PolicyLoss(loss, ratio, (bounded < plain).to(mask.dtype) * mask)


def value_loss(
    values: Tensor, old_values: Tensor, returns: Tensor, mask: Tensor, *, clip: float | None, count: float
) -> Tensor:
    """Half the squared error; with `clip`, the greater of it and the error of the value kept within `clip` of the old.

    Args:
        values: [B, T] under the value function being trained.
        old_values: [B, T] before the update.
        returns: [B, T] targets.
        mask: [B, T].
        clip: range, or None for no clipping.
        count: valid tokens in the whole minibatch.
    """
    error = (values - returns) ** 2
    if clip is not None:
        bounded = old_values + (values - old_values).clamp(-clip, clip)
        error = torch.maximum(error, (bounded - returns) ** 2)
    return 0.5 * (error * mask).sum() / count
