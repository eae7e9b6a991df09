"""REINFORCE with a leave-one-out baseline (Ahmadian et al., arXiv 2402.14740, after Kool et al., 2019)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecr_engine.rl.estimator import Advantages, Estimator

if TYPE_CHECKING:
    from torch import Tensor


class LeaveOneOut:
    """A response's reward less the mean reward of the other responses to the same prompt, at each of its tokens.

    A response is one action: its reward is the sum over its tokens (the score less the KL penalty), undiscounted, and
    `gamma` and `lam` have nothing to do.
    """

    name = "rloo"
    explanation = "a response's reward less the mean of the other responses to its prompt; no critic"
    needs_values = False
    needs_group = True

    def advantages(
        self, rewards: Tensor, values: Tensor, mask: Tensor, groups: Tensor, *, gamma: float, lam: float
    ) -> Advantages:
        """The mean of the differences to each of the others: exactly 0 where all rewards are equal."""
        totals = (rewards * mask).sum(-1)
        same = (groups.unsqueeze(1) == groups.unsqueeze(0)).to(totals.dtype)
        differences = (totals.unsqueeze(1) - totals.unsqueeze(0)) * same
        gains = differences.sum(-1) / (same.sum(-1) - 1)
        return Advantages(gains.unsqueeze(-1) * mask, rewards.new_zeros(rewards.shape))


def build() -> Estimator:
    """The estimator."""
    return LeaveOneOut()
