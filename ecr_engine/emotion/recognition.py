"""What an emotion recogniser is, and how one is chosen: by its registered name, or by the folder of a trained one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from ecr_engine.data.schema import Emotions
from ecr_engine.emotion.finding import named_or_trained
from ecr_engine.registry import Registry


class EmotionRecogniser(Protocol):
    """Says which emotions utterances show.

    Attributes:
        name: the registered name (the file's name), or the folder of a trained one.
        explanation: how it does it.
        labels: the emotions that it can find, of `EMOTIONS`.
    """

    name: str
    explanation: str
    labels: tuple[str, ...]

    def recognise(self, texts: Sequence[str]) -> list[Emotions]:
        """The emotions of each text, at most two, the likelier first; movies stand in the texts as slots."""


_KIND = "emotion recogniser"

RECOGNISERS: Registry[EmotionRecogniser] = Registry("ecr_engine.emotion.recognisers", _KIND)


def find_recogniser(name: str, at: str = "--recogniser") -> EmotionRecogniser:
    """The recogniser of a name or a folder.

    Args:
        name: a registered name, or the folder that `ecrctl train emotion` wrote.
        at: the flag or setting that names it, for the error.

    Raises:
        UsageError: there is none of this name.
        DataError: the folder holds no trained recogniser.
    """
    return named_or_trained(name, at, kind=_KIND, registry=RECOGNISERS, trained=_trained)


def _trained(folder: Path) -> EmotionRecogniser:
    # It needs torch, which the lexical recogniser does without.
    from ecr_engine.emotion.trained import load_recogniser

    return load_recogniser(folder)
