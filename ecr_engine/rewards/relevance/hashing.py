"""Words and their combinations as 64-bit numbers, and the places of those numbers in a table.

Python's own hash differs from process to process; these numbers are the same everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.uint64]
"""Numbers of words or of combinations, uint64, one dimension."""

Places = NDArray[np.int64]
"""Indices into a table."""

NONE: Ids = np.zeros(0, dtype=np.uint64)

# Odd constants of splitmix64 and xxHash64: a product with one spreads every bit over those above it.
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_SPREAD = np.uint64(0xC2B2AE3D27D4EB4F)


def word_ids(words: Iterable[str]) -> Ids:
    """The numbers of words, in order."""
    return np.fromiter(map(word_id, words), dtype=np.uint64)


def join(first: Ids, second: Ids) -> Ids:
    """The numbers of ordered combinations, by the rules of broadcasting: a polynomial hash modulo 2^64.

    Args:
        first: numbers of the first parts.
        second: numbers of the second parts.
    """
    return first * _FACTOR + second


def runs(ids: Ids, length: int) -> Ids:
    """The numbers of all runs of `length` (2 or more) neighbours, in order."""
    if len(ids) < length:
        return NONE
    joined = ids[: len(ids) - length + 1]
    for offset in range(1, length):
        joined = join(joined, ids[offset : len(ids) - length + 1 + offset])
    return joined


def distinct(ids: Ids) -> Ids:
    """The different ones, sorted."""
    ordered = np.sort(ids)
    if len(ordered) < 2:
        return ordered
    kept = np.empty(len(ordered), dtype=np.bool_)
    kept[0] = True
    np.not_equal(ordered[1:], ordered[:-1], out=kept[1:])
    return ordered[kept]


def places(ids: Ids, bits: int) -> Places:
    """Where numbers stand in a table of `2 ** bits`; different numbers can meet in one place."""
    return ((ids * _SPREAD) >> np.uint64(64 - bits)).astype(np.int64)


@lru_cache(maxsize=1 << 16)
def word_id(word: str) -> int:
    """The number of one word."""
    return int.from_bytes(blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
