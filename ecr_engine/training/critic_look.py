"""What a trained critic says of given responses, and how far its values range: whether they are reasonable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ecr_engine.data.prompts import transcript
from ecr_engine.data.schema import Sample
from ecr_engine.errors import DataError
from ecr_engine.models.critic import FACTS, CriticModel, CriticOrigin
from ecr_engine.models.critic_predictions import predict
from ecr_engine.runs.checkpoints import chosen, list_checkpoints
from ecr_engine.training.critic_labels import OVERALL

BEFORE = "before the response"
"""What the value of the context alone is called."""


@dataclass(frozen=True, slots=True)
class HeadRange:
    """What one head says over all responses.

    Attributes:
        head: `overall`, `before the response`, a dimension or an emotion.
        kind: "value", "quality" or "emotion".
        low: the least that the judge could say; 0 for an emotion's chance.
        high: the greatest.
        least: the least that the head says.
        mean: the mean.
        greatest: the greatest.
        outside: responses for which it says less than `low` or more than `high`, as only a value head can.
    """

    head: str
    kind: str
    low: float
    high: float
    least: float
    mean: float
    greatest: float
    outside: int


@dataclass(frozen=True, slots=True)
class Said:
    """What the critic says of one response, in the judge's units.

    Attributes:
        example_id: the turn that was answered.
        response: the response.
        scores: by head.
    """

    example_id: str
    response: str
    scores: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class CriticLook:
    """What a critic says.

    Attributes:
        folder: the critic's.
        encoder: what it was made from; empty if not known.
        judges: whose scores it learned; none if not known.
        heads: the heads, value heads first.
        rows: the responses, in order.
    """

    folder: Path
    encoder: str
    judges: tuple[str, ...]
    heads: tuple[HeadRange, ...]
    rows: tuple[Said, ...]


def critic_folder(place: Path) -> Path:
    """The critic behind a path: the folder itself, or the best checkpoint of what `train critic` made.

    Raises:
        DataError: there is none.
    """
    if (place / FACTS).is_file():
        return place
    if list_checkpoints(place):
        return chosen(place)
    raise DataError(
        f"there is no critic in '{place}'",
        at=str(place / FACTS),
        fix="train one: ecrctl train critic --run RUN, or ecrctl train critic --scores FILE --data PROCESSED",
    )


def look_at(critic: CriticModel, folder: Path, samples: Sequence[Sample]) -> CriticLook:
    """Asks a critic about responses.

    Args:
        critic: the critic.
        folder: where it was read.
        samples: the responses, at least one.
    """
    said = predict(critic, [transcript(one.example.context) for one in samples], [one.response for one in samples])
    origin = critic.origin
    columns = {
        (OVERALL, "value"): _scaled(said.value, OVERALL, origin),
        (BEFORE, "value"): _scaled(said.before, OVERALL, origin),
        **{(name, "quality"): _scaled(scores, name, origin) for name, scores in said.quality.items()},
        **{(name, "emotion"): chances for name, chances in said.emotions.items()},
    }
    return CriticLook(
        folder=folder,
        encoder=origin.encoder,
        judges=origin.judges,
        heads=tuple(_range(name, kind, scores, origin) for (name, kind), scores in columns.items()),
        rows=tuple(
            Said(
                sample.example.example_id,
                sample.response,
                {name: scores[place] for (name, _), scores in columns.items()},
            )
            for place, sample in enumerate(samples)
        ),
    )


def _scaled(shares: Sequence[float], name: str, origin: CriticOrigin) -> tuple[float, ...]:
    """Shares of a dimension's range in the judge's units."""
    low, high = origin.range_of(name)
    return tuple(low + share * (high - low) for share in shares)


def _range(name: str, kind: str, scores: Sequence[float], origin: CriticOrigin) -> HeadRange:
    low, high = (0.0, 1.0) if kind == "emotion" else origin.range_of(OVERALL if name == BEFORE else name)
    outside = sum(not low <= score <= high for score in scores)
    return HeadRange(name, kind, low, high, min(scores), sum(scores) / len(scores), max(scores), outside)
