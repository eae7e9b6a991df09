"""The optimizers of a training and their learning rates."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from ecr_engine.config.sections.rl import PPOSettings

ADAM_EPSILON = 1e-5
"""As in the PPO implementations for language models; the default 1e-8 makes the first steps wild."""


def adam(parameters: Iterable[nn.Parameter], rate: float) -> torch.optim.Optimizer:
    """AdamW without weight decay over the parameters that are trained: adapters alone, where the rest is frozen."""
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    return torch.optim.AdamW(trained, lr=rate, eps=ADAM_EPSILON, weight_decay=0.0, fused=True)


def rate_share(taken: int, step: int, settings: PPOSettings) -> float:
    """What share of its peak a learning rate has: linear warm-up, then constant or a straight line to 0 at the end.

    Args:
        taken: updates that the optimizer has made; negative before its first.
        step: updates made in all.
        settings: the section `[ppo]`.
    """
    share = min(1.0, max(0, taken + 1) / settings.warmup_steps) if settings.warmup_steps else 1.0
    return share * (1 - step / settings.max_steps) if settings.schedule == "linear" else share


def set_rate(optimizer: Any, rate: float) -> None:
    """Gives all groups of an optimizer this learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate
