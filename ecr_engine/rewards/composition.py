"""The composite reward of a response, put together from its components.

With weights w and scores s, over the components that apply to the sample:

    total = sum of w·s over the positive components / sum of their w  +  PENALTY_SCALE · sum of w·s over the penalties

So the positive part is a weighted mean in [0, 1] that does not depend on how many components there are, and a full
penalty of -1 at weight 1 always takes 0.5. A component that gives None for a sample drops out of both sums of that
sample; where no positive component applies the positive part is 0. A gated component (`GATES`) counts with its score
times its gate's, where the gate is switched on and applies.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from ecr_engine.data.schema import Sample
from ecr_engine.errors import EcrError, UsageError
from ecr_engine.rewards.component import RewardComponent
from ecr_engine.rewards.custom import build_component, check_range, is_number, shown
from ecr_engine.rewards.foreign import Raised, attempt
from ecr_engine.rewards.resources import Resources

PENALTY_SCALE = 0.5
"""What a full penalty of weight 1 takes from the total."""

GATES = {"empathy": "relevance", "distinct": "relevance"}
"""Component to the one that gates it. Kindness and variety count as far as what is said belongs to this dialogue:
otherwise one warm, varied sentence for everybody would earn more than most human replies do."""


@dataclass(frozen=True, slots=True)
class CompositeReward:
    """The reward of a batch.

    Attributes:
        total: one total a sample.
        components: for each component that is switched on, one score a sample (None: does not apply).
        contributions: what each of them adds to each total; for every sample they sum to it.
    """

    total: tuple[float, ...]
    components: dict[str, tuple[float | None, ...]]
    contributions: dict[str, tuple[float, ...]]


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
        weights: component name to weight (0 or more); a component of weight 0 is not computed. A name is a registered
            one, that of a plug-in, or an import path such as `mypackage.rewards:Politeness`.
        components: further components by name, before all others.
        resources: what components are built from; the defaults if None.

    Raises:
        UsageError: no component has a name, a weight is negative or no finite number, or a component's range is neither
            within [0, 1] nor one from -1 or more to 0.
        EcrError: a component can't be built.
    """

    def __init__(
        self,
        weights: Mapping[str, float],
        components: Mapping[str, RewardComponent] | None = None,
        resources: Resources | None = None,
    ) -> None:
        self._given = dict(components or {})
        self._resources = Resources() if resources is None else resources
        self._weights: dict[str, float] = {}
        self._components: dict[str, RewardComponent] = {}
        self.update_weights(weights)

    @property
    def weights(self) -> dict[str, float]:
        """The weight of every component, those of weight 0 included."""
        return dict(self._weights)

    @property
    def components(self) -> dict[str, RewardComponent]:
        """The components that are switched on, by the names that have weights, in the order of the weights."""
        return {name: self._components[name] for name, weight in self._weights.items() if weight > 0}

    def update_weights(self, weights: Mapping[str, float]) -> None:
        """Sets the weights of the named components; the others keep theirs.

        A component is built when its weight is first above 0, so that one that is switched off needs nothing.

        Raises:
            UsageError: as in the constructor; then no weight has changed.
            EcrError: likewise.
        """
        for name, weight in weights.items():
            _check_weight(name, weight)
        built = {name: self._component(name) for name, weight in weights.items() if weight > 0}
        self._components.update(built)
        self._weights.update(weights)

    def score(self, batch: Sequence[Sample]) -> CompositeReward:
        """The reward of each sample; it depends on that sample alone.

        Raises:
            EcrError: a component raised, gave a wrong number of scores, or one that is no number in its range.
        """
        return self._composed({name: self._scores(name, batch) for name in self.components}, len(batch))

    def compose(self, scores: Mapping[str, Sequence[float | None]]) -> CompositeReward:
        """The rewards that scores lead to under the present weights.

        Args:
            scores: one column for each component that is switched on, all of one length.
        """
        columns = {name: tuple(scores[name]) for name in self.components}
        return self._composed(columns, min(map(len, columns.values()), default=0))

    def breakdown(self, sample: Sample) -> list[Row]:
        """What each component that is switched on adds to the total of `sample`, in the order of the weights."""
        reward = self.score([sample])
        return [
            Row(name, scores[0], self._weights[name], reward.contributions[name][0])
            for name, scores in reward.components.items()
        ]

    def _component(self, name: str) -> RewardComponent:
        if name in self._components:
            return self._components[name]
        if name not in self._given:
            return build_component(name, self._resources)
        check_range(name, self._given[name].low, self._given[name].high)
        return self._given[name]

    def _composed(self, columns: dict[str, tuple[float | None, ...]], size: int) -> CompositeReward:
        shares = [self._shares({name: column[row] for name, column in columns.items()}) for row in range(size)]
        return CompositeReward(
            total=tuple(math.fsum(share.values()) for share in shares),
            components=columns,
            contributions={name: tuple(share[name] for share in shares) for name in columns},
        )

    def _shares(self, scores: Mapping[str, float | None]) -> dict[str, float]:
        """The formula of this module, for one sample: what each component adds."""
        penalties = {name for name in scores if self._components[name].high <= 0}
        mass = sum(self._weights[name] for name, score in scores.items() if score is not None and name not in penalties)
        factor = {name: PENALTY_SCALE if name in penalties else 1 / (mass or 1.0) for name in scores}
        return {
            name: self._weights[name] * factor[name] * (score or 0.0) * _gate(name, scores)
            for name, score in scores.items()
        }

    def _scores(self, name: str, batch: Sequence[Sample]) -> tuple[float | None, ...]:
        component = self._components[name]
        found = _called(component, name, batch)
        if len(found) != len(batch):
            many = str(len(found)) if len(found) < len(batch) else f"more than {len(batch)}"
            raise EcrError(
                f"reward component '{name}' gave {many} scores for {len(batch)} samples",
                at=_place(batch),
                fix="return one score, or None, for each sample",
            )
        return tuple(_checked(component, name, score, sample) for sample, score in zip(batch, found, strict=True))


def _gate(name: str, scores: Mapping[str, float | None]) -> float:
    """What a component's score is multiplied by: its gate's score, or 1 without one."""
    gate = scores.get(GATES.get(name, ""))
    return 1.0 if gate is None else gate


def _check_weight(name: str, weight: float) -> None:
    if not (is_number(weight) and math.isfinite(weight) and weight >= 0):
        what = f"the weight of reward component '{name}' is {_shown(weight)}"
        raise UsageError(what, at=f"rewards.{name}", fix="give a number that is 0 or more")


def _called(component: RewardComponent, name: str, batch: Sequence[Sample]) -> Sequence[object]:
    """What a component gives for a batch, as it gives it."""
    outcome = attempt(lambda: _listed(component.score(batch), len(batch)))
    if isinstance(outcome, Raised):
        raise EcrError(
            f"reward component '{name}' raised {outcome.in_one_line()}", at=_culprit(component, batch), fix=_mend(name)
        ) from outcome.error
    if outcome.value is None:
        raise EcrError(
            f"reward component '{name}' did not give a list of scores",
            at=_place(batch),
            fix="return one score, or None, for each sample",
        )
    return outcome.value


def _listed(found: object, wanted: int) -> list[object] | None:
    """The scores one by one, which may be computed only now; None if there are none to go through.

    Of too many, which may have no end, it is one too many.
    """
    if not isinstance(found, Iterable) or isinstance(found, (str, bytes, Mapping)):
        return None
    return list(islice(found, wanted + 1))


def _culprit(component: RewardComponent, batch: Sequence[Sample]) -> str:
    """The first sample on which a component raises by itself; the batch if it raises on none."""
    for sample in batch:
        if isinstance(attempt(lambda one=sample: _listed(component.score([one]), 1)), Raised):  # type: ignore[misc]
            return f"example {sample.example.example_id}"
    return _place(batch)


def _place(batch: Sequence[Sample]) -> str:
    return f"batch that begins with example {batch[0].example.example_id if batch else 'none'}"


def _mend(name: str) -> str:
    return f"mend the component, or switch it off with --set rewards.{name}=0"


def _checked(component: RewardComponent, name: str, score: object, sample: Sample) -> float | None:
    """The score, if it is None or a number in the component's range; the negated comparison catches NaN too."""
    if score is None:
        return None
    place = f"example {sample.example.example_id}"
    if not is_number(score):
        raise EcrError(
            f"reward component '{name}' gave {_typed(score)}",
            at=place,
            fix="return a number, such as float(score), or None",
        )
    value = float(score)  # type: ignore[arg-type]
    if not component.low <= value <= component.high:
        what = f"reward component '{name}' gave {value!r}, outside [{component.low:g}, {component.high:g}]"
        raise EcrError(what, at=place, fix=_mend(name))
    return value


def _typed(value: object) -> str:
    """A value with its type; the type alone where it can't be shown."""
    text, kind = _shown(value), f"of type {type(value).__name__}"
    return f"a value {kind}" if text == kind else f"{text}, {kind}"


def _shown(value: object) -> str:
    return " ".join(shown(value).split())
