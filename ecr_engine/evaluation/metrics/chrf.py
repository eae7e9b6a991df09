"""chrf: F-score of character n-grams, as sacreBLEU computes chrF."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ecr_engine.data.schema import Sample
from ecr_engine.evaluation.metric import Family, Metric, MetricResult, Need
from ecr_engine.rewards.resources import Resources

ORDER = 6
"""Longest character n-grams."""

BETA = 2
"""Recall counts so many times as much as precision."""

Keys = NDArray[np.uint64]


class ChrF:
    """chrF2 over the corpus.

    All n-grams of one order are counted at once: each stands for a 64-bit key of its characters and its turn, of which
    sorted lists of responses and references are matched. Two n-grams of ten million have the same key by chance in one
    of 10^5 corpora, and then the value moves by less than 1e-5.
    """

    name = "chrf"
    key = "chrf"
    family = Family.OVERLAP
    low = 0.0
    high = 100.0
    higher_is_better: bool | None = True
    explanation = (
        "F-score (recall counted twice) of the 1- to 6-grams of characters over the corpus, white space left out, on "
        "the raw texts of the turns that have a reference (nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no)."
    )
    source = "Popović 2015 (chrF), in the definition of sacreBLEU 2"
    agrees_with = "sacrebleu.corpus_chrf(responses, [references]) with its defaults"
    needs = Need.NOTHING

    def compute(self, samples: Sequence[Sample]) -> MetricResult:
        """The value over the corpus; NaN if no sample has a reference."""
        pairs = [(one.response, one.example.target) for one in samples if one.example.target.strip()]
        if not pairs:
            return MetricResult(math.nan, ())
        responses, references = (["".join(text.split()) for text in side] for side in zip(*pairs, strict=True))
        return MetricResult(_score([_statistics(responses, references, order) for order in range(1, ORDER + 1)]), ())


def _statistics(responses: Sequence[str], references: Sequence[str], order: int) -> tuple[int, int, int]:
    """How many n-grams responses and references have, and how many of them match turn by turn."""
    # Where a reference has no n-gram of this order, those of its response do not count: sacreBLEU's rule.
    said = _keys([one if len(human) >= order else "" for one, human in zip(responses, references, strict=True)], order)
    meant = _keys(references, order)
    return len(said), len(meant), _matches(said, meant)


def _keys(texts: Sequence[str], order: int) -> Keys:
    """One key for each n-gram of each text, sorted."""
    characters = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    if len(characters) < order:
        return np.empty(0, dtype=np.uint64)
    starts = len(characters) - order + 1
    keys = _mixed(np.repeat(np.arange(len(texts), dtype=np.uint64), lengths), 0)[:starts].copy()
    for place in range(order):
        keys += _mixed(characters[place : place + starts].astype(np.uint64), place + 1)
    # An n-gram begins far enough from the end of its text.
    left = np.repeat(np.cumsum(lengths), lengths)[:starts] - np.arange(starts)
    return np.sort(keys[left >= order])


def _mixed(values: Keys, salt: int) -> Keys:
    """Numbers as evenly spread keys, different ones for each salt (the finaliser of SplitMix64)."""
    with np.errstate(over="ignore"):
        mixed = values + np.uint64(0x9E3779B97F4A7C15) * np.uint64(salt + 1) + np.uint64(salt << 40)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return mixed ^ (mixed >> np.uint64(31))


def _matches(said: Keys, meant: Keys) -> int:
    """The number of keys that two sorted lists share, each as often as it is in both."""
    (first, counts_first), (second, counts_second) = _runs(said), _runs(meant)
    places = np.minimum(np.searchsorted(second, first), max(len(second) - 1, 0))
    same = second[places] == first if len(second) else np.zeros(len(first), dtype=bool)
    return int(np.minimum(counts_first[same], counts_second[places[same]]).sum())


def _runs(keys: Keys) -> tuple[Keys, NDArray[np.int64]]:
    """The different keys of a sorted list, and how often each is in it."""
    begins = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])) if len(keys) else np.empty(0, np.int64)
    return keys[begins], np.diff(np.append(begins, len(keys)))


def _score(statistics: Sequence[tuple[int, int, int]]) -> float:
    """chrF2 in [0, 100], over the orders that both sides have n-grams of."""
    known = [(match / said, match / meant) for said, meant, match in statistics if said and meant]
    if not known:
        return 0.0
    precision, recall = (math.fsum(column) / len(known) for column in zip(*known, strict=True))
    if not precision + recall:
        return 0.0
    weight = float(BETA**2)
    return 100 * (1 + weight) * precision * recall / (weight * precision + recall)


def build(resources: Resources) -> Metric:
    """The metric."""
    return ChrF()
