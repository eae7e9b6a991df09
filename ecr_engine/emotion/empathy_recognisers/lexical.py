"""The rules on words as a recogniser: needs no model and no download (`ecr_engine.emotion.mechanisms`)."""

from __future__ import annotations

from collections.abc import Sequence

from ecr_engine.emotion.empathy import EmpathyLevels, EmpathyRecogniser
from ecr_engine.emotion.mechanisms import mechanisms
from ecr_engine.emotion.recogniser import recognise


class LexicalEmpathy:
    """The recogniser by rules on words; what the seeker feels is read from their text by the lexicon."""

    name = "lexical"
    explanation = "rules on phrases for the three mechanisms; no model"

    def levels(self, pairs: Sequence[tuple[str, str]]) -> list[EmpathyLevels]:
        """The grades of each pair of a seeker's text and a response to it."""
        return [_levels(seeker, response) for seeker, response in pairs]


def _levels(seeker: str, response: str) -> EmpathyLevels:
    found = mechanisms(response, seeker, [emotion for emotion, _ in recognise(seeker)])
    return EmpathyLevels(found.reaction, found.interpretation, found.exploration)


def build() -> EmpathyRecogniser:
    """The recogniser."""
    return LexicalEmpathy()
