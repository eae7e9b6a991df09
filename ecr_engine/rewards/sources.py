"""What a reward draws its judgement from, so that nobody takes for evidence what the policy was trained on.

A standing rule: a judge or a critic that trains the policy is written down beside the policy (`policy/reward.json`),
and what it says of that policy's responses is marked as in the reward wherever it is shown. A critic counts as the
judges whose scores it learned, and as its encoder; so a judge is in the reward too where only its critic is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecr_engine.errors import DataError
from ecr_engine.models.registry import read_json_object, source_of
from ecr_engine.rewards.resources import Resources
from ecr_engine.runs.atomic import write_json
from ecr_engine.scoring.judge import ENDPOINT

FILE = "reward.json"
"""The file in the folder of a trained policy."""

JUDGE, CRITIC, SIMILARITY = "judge", "critic", "similarity"


@dataclass(frozen=True, slots=True)
class RewardSources:
    """What a reward draws on.

    Attributes:
        components: its components, sorted.
        judges: the judges that it asks, or whose scores its critic learned, sorted.
        encoders: the text encoders that score in it, sorted.
    """

    components: tuple[str, ...] = ()
    judges: tuple[str, ...] = ()
    encoders: tuple[str, ...] = ()

    def __or__(self, other: RewardSources) -> RewardSources:
        """What either of two rewards draws on."""
        return RewardSources(
            _merged(self.components, other.components),
            _merged(self.judges, other.judges),
            _merged(self.encoders, other.encoders),
        )

    def has_judge(self, name: str) -> bool:
        """Whether the reward draws on the judge called `name`, under this name or another one of the same model."""
        return _model(name) in {_model(judge) for judge in self.judges}

    def has_encoder(self, name: str) -> bool:
        """Whether an encoder scores in the reward."""
        return _model(name) in {_model(encoder) for encoder in self.encoders}

    def to_json(self) -> dict[str, Any]:
        """What `sources_from_json` reads."""
        return {
            "components": list(self.components),
            "judges": list(self.judges),
            "encoders": list(self.encoders),
        }


def sources_from_json(raw: Mapping[str, Any]) -> RewardSources:
    """The sources that `RewardSources.to_json` wrote; an empty document has none.

    Raises:
        TypeError: a field is no list.
    """
    return RewardSources(*(tuple(map(str, raw.get(key, ()))) for key in ("components", "judges", "encoders")))


def sources_of(components: Iterable[str], resources: Resources) -> RewardSources:
    """What a reward of these components draws on.

    Args:
        components: names of the components that count.
        resources: what they are built from.

    Raises:
        DataError: the critic can't be read.
    """
    names = set(components)
    judges = {resources.judge} if JUDGE in names else set()
    encoders = {resources.encoder} if SIMILARITY in names else set()
    if CRITIC in names and resources.critic is not None:
        # Reading what a critic says of itself imports torch, which the reward of a critic needs anyway.
        from ecr_engine.models.critic import read_facts

        origin = read_facts(resources.critic).origin
        # A critic of an older kind does not say whose scores it learned: those of its run's judge.
        judges |= set(origin.judges or (resources.judge,))
        encoders |= {origin.encoder}
    return RewardSources(_merged(names), _merged(judges), _merged(encoders))


def write_sources(stage: Path, sources: RewardSources) -> None:
    """Marks a policy with what trains it.

    Args:
        stage: the policy's folder in its run; made if need be.
        sources: what its reward draws on.
    """
    stage.mkdir(parents=True, exist_ok=True)
    write_json(stage / FILE, sources.to_json())


def trained_with(checkpoint: Path) -> RewardSources:
    """What trained the model in a checkpoint; nothing where no reward did.

    Args:
        checkpoint: its folder, STAGE/checkpoints/step-000100.

    Raises:
        DataError: the mark can't be read.
    """
    path = checkpoint.resolve().parent.parent / FILE
    if not path.is_file():
        return RewardSources()
    try:
        return sources_from_json(read_json_object(path))
    except TypeError as error:
        raise DataError(
            f"what trained the policy can't be read: {error}", at=str(path), fix="restore the file, or train again"
        ) from error


def _merged(*names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({name for some in names for name in some if name}))


def _model(name: str) -> str:
    """One name for one model: an endpoint's is that of what it serves, a registered one's that of its source."""
    served = name.rpartition("#")[2] if name.startswith(ENDPOINT) else name
    return source_of(served)
