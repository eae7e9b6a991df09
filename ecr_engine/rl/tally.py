"""Adds up what the minibatches of an update saw, and turns it into the update's statistics."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from ecr_engine.rl.types import UpdateStats


class Sums(NamedTuple):
    """Sums over the valid tokens of a micro-batch, or of a minibatch over all processes."""

    policy_loss: float = 0.0
    value_loss: float = 0.0
    kl: float = 0.0
    clipped: float = 0.0
    ratio: float = 0.0

    def plus(self, other: Sums) -> Sums:
        """The sums of both."""
        return Sums(*(a + b for a, b in zip(self, other, strict=True)))


class Norms(NamedTuple):
    """Norms of the gradients of one optimizer step, before clipping.

    Attributes:
        policy: of the policy; 0 in critic warm-up.
        value: of the value function; 0 if there is none.
        taken: whether both were finite and the step was taken.
    """

    policy: float
    value: float
    taken: bool


@dataclass(slots=True)
class Tally:
    """What the minibatches of one update saw so far.

    Attributes:
        sums: of each minibatch.
        counts: valid tokens of each minibatch.
        norms: of each optimizer step.
        epoch_kl: sum of k3 over the tokens of the present epoch.
        epoch_tokens: valid tokens of the present epoch.
    """

    sums: list[Sums] = field(default_factory=list)
    counts: list[float] = field(default_factory=list)
    norms: list[Norms] = field(default_factory=list)
    epoch_kl: float = 0.0
    epoch_tokens: float = 0.0

    def begin_epoch(self) -> None:
        """Starts the means of an epoch anew."""
        self.epoch_kl, self.epoch_tokens = 0.0, 0.0

    def add(self, sums: Sums, count: float, norms: Norms) -> None:
        """Takes in a minibatch of `count` valid tokens."""
        self.sums.append(sums)
        self.counts.append(count)
        self.norms.append(norms)
        self.epoch_kl += sums.kl
        self.epoch_tokens += count

    def too_far(self, bound: float | None) -> bool:
        """Whether the mean KL of the present epoch is above `bound`; never if that is None."""
        return bound is not None and self.epoch_kl / self.epoch_tokens > bound

    def stats(self, *, stopped_early: bool) -> UpdateStats:
        """Means over all valid tokens, and over the steps that were taken."""
        tokens = sum(self.counts)
        total = Sums(*(sum(column) / tokens for column in zip(*self.sums, strict=True)))
        # A step that was skipped has no norm to speak of; the count of them says what happened.
        taken = [norms for norms in self.norms if norms.taken]
        return UpdateStats(
            policy_loss=total.policy_loss,
            value_loss=total.value_loss,
            approx_kl=total.kl,
            clip_fraction=total.clipped,
            ratio=total.ratio,
            first_ratio=self.sums[0].ratio / self.counts[0],
            policy_grad_norm=sum(norms.policy for norms in taken) / len(taken) if taken else 0.0,
            value_grad_norm=sum(norms.value for norms in taken) / len(taken) if taken else 0.0,
            skipped=len(self.norms) - len(taken),
            stopped_early=stopped_early,
        )
