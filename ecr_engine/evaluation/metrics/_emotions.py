"""The emotions of both sides of a turn, recognised once for all metrics of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ecr_engine.data.schema import Sample
from ecr_engine.emotion.recognition import EmotionRecogniser
from ecr_engine.evaluation.corpus import Corpus, corpus_of, heard
from ecr_engine.evaluation.metric import Family, MetricResult, Need

SOURCE = (
    "after Parmar & Mazumdar, WiNLP 2025 (Emotionally Aware or Tone-Deaf?), for utterances with up to two labels; "
    "labels by the recogniser `emotion.recogniser`"
)


class Felt(NamedTuple):
    """The emotions of one turn.

    Attributes:
        seeker: what the seeker's last turn shows: as annotated, or else recognised.
        response: what the response shows; nothing if it is empty.
    """

    seeker: frozenset[str]
    response: frozenset[str]


def felt(corpus: Corpus, recogniser: EmotionRecogniser) -> list[Felt | None]:
    """The emotions of each turn; None where the seeker did not speak last."""
    return corpus.once(f"emotions by {recogniser.name}", lambda: _felt(corpus, recogniser))


def _felt(corpus: Corpus, recogniser: EmotionRecogniser) -> list[Felt | None]:
    said = [heard(sample) for sample in corpus]
    open_texts = {
        text for text, sample in zip(said, corpus, strict=True) if text is not None and not sample.example.emotions
    }
    texts = sorted(open_texts | {sample.response for sample in corpus if sample.response.strip()})
    shown = {
        text: frozenset(label for label, _ in emotions)
        for text, emotions in zip(texts, recogniser.recognise(texts), strict=True)
    }
    return [
        None
        if text is None
        else Felt(frozenset(sample.example.emotions) or shown[text], shown.get(sample.response, frozenset()))
        for text, sample in zip(said, corpus, strict=True)
    ]


def label_f1(turns: Sequence[Felt], label: str) -> float | None:
    """F1 of the responses that show an emotion, against the seekers who do; None if neither side ever does."""
    shown = sum(label in turn.response for turn in turns)
    wanted = sum(label in turn.seeker for turn in turns)
    both = sum(label in turn.response and label in turn.seeker for turn in turns)
    return 2 * both / (shown + wanted) if shown + wanted else None


class EmotionF1:
    """F1 of one emotion.

    Args:
        recogniser: says what texts show.
        label: the emotion.
    """

    family = Family.EMPATHY
    low = 0.0
    high = 1.0
    higher_is_better: bool | None = True
    source = SOURCE
    agrees_with = ""
    needs = Need.NOTHING

    def __init__(self, recogniser: EmotionRecogniser, label: str) -> None:
        self._recogniser = recogniser
        self._label = label
        self.name = f"emotion_f1_{label}"
        self.key = f"emotion_f1/{label}"
        self.explanation = (
            f"F1 of the turns whose response shows '{label}', against the turns whose seeker does; no value if neither "
            "ever does."
        )

    def compute(self, samples: Sequence[Sample]) -> MetricResult:
        """The value over the corpus; NaN if neither side ever shows the emotion."""
        turns = [turn for turn in felt(corpus_of(samples), self._recogniser) if turn is not None]
        found = label_f1(turns, self._label)
        return MetricResult(float("nan") if found is None else found, ())
