"""`empathy`: whether the response meets what the seeker feels.

The three mechanisms of `ecr_engine.emotion.mechanisms`, weighted by what the seeker's emotions call for, capped, and
scaled down for what is not coherent, far too long, or copied from the dialogue. A trained recogniser grades the
mechanisms in the place of the rules, if there is one; all that guards the score against tricks stays with the rules.
"""

from __future__ import annotations

from collections.abc import Sequence

from ecr_engine.data.schema import Example, Role, Sample
from ecr_engine.emotion.empathy import EmpathyLevels, EmpathyRecogniser
from ecr_engine.emotion.grounding import copied_share
from ecr_engine.emotion.mechanisms import Mechanisms, mechanisms_of
from ecr_engine.emotion.recogniser import emotions_of
from ecr_engine.emotion.sentences import Sentence, coherence, sentences
from ecr_engine.rewards.component import RewardComponent
from ecr_engine.rewards.resources import LEXICAL, Resources

PLAIN = 0.15
"""Score of a coherent reply without any empathy."""

ENOUGH = 0.6
"""Weighted level from which more empathy adds nothing: too much of it offends (ECR paper, kappa of intensity)."""

UNGROUNDED = 0.1
"""The most that the level can be for a reply that could be said to anyone; not for answers to thanks or to sorrow."""

LEVEL_WORTH = (0.0, 0.4, 1.0)
"""What levels 0, 1 and 2 of a mechanism are worth."""

MISMATCH = 0.3
"""Taken off for a feeling that does not fit."""

MANY_FEELINGS = 3
"""So many different cues of feeling are fine; each further one takes off `EXCESS`."""

EXCESS = 0.1

LONG_WORDS = 60
"""A response longer than this loses in proportion: half the score at twice the length."""

_SPECIFIC = frozenset({"grateful", "negative"})
_DISTRESS = (0.5, 0.3, 0.2)
_JOY = (0.35, 0.35, 0.3)
_THANKS = (0.7, 0.15, 0.15)
_OPEN = (0.25, 0.35, 0.4)

CALLED_FOR: dict[str, tuple[float, float, float]] = {
    "like": _JOY,
    "curious": _OPEN,
    "happy": _JOY,
    "grateful": _THANKS,
    "negative": _DISTRESS,
    "neutral": _OPEN,
    "nostalgia": _JOY,
    "agreement": _JOY,
    "surprise": _JOY,
}
"""How much each emotion calls for reaction, interpretation and exploration; each row sums to 1."""


class Empathy:
    """Empathy mechanisms that fit the seeker's emotion.

    Args:
        trained: grades the mechanisms; None for the rules, which also know annotated emotions and earlier turns.
    """

    name = "empathy"
    low = 0.0
    high = 1.0
    explanation = (
        "reacts to the seeker's emotion, says back what they mean, asks about their taste (EPITOME mechanisms)"
    )

    def __init__(self, trained: EmpathyRecogniser | None = None) -> None:
        self._trained = trained

    def score(self, batch: Sequence[Sample]) -> list[float | None]:
        """Empathy of each response towards the seeker's last turn."""
        if self._trained is None:
            return [_score(sample, None) for sample in batch]
        graded = self._trained.levels([(_last_words(sample.example), sample.response) for sample in batch])
        return [_score(sample, levels) for sample, levels in zip(batch, graded, strict=True)]

    def explain(self, sample: Sample) -> str:
        """The levels and the words behind them, and what takes the score down."""
        parts = sentences(sample.response)
        if not coherence(parts):
            return "nothing like a sentence"
        turns = [sentences(turn.slots) for turn in sample.example.context]
        emotions = emotions_of(sample.example)
        found = _mechanisms(parts, sample.example, turns, emotions)
        told = list(found.reasons)
        if self._trained is not None:
            [graded] = self._trained.levels([(_last_words(sample.example), sample.response)])
            told = [f"{name} {level}" for name, level in graded._asdict().items()]
        return "; ".join([*(told or ["none of the mechanisms"]), *_faults(parts, turns, found, emotions)])


def weighted_level(levels: EmpathyLevels, emotions: Sequence[str]) -> float:
    """The worth of the mechanisms' levels, weighted as the emotions call for them, in [0, 1].

    Args:
        levels: the grades of a response.
        emotions: labels of the seeker, at least one.
    """
    worth = [LEVEL_WORTH[level] for level in levels]
    return sum(w * x for e in emotions for w, x in zip(CALLED_FOR[e], worth, strict=True)) / len(emotions)


def _score(sample: Sample, graded: EmpathyLevels | None) -> float:
    """The score of a response.

    Args:
        sample: the response and what it answers.
        graded: its levels by a trained recogniser; those of the rules if None.
    """
    parts = sentences(sample.response)
    sense = coherence(parts)
    if not sense:
        return 0.0
    emotions = emotions_of(sample.example)
    turns = [sentences(turn.slots) for turn in sample.example.context]
    found = _mechanisms(parts, sample.example, turns, emotions)
    rules = EmpathyLevels(found.reaction, found.interpretation, found.exploration)
    levels = rules if graded is None else graded
    level = min(1.0, weighted_level(levels, emotions) / ENOUGH)
    if not found.grounded and _SPECIFIC.isdisjoint(emotions):
        level = min(level, UNGROUNDED)
    excess = EXCESS * max(0, found.feelings - MANY_FEELINGS)
    kind = PLAIN + (1 - PLAIN) * level - (MISMATCH if found.mismatch else 0.0) - excess
    own = 1.0 - copied_share(parts, turns)
    return max(0.0, kind) * sense * own * _brevity(parts)


def _faults(
    parts: Sequence[Sentence], turns: Sequence[Sequence[Sentence]], found: Mechanisms, emotions: Sequence[str]
) -> list[str]:
    """What takes the score of a response down, in words."""
    copied, sense = copied_share(parts, turns), coherence(parts)
    said = sum(len(part.words) for part in parts)
    return [
        *(["could be said to anyone"] if not found.grounded and _SPECIFIC.isdisjoint(emotions) else []),
        *([f"{found.feelings} cues of feeling"] if found.feelings > MANY_FEELINGS else []),
        *([f"{copied:.0%} copied"] if copied else []),
        *([f"only {sense:.0%} in sentences"] if sense < 1 else []),
        *([f"{said} words"] if said > LONG_WORDS else []),
    ]


def _last_words(example: Example) -> str:
    """What the seeker said last; empty if they have not spoken."""
    return next((turn.slots for turn in reversed(example.context) if turn.role is Role.SEEKER), "")


def _mechanisms(
    parts: Sequence[Sentence], example: Example, turns: Sequence[Sequence[Sentence]], emotions: Sequence[str]
) -> Mechanisms:
    theirs = [cut for turn, cut in zip(example.context, turns, strict=True) if turn.role is Role.SEEKER]
    earlier = [part for cut in theirs[:-1] for part in cut]
    return mechanisms_of(parts, theirs[-1] if theirs else [], emotions, earlier)


def _brevity(parts: Sequence[Sentence]) -> float:
    return min(1.0, LONG_WORDS / sum(len(part.words) for part in parts))


def build(resources: Resources) -> RewardComponent:
    """The component."""
    return Empathy(None if resources.empathy.name == LEXICAL else resources.empathy)
