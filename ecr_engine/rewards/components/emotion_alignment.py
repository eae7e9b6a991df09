"""`emotion_alignment`: whether what the response shows answers what the seeker shows."""

from __future__ import annotations

from collections.abc import Sequence

from ecr_engine.data.schema import EMOTIONS, Emotions, Example, Role, Sample
from ecr_engine.data.words import is_word
from ecr_engine.emotion.empathy import EmpathyRecogniser
from ecr_engine.emotion.recognition import EmotionRecogniser
from ecr_engine.errors import DataError, suggestion
from ecr_engine.rewards.component import RewardComponent
from ecr_engine.rewards.cutting import cut
from ecr_engine.rewards.resources import Resources

NEGATIVE = "negative"

CARELESS = 0.2
"""What a negative response to a negative seeker is worth if it shows no care: complaint or hostility, not sympathy."""

_FIT = (
    # like, curious, happy, grateful, negative, neutral, nostalgia, agreement, surprise: what the response shows
    (1.0, 0.8, 0.9, 0.6, 0.1, 0.5, 0.7, 1.0, 0.7),  # like: share it, ask about it
    (0.9, 0.9, 0.7, 0.5, 0.2, 0.8, 0.6, 0.7, 0.6),  # curious: answer, warmly or plainly, or ask back
    (0.9, 0.7, 1.0, 0.7, 0.0, 0.4, 0.7, 0.9, 0.8),  # happy: be glad with them
    (0.7, 0.4, 0.9, 1.0, 0.0, 0.4, 0.4, 0.7, 0.3),  # grateful: thanks and wishes
    (0.4, 0.7, 0.1, 0.3, 1.0, 0.4, 0.4, 0.7, 0.3),  # negative: sympathy (see `CARELESS`), a question; no joy
    (0.8, 0.9, 0.7, 0.6, 0.2, 0.8, 0.6, 0.7, 0.5),  # neutral: interest
    (0.8, 0.7, 0.7, 0.5, 0.1, 0.4, 1.0, 0.9, 0.6),  # nostalgia: remember with them
    (0.9, 0.8, 0.8, 0.6, 0.1, 0.6, 0.6, 1.0, 0.5),  # agreement: go on together
    (0.7, 0.7, 0.7, 0.5, 0.2, 0.5, 0.5, 0.8, 1.0),  # surprise: confirm it, share it
)

FIT: dict[str, dict[str, float]] = {
    seeker: dict(zip(EMOTIONS, row, strict=True)) for seeker, row in zip(EMOTIONS, _FIT, strict=True)
}
"""How well a response that shows the second emotion answers a seeker who shows the first, in [0, 1].

Our own reading of which replies people take well: positive emotions are met in kind, a question suits nearly all, and
distress is met with sympathy, never with joy (after what Sharma et al., EMNLP 2020, say of emotional reactions).
"""


class EmotionAlignment:
    """Fit of the response's emotions to the seeker's, each weighted by its probability.

    Args:
        emotion: says what the response shows, and the seeker where that is not annotated.
        empathy: says whether a negative response shows care.
    """

    name = "emotion_alignment"
    low = 0.0
    high = 1.0
    explanation = "whether the emotions that the response shows answer those of the seeker"

    def __init__(self, emotion: EmotionRecogniser, empathy: EmpathyRecogniser) -> None:
        self._emotion = emotion
        self._empathy = empathy

    def score(self, batch: Sequence[Sample]) -> list[float | None]:
        """Fit of each response; None where the context does not end with the seeker, 0 for a response without words.

        Raises:
            DataError: an example is annotated with what is none of the nine emotions.
        """
        found: list[float | None] = [0.0 if _heard(one.example) else None for one in batch]
        rows = [row for row, one in enumerate(batch) if _heard(one.example) and any(map(is_word, cut(one.response)))]
        spoken = [batch[row] for row in rows]
        shown = self._emotion.recognise([one.response for one in spoken])
        felt = self._felt([one.example for one in spoken])
        careless = self._careless(spoken, felt, shown)
        for row, theirs, ours, cold in zip(rows, felt, shown, careless, strict=True):
            found[row] = fit(theirs, ours, careless=cold)
        return found

    def explain(self, sample: Sample) -> str:
        """What both sides show."""
        if not _heard(sample.example):
            return "the seeker has not spoken last"
        if not any(map(is_word, cut(sample.response))):
            return "the response has no words"
        [theirs], [ours] = self._felt([sample.example]), self._emotion.recognise([sample.response])
        [cold] = self._careless([sample], [theirs], [ours])
        shown = ", ".join(f"{label} {probability:.2f}" for label, probability in ours)
        return f"seeker {', '.join(theirs)}; response {shown}" + (", without care" if cold else "")

    def _felt(self, examples: Sequence[Example]) -> list[tuple[str, ...]]:
        """The emotions of each example's seeker: the annotated ones, or else recognised now, once a text."""
        texts = list(dict.fromkeys(one.context[-1].slots for one in examples if not one.emotions))
        known = dict(zip(texts, self._emotion.recognise(texts), strict=True))
        return [
            _annotated(one) if one.emotions else tuple(label for label, _ in known[one.context[-1].slots])
            for one in examples
        ]

    def _careless(
        self, batch: Sequence[Sample], felt: Sequence[Sequence[str]], shown: Sequence[Emotions]
    ) -> list[bool]:
        """Which responses are negative to a negative seeker, and show no care."""
        asked = [
            row
            for row, (theirs, ours) in enumerate(zip(felt, shown, strict=True))
            if NEGATIVE in theirs and NEGATIVE in dict(ours)
        ]
        pairs = [(batch[row].example.context[-1].slots, batch[row].response) for row in asked]
        cold = {row for row, levels in zip(asked, self._empathy.levels(pairs), strict=True) if not levels.reaction}
        return [row in cold for row in range(len(batch))]


def fit(seeker: Sequence[str], response: Emotions, *, careless: bool = False) -> float:
    """Mean of `FIT` over both sides' emotions, those of the response by probability, in [0, 1].

    Args:
        seeker: emotions of the seeker, at least one.
        response: emotions of the response, at least one.
        careless: whether it is negative without care, where the seeker is negative too.
    """
    weight = sum(probability for _, probability in response) * len(seeker)
    worth = sum(probability * _worth(theirs, ours, careless) for theirs in seeker for ours, probability in response)
    return min(1.0, worth / weight) if weight else 0.0


def _worth(theirs: str, ours: str, careless: bool) -> float:
    return CARELESS if careless and theirs == ours == NEGATIVE else FIT[theirs][ours]


def _heard(example: Example) -> bool:
    return bool(example.context) and example.context[-1].role is Role.SEEKER


def _annotated(example: Example) -> tuple[str, ...]:
    strange = [emotion for emotion in example.emotions if emotion not in FIT]
    if strange:
        raise DataError(
            f"unknown emotion '{strange[0]}' in example {example.example_id}",
            at=f"{example.source}:{example.line}",
            fix=suggestion(strange[0], EMOTIONS),
        )
    return example.emotions


def build(resources: Resources) -> RewardComponent:
    """The component with the recognisers of the settings."""
    return EmotionAlignment(resources.emotion, resources.empathy)
