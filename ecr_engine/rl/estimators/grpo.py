"""Group-relative advantages (GRPO: Shao et al., arXiv 2402.03300, section 4.1.2, outcome supervision).

Two things stay as they are for every estimator here, and differ from the paper: the KL to the reference is part of the
reward (k1) instead of a term of the loss, and the loss is a mean over the tokens of the minibatch instead of a mean of
each response's mean, which would make a token of a long response count less (DAPO, arXiv 2503.14476, section 3.3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecr_engine.rl.estimator import Advantages, Estimator

if TYPE_CHECKING:
    from torch import Tensor

LEAST_SPREAD = 1e-4
"""Added to the standard deviation: a group whose rewards are as good as equal says nothing."""


class GroupRelative:
    """A response's reward, less its group's mean and divided by its group's standard deviation, at each of its tokens.

    The standard deviation is the unbiased one (n - 1). `gamma` and `lam` have nothing to do.
    """

    name = "grpo"
    explanation = "a response's reward in standard deviations from the mean of all responses to its prompt; no critic"
    needs_values = False
    needs_group = True

    def advantages(
        self, rewards: Tensor, values: Tensor, mask: Tensor, groups: Tensor, *, gamma: float, lam: float
    ) -> Advantages:
        """Exactly 0 where all rewards of a group are equal."""
        totals = (rewards * mask).sum(-1)
        same = (groups.unsqueeze(1) == groups.unsqueeze(0)).to(totals.dtype)
        size = same.sum(-1)
        centred = ((totals.unsqueeze(1) - totals.unsqueeze(0)) * same).sum(-1) / size
        spread = ((same * centred**2).sum(-1) / (size - 1)).sqrt()
        gains = centred / (spread + LEAST_SPREAD)
        return Advantages(gains.unsqueeze(-1) * mask, rewards.new_zeros(rewards.shape))


def build() -> Estimator:
    """The estimator."""
    return GroupRelative()
