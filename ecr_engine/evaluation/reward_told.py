"""What trained the policy and what was held out from it, in the words of a report and a model card."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ecr_engine.evaluation.evidence import Evidence
from ecr_engine.evaluation.marks import held_out
from ecr_engine.evaluation.table_rows import family
from ecr_engine.evaluation.values import COMPONENT_PREFIX, OBJECTIVE
from ecr_engine.rewards.sources import CRITIC, RewardSources
from ecr_engine.rl.estimator import ESTIMATORS

UNKNOWN = "not recorded in this run"


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of a list of facts.

    Attributes:
        name: what it is about.
        text: what is so.
    """

    name: str
    text: str


def reward_facts(evidence: Evidence) -> tuple[Fact, ...]:
    """What the reward weighs, who judges in it, where PPO's values come from, and which metrics it does not pay for."""
    return tuple(_facts(evidence))


def _facts(evidence: Evidence) -> Iterator[Fact]:
    yield Fact("Weights of the reward", _weights(evidence))
    yield Fact("Judges that trained the policy", _judges(evidence.sources))
    yield Fact("Text encoders in the reward", _encoders(evidence.sources))
    yield Fact("Values of PPO", _values(evidence))
    result = evidence.policy or evidence.baseline
    if result is None:
        return
    if result.judge:
        trained = evidence.sources is not None and evidence.sources.has_judge(str(result.judge.get("name", "")))
        side = "which trained the policy too: no evidence" if trained else "which the reward does not ask: held out"
        yield Fact("Judge of the metrics judge/…", f"{result.judge.get('name', UNKNOWN)}, {side}")
    outside = held_out(result.metrics)
    paid = [key for key in result.metrics if key not in outside and not _of_objective(key)]
    yield Fact("Held out from the reward", _families(outside))
    yield Fact("Paid for by the reward", _families(paid))


def _weights(evidence: Evidence) -> str:
    weights = evidence.config.get("rewards", {})
    return ", ".join(f"{name} {weight}" for name, weight in weights.items() if weight) or UNKNOWN


def _judges(sources: RewardSources | None) -> str:
    if sources is None:
        return UNKNOWN
    if not sources.judges:
        return "none"
    through = " (through a critic that learned their scores)" if CRITIC in sources.components else ""
    return f"{', '.join(sources.judges)}{through}; their scores are marked as paid for"


def _encoders(sources: RewardSources | None) -> str:
    return UNKNOWN if sources is None else ", ".join(sources.encoders) or "none"


def _values(evidence: Evidence) -> str:
    """Where the values of PPO come from: they steer the updates, and are no part of the reward."""
    ppo, judge = evidence.config.get("ppo", {}), evidence.config.get("judge", {})
    if not ppo:
        return UNKNOWN
    estimator = str(ppo.get("estimator", ""))
    if estimator in ESTIMATORS.names() and not ESTIMATORS.build(estimator).needs_values:
        return f"none: the estimator {estimator} needs no values"
    if ppo.get("value", "critic") != "critic":
        return "a head on the policy's trunk"
    taught = f", first taught with the scores of the judge {judge['name']}" if "name" in judge else ""
    return f"the critic{taught}; it estimates the reward and is no part of it"


def _of_objective(key: str) -> bool:
    return key == OBJECTIVE or key.startswith(COMPONENT_PREFIX)


def _families(keys: Sequence[str]) -> str:
    """Keys by family, with how many a family has where there are several; families in order."""
    counts: dict[str, list[str]] = {}
    for key in keys:
        counts.setdefault(family(key), []).append(key)
    return ", ".join(names[0] if len(names) == 1 else f"{name} ({len(names)})" for name, names in counts.items()) or (
        "none"
    )
