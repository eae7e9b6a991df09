"""What an advantage estimator is.

Each is one file in `estimators/`. None of them imports torch by itself, so that settings can be checked against their
needs before anything heavy is loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from ecr_engine.registry import Registry

if TYPE_CHECKING:
    from torch import Tensor


class Advantages(NamedTuple):
    """What an estimator makes of rewards.

    Attributes:
        advantages: [B, T], before whitening; 0 where masked.
        returns: [B, T], targets of the value function; 0 where masked, and everywhere if there is none to train.
    """

    advantages: Tensor
    returns: Tensor


class Estimator(Protocol):
    """Turns per-token rewards into advantages.

    Attributes:
        name: the registered name.
        explanation: one sentence.
        needs_values: whether it uses a value function; without one no critic is run and none is trained.
        needs_group: whether it compares the responses to one prompt, so that there have to be two at least. Its
            advantages have a mean and a scale of their own then, and are not whitened over the batch.
    """

    name: str
    explanation: str
    needs_values: bool
    needs_group: bool

    def advantages(
        self, rewards: Tensor, values: Tensor, mask: Tensor, groups: Tensor, *, gamma: float, lam: float
    ) -> Advantages:
        """Advantages and returns.

        Args:
            rewards: [B, T] shaped rewards.
            values: [B, T]; all 0 where `needs_values` is not set.
            mask: [B, T], 1 for response tokens, contiguous from the left.
            groups: [B] which prompt each row answers; rows of one prompt have the same number.
            gamma: discount.
            lam: the lambda of estimators that have one.
        """


ESTIMATORS: Registry[Estimator] = Registry("ecr_engine.rl.estimators", "estimator")
