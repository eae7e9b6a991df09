"""n-grams of the shared tokenisation, which all lexical metrics count."""

from __future__ import annotations

from collections.abc import Sequence

from ecr_engine.data.schema import Sample
from ecr_engine.data.words import words

Gram = tuple[str, ...]


def ngrams(tokens: Sequence[str], order: int) -> list[Gram]:
    """All runs of `order` neighbouring tokens, in order; empty if there are fewer tokens than that.

    Args:
        tokens: the words of one text.
        order: how many words an n-gram has, at least 1.
    """
    return [tuple(tokens[start : start + order]) for start in range(len(tokens) - order + 1)]


def response_ngrams(samples: Sequence[Sample], order: int) -> list[list[Gram]]:
    """The n-grams of each response, in the order of the samples."""
    return [ngrams(words(sample.response), order) for sample in samples]


def count_spoken(samples: Sequence[Sample]) -> int:
    """The number of responses that say anything at all."""
    return sum(1 for sample in samples if sample.response.strip())
