"""Why a response has the reward it has: a component's score with the reason behind it.

A component may tell its reasons by a method `explain`; none has to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ecr_engine.data.schema import Example, Role, Sample
from ecr_engine.emotion.recognition import EmotionRecogniser
from ecr_engine.errors import EcrError, UnavailableError
from ecr_engine.rewards.component import COMPONENTS, RewardComponent
from ecr_engine.rewards.composition import Composer
from ecr_engine.rewards.custom import build_component
from ecr_engine.rewards.foreign import Raised, attempt
from ecr_engine.rewards.resources import Resources


@runtime_checkable
class Explains(Protocol):
    """What a component can do beside scoring."""

    def explain(self, sample: Sample) -> str:
        """Why the sample has the score it has, in one line; empty if there is nothing to say."""


@dataclass(frozen=True, slots=True)
class Missing:
    """A component that can't be built.

    Attributes:
        component: its name.
        needs: what it lacks, as the error says it.
        fix: what would mend that.
    """

    component: str
    needs: str
    fix: str


@dataclass(frozen=True, slots=True)
class Reason:
    """One line of an explained breakdown.

    Attributes:
        component: the component's name.
        score: its score; None if it does not apply.
        low: the least score it can give.
        high: the greatest.
        weight: its weight.
        contribution: what it adds to the total.
        reason: why it is so; empty if the component does not tell.
    """

    component: str
    score: float | None
    low: float
    high: float
    weight: float
    contribution: float
    reason: str


def at_hand(
    names: Iterable[str], resources: Resources, sample: Sample | None = None
) -> tuple[dict[str, RewardComponent], list[Missing]]:
    """The components that can be built from what is there, and those that can't.

    Args:
        names: names of components.
        resources: what there is.
        sample: what they are going to score, for a component that asks for its model only then; None: nothing. A
            component from elsewhere that can't be built is an error if there is something to score.

    Raises:
        UsageError: there is no component of a name.
        EcrError: a component from elsewhere can't be built.
    """
    built: dict[str, RewardComponent] = {}
    missing: list[Missing] = []
    for name in names:
        try:
            built[name] = build_component(name, resources)
        except EcrError as error:
            if sample is not None and name not in COMPONENTS.names():
                raise
            missing.append(_missing(name, error))
    if sample is not None:
        for name in [one for one in built if one in COMPONENTS.names()]:
            try:
                built[name].score([sample])
            except UnavailableError as error:
                missing.append(_missing(name, error))
                del built[name]
    return built, missing


def _missing(name: str, error: EcrError) -> Missing:
    return Missing(name, error.problems[0].what, error.problems[0].fix)


def shown_by(example: Example, recogniser: EmotionRecogniser) -> tuple[str, ...]:
    """The emotions of the seeker's last turn: those of the example, or else recognised now.

    Args:
        example: the turn that is answered; `neutral` if its context does not end with the seeker.
        recogniser: of the resources.
    """
    if example.emotions:
        return example.emotions
    if not example.context or example.context[-1].role is not Role.SEEKER:
        return ("neutral",)
    [found] = recogniser.recognise([example.context[-1].slots])
    return tuple(label for label, _ in found)


def explained(components: Mapping[str, RewardComponent], weights: Mapping[str, float], sample: Sample) -> list[Reason]:
    """What each component adds to the reward of a sample, and why.

    Args:
        components: what to score with.
        weights: the weight of each; one without a weight is left out.
        sample: the response.

    Raises:
        EcrError: a component went wrong.
    """
    composer = Composer({name: weights.get(name, 0.0) for name in components}, components)
    rows = []
    for row in composer.breakdown(sample):
        component = components[row.component]
        why = _told(row.component, component, sample) if isinstance(component, Explains) else ""
        rows.append(Reason(row.component, row.score, component.low, component.high, row.weight, row.contribution, why))
    return rows


def _told(name: str, component: Explains, sample: Sample) -> str:
    """What a component says; one from elsewhere may say or raise anything."""
    outcome = attempt(lambda: _text(component.explain(sample)))
    place = f"example {sample.example.example_id}"
    if isinstance(outcome, Raised):
        what = f"reward component '{name}' raised {outcome.in_one_line()} when asked for its reason"
        raise EcrError(what, at=place, fix="mend its method explain") from outcome.error
    return outcome.value


def _text(told: object) -> str:
    """A reason as text; None is none."""
    return "" if told is None else str(told)
