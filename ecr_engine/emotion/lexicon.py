"""The word lists behind emotion and empathy recognition, read from the JSON files beside this module."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from ecr_engine.emotion.phrases import PhraseTable, plain


def read_list(name: str) -> dict[str, Any]:
    """The JSON object in the file `name` of this package."""
    text = resources.files("ecr_engine.emotion").joinpath(name).read_text(encoding="utf-8")
    content: dict[str, Any] = json.loads(text)
    return content


@dataclass(frozen=True, slots=True)
class Sense:
    """What a phrase of the emotion lexicon says.

    Attributes:
        emotion: one of `EMOTIONS`.
        weight: how surely the phrase shows it, in (0, 1].
        phrase: the phrase itself.
    """

    emotion: str
    weight: float
    phrase: str


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The emotion lexicon.

    Attributes:
        phrases: phrases and what they say; they hold no modifiers.
        modifiers: words that strengthen (above 1) or weaken (below 1) what follows.
        negators: words that turn round what follows.
        breaks: words that end a negation.
        subjects: words that begin a new clause, and so end a negation too.
        opinions: words after which a new clause still belongs to the negation ("I don't think it's good").
    """

    phrases: PhraseTable[Sense]
    modifiers: dict[str, float]
    negators: frozenset[str]
    breaks: frozenset[str]
    subjects: frozenset[str]
    opinions: frozenset[str]


def _senses(emotions: dict[str, dict[str, list[str]]]) -> Iterator[tuple[str, Sense]]:
    for emotion, by_weight in emotions.items():
        for weight, phrases in by_weight.items():
            for phrase in phrases:
                yield phrase, Sense(emotion, float(weight), phrase)


@cache
def emotion_lexicon() -> Lexicon:
    """The emotion lexicon, read once."""
    raw = read_list("lexicon.json")
    return Lexicon(
        phrases=PhraseTable(_senses(raw["emotions"])),
        modifiers=raw["modifiers"],
        negators=frozenset(map(plain, raw["negators"])),
        breaks=frozenset(raw["breaks"]),
        subjects=frozenset(map(plain, raw["subjects"])),
        opinions=frozenset(raw["opinions"]),
    )
