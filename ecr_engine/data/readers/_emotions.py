"""Emotions that a source brings along, as ECR labels them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ecr_engine.data.reader import MalformedError
from ecr_engine.data.schema import EMOTIONS, MOST_EMOTIONS, Emotions

LIKELY = 0.1
"""An emotion of at most this probability is left out (ECR paper)."""


def likely(pairs: Iterable[tuple[str, Any]], what: str) -> Emotions:
    """The likeliest emotions; an utterance with none above `LIKELY` shows none.

    Args:
        pairs: labels and probabilities; of a label that is there twice the higher probability counts.
        what: who shows them, such as "message 3".

    Raises:
        MalformedError: a label is unknown, or a probability is none.
    """
    best: dict[str, float] = {}
    for label, probability in pairs:
        if label not in EMOTIONS:
            raise MalformedError(f"{what} has the emotion '{label}'; known are {', '.join(EMOTIONS)}")
        if isinstance(probability, bool) or not isinstance(probability, int | float) or not 0 <= probability <= 1:
            raise MalformedError(f"the probability of '{label}' in {what} is {probability!r}, not in 0 to 1")
        best[label] = max(float(probability), best.get(label, 0.0))
    shown = ((label, best[label]) for label in EMOTIONS if best.get(label, 0.0) > LIKELY)
    return tuple(sorted(shown, key=lambda pair: -pair[1])[:MOST_EMOTIONS])
