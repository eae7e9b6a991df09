"""The composite reward of a response, put together from its components.

With weights w and scores s, over the components that apply to the sample:

    total = sum of w·s over the positive components / sum of their w  +  PENALTY_SCALE · sum of w·s over the penalties

So the positive part is a weighted mean in [0, 1] that does not depend on how many components there are, and a full
penalty of -1 at weight 1 always takes 0.5. A component that gives None for a sample drops out of both sums of that
sample; where no positive component applies the positive part is 0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ecr_engine.data.schema import Sample
from ecr_engine.errors import EcrError, UsageError
from ecr_engine.rewards.component import COMPONENTS, RewardComponent

PENALTY_SCALE = 0.5
"""What a full penalty of weight 1 takes from the total."""


@dataclass(frozen=True, slots=True)
class CompositeReward:
    """The reward of a batch.

    Attributes:
        total: one total a sample.
        components: for each component that is switched on, one score a sample (None: does not apply).
    """

    total: tuple[float, ...]
    components: dict[str, tuple[float | None, ...]]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a breakdown.

    Attributes:
        component: the component's name.
        score: its score; None if it does not apply.
        weight: its weight.
        contribution: what it adds to the total; the contributions of all rows sum to the total.
    """

    component: str
    score: float | None
    weight: float
    contribution: float


class Composer:
    """Scores samples with weighted components.

    Args:
        weights: component name to weight (0 or more); a component of weight 0 is not computed.
        components: further components by name, before the registered ones.

    Raises:
        UsageError: no component has a name, or a weight is negative or not finite.
    """

    def __init__(self, weights: Mapping[str, float], components: Mapping[str, RewardComponent] | None = None) -> None:
        self._given = dict(components or {})
        self._weights: dict[str, float] = {}
        self._components: dict[str, RewardComponent] = {}
        self.update_weights(weights)

    @property
    def weights(self) -> dict[str, float]:
        """The weight of every component, those of weight 0 included."""
        return dict(self._weights)

    def update_weights(self, weights: Mapping[str, float]) -> None:
        """Sets the weights of the named components; the others keep theirs.

        Raises:
            UsageError: as in the constructor; then no weight has changed.
        """
        built = {name: self._component(name, weight) for name, weight in weights.items()}
        self._components.update(built)
        self._weights.update(weights)

    def score(self, batch: Sequence[Sample]) -> CompositeReward:
        """The reward of each sample; it depends on that sample alone.

        Raises:
            EcrError: a component gave a wrong number of scores, or one that is no number in its range.
        """
        scores = {name: self._scores(name, batch) for name, weight in self._weights.items() if weight > 0}
        total = tuple(
            sum(row.contribution for row in self._rows({name: column[i] for name, column in scores.items()}))
            for i in range(len(batch))
        )
        return CompositeReward(total, scores)

    def breakdown(self, sample: Sample) -> list[Row]:
        """What each component that is switched on adds to the total of `sample`, in the order of the weights."""
        scores = self.score([sample]).components
        return self._rows({name: column[0] for name, column in scores.items()})

    def _component(self, name: str, weight: float) -> RewardComponent:
        if not (math.isfinite(weight) and weight >= 0):
            raise UsageError(
                f"the weight of reward component '{name}' is {weight}", fix="give a number that is 0 or more"
            )
        known = self._components.get(name) or self._given.get(name)
        return known or COMPONENTS.build(name)

    def _is_penalty(self, name: str) -> bool:
        return self._components[name].high <= 0

    def _rows(self, scores: Mapping[str, float | None]) -> list[Row]:
        """The formula of this module, for one sample."""
        applicable = [name for name, score in scores.items() if score is not None]
        mass = sum(self._weights[name] for name in applicable if not self._is_penalty(name))
        rows = []
        for name, score in scores.items():
            weight = self._weights[name]
            share = PENALTY_SCALE * weight if self._is_penalty(name) else weight / (mass or 1.0)
            rows.append(Row(name, score, weight, 0.0 if score is None else share * score))
        return rows

    def _scores(self, name: str, batch: Sequence[Sample]) -> tuple[float | None, ...]:
        component = self._components[name]
        scores = tuple(component.score(batch))
        if len(scores) != len(batch):
            first = batch[0].example.example_id if batch else "none"
            raise EcrError(
                f"reward component '{name}' gave {len(scores)} scores for {len(batch)} samples",
                at=f"batch that begins with example {first}",
                fix="return one score, or None, for each sample",
            )
        for sample, score in zip(batch, scores, strict=True):
            if score is not None:
                _check(component, name, score, sample)
        return scores


def _check(component: RewardComponent, name: str, score: float, sample: Sample) -> None:
    """Refuses what is no number in the component's range; the negated comparison catches NaN too."""
    if not isinstance(score, (int, float)) or not component.low <= score <= component.high:
        raise EcrError(
            f"reward component '{name}' gave {score!r}, outside [{component.low:g}, {component.high:g}]",
            at=f"example {sample.example.example_id}",
            fix=f"mend the component, or switch it off with --set rewards.{name}=0",
        )
