"""The lexicon as a recogniser: needs no model and no download (`ecr_engine.emotion.recogniser`)."""

from __future__ import annotations

from collections.abc import Sequence

from ecr_engine.data.schema import EMOTIONS, Emotions
from ecr_engine.emotion.recogniser import recognise
from ecr_engine.emotion.recognition import EmotionRecogniser


class LexicalRecogniser:
    """The recogniser by a lexicon."""

    name = "lexical"
    explanation = "a lexicon of phrases, with negation and modifiers; no model"
    labels: tuple[str, ...] = EMOTIONS

    def recognise(self, texts: Sequence[str]) -> list[Emotions]:
        """The emotions of each text."""
        return [recognise(text) for text in texts]


def build() -> EmotionRecogniser:
    """The recogniser."""
    return LexicalRecogniser()
