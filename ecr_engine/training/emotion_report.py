"""How well emotions are recognised: F1 by label, thresholds that make it best, and what is taken for what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Shown = Sequence[str]
"""The emotions of one text, the likelier first."""

THRESHOLDS = tuple(round(0.02 + 0.01 * step, 2) for step in range(93))
"""What is tried: 0.02, 0.03, … 0.94."""

UNTUNED = 0.5
"""Threshold of a label that no text shows, so that nothing can be tuned."""


@dataclass(frozen=True, slots=True)
class LabelScore:
    """How well one label is recognised; each in [0, 1], 0 where nothing can be divided by.

    Attributes:
        precision: share of those found that are right.
        recall: share of those to be found that are.
        f1: their harmonic mean.
        support: texts that show it.
    """

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class Scores:
    """How well one recogniser does on some texts.

    Attributes:
        recogniser: its name.
        labels: by label, those that the texts can show.
        macro: means of precision, recall and F1 over the labels that a text shows; support is the sum.
        micro: all labels thrown together.
    """

    recogniser: str
    labels: dict[str, LabelScore]
    macro: LabelScore
    micro: LabelScore


@dataclass(frozen=True, slots=True)
class Confusion:
    """What is taken for what, among the texts that show one label.

    Attributes:
        labels: of the rows and of the columns.
        counts: texts by true label and by the label recognised first.
    """

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class EmotionReport:
    """A trained recogniser on the test split, beside what it has to beat.

    Attributes:
        texts: texts of the split.
        trained: the trained recogniser.
        lexical: the default, by word lists.
        majority: always the most frequent label of the training split.
        not_covered: emotions that the source has no example of; nothing is averaged over them.
        confusion: of the trained recogniser.
    """

    texts: int
    trained: Scores
    lexical: Scores
    majority: Scores
    not_covered: tuple[str, ...]
    confusion: Confusion


def scores(recogniser: str, truth: Sequence[Shown], found: Sequence[Shown], labels: Sequence[str]) -> Scores:
    """Precision, recall and F1 of what was found.

    Args:
        recogniser: name of what found it.
        truth: what each text shows.
        found: what was recognised in each text; labels beside `labels` are passed over.
        labels: the labels that the texts can show.
    """
    hits, said, there = Counter[str](), Counter[str](), Counter[str]()
    for true, shown in zip(truth, found, strict=True):
        hits.update(set(true) & set(shown))
        said.update(set(shown))
        there.update(set(true))
    each = {label: _score(hits[label], said[label], there[label]) for label in labels}
    supported = [score for score in each.values() if score.support]
    total = sum(score.support for score in supported)
    macro = LabelScore(
        precision=_mean([score.precision for score in supported]),
        recall=_mean([score.recall for score in supported]),
        f1=_mean([score.f1 for score in supported]),
        support=total,
    )
    micro = _score(sum(hits[label] for label in labels), sum(said[label] for label in labels), total)
    return Scores(recogniser, each, macro, micro)


def confusion(truth: Sequence[Shown], found: Sequence[Shown], labels: Sequence[str]) -> Confusion:
    """What the texts with one label were taken for.

    Args:
        truth: what each text shows.
        found: what was recognised in each text, the likelier first, at least one.
        labels: of the rows and columns; every label of `truth` and `found` is one of them.
    """
    pairs = Counter((true[0], shown[0]) for true, shown in zip(truth, found, strict=True) if len(true) == 1)
    return Confusion(tuple(labels), tuple(tuple(pairs[true, shown] for shown in labels) for true in labels))


def best_thresholds(probabilities: NDArray[np.float32], truth: NDArray[np.bool_]) -> list[float]:
    """For each label the threshold of `THRESHOLDS` with the best F1, the lowest of equal ones.

    Args:
        probabilities: [N, labels] in [0, 1].
        truth: [N, labels].
    """
    f1 = np.stack([_f1_by_label(probabilities >= threshold, truth) for threshold in THRESHOLDS])
    best = f1.argmax(axis=0)
    return [THRESHOLDS[place] if truth[:, label].any() else UNTUNED for label, place in enumerate(best.tolist())]


def _f1_by_label(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> NDArray[np.float64]:
    there = found.sum(axis=0) + truth.sum(axis=0)
    quotient: NDArray[np.float64] = 2 * (found & truth).sum(axis=0) / np.maximum(there, 1)
    return quotient


def _score(hits: int, said: int, there: int) -> LabelScore:
    return LabelScore(
        precision=hits / said if said else 0.0,
        recall=hits / there if there else 0.0,
        f1=2 * hits / (said + there) if said + there else 0.0,
        support=there,
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
