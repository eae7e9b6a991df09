"""Generalised advantage estimation (Schulman et al., arXiv 1506.02438)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecr_engine.rl.estimator import Advantages, Estimator

if TYPE_CHECKING:
    from torch import Tensor


class GAE:
    """A_t = sum over k of (gamma * lambda)^k * delta_{t+k}, with delta_t = r_t + gamma * V_{t+1} - V_t."""

    name = "gae"
    explanation = "generalised advantage estimation over response tokens, with the critic's values"
    needs_values = True
    needs_group = False

    def advantages(
        self, rewards: Tensor, values: Tensor, mask: Tensor, groups: Tensor, *, gamma: float, lam: float
    ) -> Advantages:
        """One pass from the last token to the first; what lies behind a response's last token counts as 0."""
        valid = mask.to(rewards.dtype)
        values = values * valid
        advantages = rewards.new_zeros(rewards.shape)
        running = following = rewards.new_zeros(len(rewards))
        for step in range(rewards.shape[1] - 1, -1, -1):
            delta = rewards[:, step] + gamma * following - values[:, step]
            running = (delta + gamma * lam * running) * valid[:, step]
            following = values[:, step]
            advantages[:, step] = running
        return Advantages(advantages, (advantages + values) * valid)


def build() -> Estimator:
    """The estimator."""
    return GAE()
