"""Tells whether two dialogues are the same, or copies with little changed, from hashes of what was said.

What was said is compared as words in lower case, without punctuation, with slots in the place of movies, and with the
messages of one sender merged: so a copy under a new id, in other letter case or white space, is equal to its original.
"""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from ecr_engine.data.schema import Turn
from ecr_engine.data.words import is_word, words

MOST_SHARERS = 50
"""What more dialogues than this share is a phrase that people use, and no sign of a copy."""


def normal(turn: Turn) -> str:
    """What a turn says, without what a copy may change."""
    return " ".join(word for word in words(turn.slots) if is_word(word))


def hashed(texts: Iterable[str]) -> int:
    """64 bits that stand for texts in their order."""
    total = hashlib.blake2b(digest_size=8)
    for text in texts:
        total.update(text.encode())
        total.update(b"\n")
    return int.from_bytes(total.digest())


def long_turns(said: Sequence[str], least: int) -> set[int]:
    """Hashes of the turns of at least `least` words."""
    return {hashed([text]) for text in said if len(text.split()) >= least}


def neighbours(said: Sequence[str], least: int) -> set[int]:
    """Hashes of pairs of adjacent turns that have at least `least` words together."""
    return {hashed(pair) for pair in pairwise(said) if sum(len(text.split()) for text in pair) >= least}


class Likeness:
    """Finds dialogues that share at least half of their pieces; a piece is a hash.

    Args:
        least: so many pieces must be shared at least.
    """

    def __init__(self, least: int) -> None:
        self._least = least
        self._pieces = array("Q")
        self._owners = array("I")

    def add(self, owner: int, pieces: set[int]) -> None:
        """Notes the pieces of a dialogue; owners come in ascending order."""
        self._pieces.extend(pieces)
        self._owners.extend([owner] * len(pieces))

    def pairs(self, ignored: set[int]) -> Iterator[tuple[int, int]]:
        """Pairs of an earlier and a later dialogue that are alike, by the later one.

        They share at least half of the pieces of the one that has fewer: so a copy that was cut, or that grew, is like
        its original.

        Args:
            ignored: dialogues that are left out.
        """
        sizes, groups = self._grouped(ignored)
        sharers: defaultdict[int, list[int]] = defaultdict(list)
        for owner, pieces in groups:
            shared = Counter(earlier for piece in pieces for earlier in sharers[piece])
            for earlier, count in sorted(shared.items()):
                if count >= self._least and 2 * count >= min(sizes[earlier], sizes[owner]):
                    yield earlier, owner
            for piece in pieces:
                sharers[piece].append(owner)

    def _grouped(self, ignored: set[int]) -> tuple[dict[int, int], Iterator[tuple[int, list[int]]]]:
        """The number of pieces of each dialogue that shares any, and these dialogues with their shared pieces."""
        import numpy as np

        pieces = np.array(self._pieces, dtype=np.uint64)
        owners = np.array(self._owners, dtype=np.uint32)
        dialogues = int(owners[-1]) + 1 if len(owners) else 0
        kept = np.ones(dialogues, dtype=bool)
        kept[[owner for owner in ignored if owner < dialogues]] = False
        pieces, owners = pieces[kept[owners]], owners[kept[owners]]
        sizes = np.bincount(owners, minlength=dialogues)
        # Few pieces come twice, so the rest goes before anything else is made of them: there are millions.
        ordered = np.sort(pieces)
        repeated = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
        del ordered
        if not len(repeated):
            return {}, iter(())
        places = np.minimum(np.searchsorted(repeated, pieces), len(repeated) - 1)
        sharing = repeated[places] == pieces
        places, owners = places[sharing], owners[sharing]
        rare = np.bincount(places)[places] <= MOST_SHARERS
        by_owner: defaultdict[int, list[int]] = defaultdict(list)
        for owner, piece in zip(owners[rare].tolist(), places[rare].tolist(), strict=True):
            by_owner[owner].append(piece)
        return {owner: int(sizes[owner]) for owner in by_owner}, iter(by_owner.items())
