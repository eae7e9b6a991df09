"""KL between the policy and the reference: estimators, the penalty in the reward, and its weight.

Estimators after Schulman, "Approximating KL Divergence" (2020), with r = p_reference / p_policy on tokens drawn from
the policy: k1 = -log r is unbiased and goes into the reward; k3 = (r - 1) - log r is never negative and is logged.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

IN_REWARD = "k1"
"""The estimator that is taken from the reward, and that `objective/kl` is the mean of."""

LOGGED = "k3"
"""The estimator of `objective/kl_k3` and `policy/approx_kl`."""

LOG_RATIO_LIMIT = 20.0
"""Log-ratios are clamped to this before exp, so that one impossible token can't make an infinity."""


def k1(log_probs: Tensor, reference: Tensor) -> Tensor:
    """Per-token estimate log p_policy - log p_reference, same shape as the inputs."""
    return log_probs - reference


def k3(log_probs: Tensor, reference: Tensor) -> Tensor:
    """Per-token estimate (r - 1) - log r, at least 0, same shape as the inputs."""
    log_ratio = (reference - log_probs).clamp(-LOG_RATIO_LIMIT, LOG_RATIO_LIMIT)
    return log_ratio.exp() - 1 - log_ratio


def shaped_rewards(scores: Tensor, kl: Tensor, mask: Tensor, coefficient: float) -> Tensor:
    """Per-token rewards [B, T]: minus the KL penalty on each response token, plus the score on the last.

    The sum over a row is score - coefficient * sum of its KL.

    Args:
        scores: [B].
        kl: [B, T] per-token k1.
        mask: [B, T], 1 for response tokens, contiguous from the left, at least one a row.
        coefficient: weight of the KL, beta.
    """
    rewards = -coefficient * kl * mask
    last = mask.sum(-1, keepdim=True).long() - 1
    return rewards.scatter_add(1, last, scores.unsqueeze(-1).to(rewards))


@dataclass(slots=True)
class KLController:
    """The weight of the KL penalty, fixed or following a target.

    The adaptive form is that of Ziegler et al. (arXiv 1909.08593, section 2.2): the weight is multiplied by
    1 + clip(kl / target - 1, -0.2, 0.2) * samples / horizon.

    Attributes:
        coefficient: the weight as it is now; part of the state of a training.
        adaptive: whether it follows the target.
        target: wanted KL of a response, in nats.
        horizon: samples over which the weight adapts.
    """

    coefficient: float
    adaptive: bool
    target: float
    horizon: float

    def update(self, kl: float, samples: int) -> None:
        """Adapts the weight to the mean KL of a batch of `samples` responses; does nothing if fixed."""
        if self.adaptive:
            error = min(max(kl / self.target - 1, -0.2), 0.2)
            self.coefficient *= 1 + error * samples / self.horizon
