"""A trained emotion recogniser: a fine-tuned text encoder, with a threshold for each label."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecr_engine.data.schema import EMOTIONS, MOST_EMOTIONS, SLOT, Emotions
from ecr_engine.errors import DataError

if TYPE_CHECKING:
    from ecr_engine.models.classifier import TextClassifier

FACTS = "emotion.json"
"""The file that makes a folder a trained recogniser."""

NEUTRAL = "neutral"
_CERTAIN = 1.0
_RETRAIN = "make one: ecrctl train emotion --data FOLDER --output DIR"


@dataclass(frozen=True, slots=True)
class Decision:
    """From probabilities to emotions.

    Attributes:
        labels: the emotions in the order of the probabilities, `neutral` among them.
        thresholds: from which probability each is shown, by label.
    """

    labels: tuple[str, ...]
    thresholds: Mapping[str, float]

    def shown(self, probabilities: Sequence[float]) -> Emotions:
        """At most two emotions that reach their thresholds, the likelier first; `neutral` alone if none does.

        Args:
            probabilities: one for each label, in [0, 1].
        """
        found = dict(zip(self.labels, probabilities, strict=True))
        reached = [(label, chance) for label, chance in found.items() if chance >= self.thresholds[label]]
        ranked = sorted(reached, key=lambda pair: -pair[1])
        return tuple(ranked[:MOST_EMOTIONS]) or ((NEUTRAL, found[NEUTRAL]),)


class TrainedRecogniser:
    """The recogniser in a folder that `ecrctl train emotion` wrote.

    A movie's slot is read as what stood for names in the training texts. A text without a word is neutral.

    Args:
        name: the folder as it was named.
        classifier: gives the probability of each label.
        decision: which of them are shown.
        slot: what is read in the place of a slot.
        encoder: name of the encoder that it was made from.
    """

    def __init__(self, name: str, classifier: TextClassifier, decision: Decision, *, slot: str, encoder: str) -> None:
        self.name = name
        self.explanation = f"{encoder}, fine-tuned on labelled texts, with a threshold for each label"
        self.labels = decision.labels
        self._classifier = classifier
        self._decision = decision
        self._slot = slot

    def recognise(self, texts: Sequence[str]) -> list[Emotions]:
        """The emotions of each text, at most two, the likelier first."""
        read = [text.replace(SLOT, self._slot) for text in texts]
        found = self._classifier.probabilities(self._classifier.encode(read)).tolist()
        return [
            self._decision.shown(chances) if text.strip() else ((NEUTRAL, _CERTAIN),)
            for text, chances in zip(texts, found, strict=True)
        ]


def is_recogniser(folder: Path) -> bool:
    """Whether a folder holds a trained recogniser."""
    return (folder / FACTS).is_file()


def load_recogniser(folder: Path, *, device: str = "cpu") -> TrainedRecogniser:
    """The recogniser in a folder.

    Args:
        folder: what `ecrctl train emotion` wrote.
        device: where it runs.

    Raises:
        DataError: the folder holds none, or a broken one.
        UnavailableError: the encoder in it can't be loaded.
    """
    from ecr_engine.models.classifier import load_classifier

    path = folder / FACTS
    if not path.is_file():
        raise DataError("the folder holds no trained emotion recogniser", at=str(path), fix=_RETRAIN)
    decision, facts = _read(path)
    classifier = load_classifier(folder, len(decision.labels), max_length=facts["max_length"])
    classifier.to(device).eval()
    return TrainedRecogniser(str(folder), classifier, decision, slot=facts["slot"], encoder=facts["encoder"])


def _read(path: Path) -> tuple[Decision, dict[str, Any]]:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise DataError.at_line(f"{path.name} is not JSON: {error.msg}", path, error.lineno, _RETRAIN) from error
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path.name} can't be read: {error}", at=str(path), fix=_RETRAIN) from error
    match facts:
        case {
            "labels": [*labels],
            "thresholds": dict(thresholds),
            "max_length": int(),
            "slot": str(),
            "encoder": str(),
        } if (
            set(labels) == set(thresholds)
            and {NEUTRAL} <= set(labels) <= set(EMOTIONS)
            and all(isinstance(value, float) for value in thresholds.values())
        ):
            return Decision(tuple(labels), thresholds), facts
    raise DataError(
        f"{path.name} must hold labels, a threshold for each, max_length, slot and encoder", at=str(path), fix=_RETRAIN
    )
