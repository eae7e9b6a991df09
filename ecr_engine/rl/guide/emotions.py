"""Names of emotions that people use, as the nine labels of this project.

The groups of everyday names follow the mapping of the ECR paper (arXiv 2409.10527), which sorted 93 free answers into
the nine, and go on in its spirit; GoEmotions' labels go where this project's own mapping has them. A name is looked up
in lower case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ecr_engine.data.schema import EMOTIONS, MOST_EMOTIONS
from ecr_engine.emotion.goemotions import MAPPING as GOEMOTIONS
from ecr_engine.errors import UsageError, suggestion
from ecr_engine.rl.guide.dialogue import check_list

NAMES: Mapping[str, tuple[str, ...]] = {
    "like": (
        *("satisfied", "satisfaction", "positive", "preference", "enjoyment", "great", "excited", "loving", "fondness"),
        *("enthusiasm", "enthusiastic"),
    ),
    "curious": (
        *("interest", "interested", "anticipation", "hope", "hopeful", "request", "confused", "uncertainty"),
        *("uncertain", "hesitation"),
    ),
    "happy": ("happiness", "funny", "joyful", "amused", "cheerful", "glad", "relieved", "proud"),
    "grateful": ("appreciation", "farewell", "thanks", "thankful"),
    "negative": (
        *("frustration", "frustrated", "disappointed", "boredom", "bored", "dislike", "disagreement", "sad", "unhappy"),
        *("upset", "depressed", "lonely", "angry", "mad", "annoyed", "hate", "disgusted", "doubt", "afraid", "scared"),
        *("nervous", "anxious", "anxiety", "worried", "stressed", "regret", "guilt", "shame"),
    ),
    "neutral": ("indifference", "indifferent", "polite", "calm"),
    "nostalgia": ("nostalgic",),
    "agreement": ("agree", "familiarity", "familiar"),
    "surprise": ("surprised", "impressed", "amazed", "shocked"),
}
"""Other names of each of the nine, beside GoEmotions' (`ecr_engine.emotion.goemotions.MAPPING`)."""

_LABELS = {
    **{label: label for label in EMOTIONS},
    **{name: label for label, names in NAMES.items() for name in names},
    **GOEMOTIONS,
}


def label_of(name: str, at: str = "") -> str:
    """The one of the nine that a name stands for.

    Args:
        name: one of the nine, or one of `NAMES`.
        at: where it was given, for the error.

    Raises:
        UsageError: the name is unknown; the message has the nearest one.
    """
    known = _LABELS.get(name.strip().lower())
    if known is None:
        raise UsageError(f"unknown emotion '{name}'", at=at, fix=_proposal(name))
    return known


def labels_of(names: Iterable[str], at: str = "") -> tuple[str, ...]:
    """The labels that names stand for, each once, in their order.

    Args:
        names: what one utterance shows.
        at: where they were given, for the error.

    Raises:
        UsageError: a name is unknown, or they are more than two emotions.
    """
    found = tuple(dict.fromkeys(label_of(name, at) for name in names))
    if len(found) > MOST_EMOTIONS:
        raise UsageError(
            f"{len(found)} emotions of one utterance: {', '.join(found)}",
            at=at,
            fix=f"name the {MOST_EMOTIONS} strongest",
        )
    return found


def label_table(names: Sequence[str], at: str) -> dict[str, str]:
    """Each name of a list with the label it stands for.

    Raises:
        UsageError: a name is unknown, or they are no list, or the list is empty.
    """
    check_list(at, names, "names")
    for place, name in enumerate(names):
        if not isinstance(name, str):
            raise UsageError(f"{at}[{place}] is of type {type(name).__name__}", at=f"{at}[{place}]", fix="give a name")
    if not len(names):
        raise UsageError("the list of emotions is empty", at=at, fix=f"name some of: {', '.join(EMOTIONS)}")
    return {name: label_of(name, at) for name in names}


def _proposal(name: str) -> str:
    """The nearest name and what it stands for, or the nine where none is near."""
    near = suggestion(name, sorted(_LABELS))
    return near if near.startswith("did you mean") else f"choose from: {', '.join(EMOTIONS)}"
