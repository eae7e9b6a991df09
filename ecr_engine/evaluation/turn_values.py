"""What single turns of two evaluations came to: for distributions, and beside the dialogues that a report shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ecr_engine.data.words import words
from ecr_engine.evaluation.store import SAMPLES, ScoredSample, is_evaluation, read_evaluation
from ecr_engine.evaluation.values import COMPONENT_PREFIX, OBJECTIVE

FEELING = ("empathy", "emotion_alignment")
"""Metrics, judge's dimensions and components, by the start of their names, that say how a response meets a feeling."""

PREFIXES = ("", COMPONENT_PREFIX, "judge/")


@dataclass(frozen=True, slots=True)
class TurnDetails:
    """One turn, beside its texts.

    Attributes:
        emotions: what the seeker's last turn shows; empty if it was not annotated.
        a: what the first side's response came to in empathy and emotion, by metric key.
        b: the same of the second side.
    """

    emotions: tuple[str, ...]
    a: Mapping[str, float]
    b: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class TurnValues:
    """The turns that two evaluations share.

    Attributes:
        a: what the first side is called.
        b: what the second side is called.
        reward_a: composite reward of the first side, of the turns where both sides have one.
        reward_b: the same of the second side, in the same order.
        words_a: words of the first side's response to each turn.
        words_b: the same of the second side, in the same order.
        details: the turns by example.
    """

    a: str
    b: str
    reward_a: tuple[float, ...]
    reward_b: tuple[float, ...]
    words_a: tuple[int, ...]
    words_b: tuple[int, ...]
    details: Mapping[str, TurnDetails]


def read_turns(a: Path, b: Path) -> TurnValues | None:
    """The turns of the evaluations in two folders; None where one of them, or its turns, is not there.

    Raises:
        DataError: a file is damaged, or the files of an evaluation contradict each other.
    """
    if not all(is_evaluation(folder) and (folder / SAMPLES).is_file() for folder in (a, b)):
        return None
    result_a, rows_a = read_evaluation(a)
    result_b, rows_b = read_evaluation(b)
    others = {row.sample.example.example_id: row for row in rows_b}
    pairs = [(row, other) for row in rows_a if (other := others.get(row.sample.example.example_id)) is not None]
    rewards = _rewards(pairs)
    return TurnValues(
        a=result_a.name,
        b=result_b.name,
        reward_a=tuple(before for before, _ in rewards),
        reward_b=tuple(after for _, after in rewards),
        words_a=tuple(len(words(row.sample.response)) for row, _ in pairs),
        words_b=tuple(len(words(row.sample.response)) for _, row in pairs),
        details={row.sample.example.example_id: _details(row, other) for row, other in pairs},
    )


def _rewards(pairs: Sequence[tuple[ScoredSample, ScoredSample]]) -> list[tuple[float, float]]:
    """The reward of both sides where both have one."""
    both = ((a.metrics.get(OBJECTIVE), b.metrics.get(OBJECTIVE)) for a, b in pairs)
    return [(before, after) for before, after in both if before is not None and after is not None]


def _details(a: ScoredSample, b: ScoredSample) -> TurnDetails:
    return TurnDetails(a.sample.example.emotions, _feeling(a.metrics), _feeling(b.metrics))


def _feeling(metrics: Mapping[str, float | None]) -> dict[str, float]:
    """The values that say how a response meets a feeling."""
    starts = tuple(prefix + name for prefix in PREFIXES for name in FEELING)
    return {key: value for key, value in metrics.items() if value is not None and key.startswith(starts)}
