"""What an advantage estimator is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from ecr_engine.registry import Registry

if TYPE_CHECKING:
    from torch import Tensor


class Advantages(NamedTuple):
    """What an estimator makes of rewards.

    Attributes:
        advantages: [B, T], before whitening; 0 where masked.
        returns: [B, T], targets of the value function; 0 where masked.
    """

    advantages: Tensor
    returns: Tensor


class Estimator(Protocol):
    """Turns per-token rewards into advantages.

    Attributes:
        name: the registered name.
        explanation: one sentence.
    """

    name: str
    explanation: str

    def advantages(self, rewards: Tensor, values: Tensor, mask: Tensor, *, gamma: float, lam: float) -> Advantages:
        """Advantages and returns.

        Args:
            rewards: [B, T] shaped rewards.
            values: [B, T].
            mask: [B, T], 1 for response tokens, contiguous from the left.
            gamma: discount.
            lam: the lambda of estimators that have one.
        """


ESTIMATORS: Registry[Estimator] = Registry("ecr_engine.rl.estimators", "estimator")
