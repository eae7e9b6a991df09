"""What an empathy recogniser is: it grades EPITOME's three mechanisms in a response (Sharma et al., EMNLP 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from ecr_engine.emotion.finding import named_or_trained
from ecr_engine.registry import Registry

LEVELS = ("none", "weak", "strong")
"""The levels 0, 1 and 2 of a mechanism."""


class EmpathyLevels(NamedTuple):
    """The grades of one response, each 0, 1 or 2.

    Attributes:
        reaction: it shows warmth, compassion or concern.
        interpretation: it shows that the seeker was understood.
        exploration: it asks to understand more.
    """

    reaction: int
    interpretation: int
    exploration: int


class EmpathyRecogniser(Protocol):
    """Grades responses to what a seeker said.

    Attributes:
        name: the registered name (the file's name), or the folder of a trained one.
        explanation: how it does it.
    """

    name: str
    explanation: str

    def levels(self, pairs: Sequence[tuple[str, str]]) -> list[EmpathyLevels]:
        """The grades of each pair of a seeker's text and a response to it; movies stand as slots."""


_KIND = "empathy recogniser"

EMPATHY_RECOGNISERS: Registry[EmpathyRecogniser] = Registry("ecr_engine.emotion.empathy_recognisers", _KIND)


def find_empathy_recogniser(name: str, at: str) -> EmpathyRecogniser:
    """The recogniser of a name or a folder.

    Args:
        name: a registered name, or the folder that `ecrctl train empathy` wrote.
        at: the flag or setting that names it, for the error.

    Raises:
        UsageError: there is none of this name.
        DataError: the folder holds no trained recogniser.
    """
    return named_or_trained(name, at, kind=_KIND, registry=EMPATHY_RECOGNISERS, trained=_trained)


def _trained(folder: Path) -> EmpathyRecogniser:
    # It needs torch, which the lexical recogniser does without.
    from ecr_engine.emotion.trained_empathy import load_empathy_recogniser

    return load_empathy_recogniser(folder)
