"""Examples with the same context and the same target in two splits.

Openings such as "hi" and "hello" are the same by chance, so only contexts of some length count.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator

from ecr_engine.data.schema import Role, Split
from ecr_engine.data.validation.check import Check, Corpus, Subject
from ecr_engine.data.validation.likeness import normal
from ecr_engine.data.validation.report import Finding, Grade
from ecr_engine.data.validation.tally import Tally

SHORTEST_CONTEXT = 8
"""Words of the contexts that count."""


class SameExamples:
    """The check."""

    def __init__(self) -> None:
        self._hashes = array("Q")
        self._owners = array("I")

    def see(self, subject: Subject) -> None:
        """Keeps a hash of each example whose context is long enough."""
        so_far = hashlib.blake2b(digest_size=8)
        heard = 0
        for turn in subject.conversation.dialogue.turns:
            said = normal(turn)
            so_far.update(f"{said}\n".encode())
            if turn.role is Role.RECOMMENDER and heard >= SHORTEST_CONTEXT:
                self._hashes.append(int.from_bytes(so_far.digest()))
                self._owners.append(subject.index)
            heard += len(said.split())

    def findings(self, corpus: Corpus) -> Iterator[Finding]:
        """Examples that an earlier split has too."""
        import numpy as np

        hashes, owners = np.array(self._hashes, dtype=np.uint64), np.array(self._owners, dtype=np.int64)
        bounds = np.searchsorted(owners, _starts(corpus))
        tally = Tally()
        for number in range(1, len(Split)):
            start, end = bounds[number], bounds[number + 1]
            for owner in owners[start:end][np.isin(hashes[start:end], hashes[:start])].tolist():
                tally.add_place(corpus.register.place(owner))
        yield from tally.by_case(
            "same-example",
            Grade.NOTE,
            f"an example of {SHORTEST_CONTEXT} words of context or more is in an earlier split too, word for word",
            corpus.examples,
            "examples",
        )


def _starts(corpus: Corpus) -> list[int]:
    """The number of the first conversation of each split, and of the one after the last."""
    sizes = [corpus.splits[split].dialogues if split in corpus.splits else 0 for split in Split]
    return [sum(sizes[:number]) for number in range(len(sizes) + 1)]


def build() -> Check:
    """The check."""
    return SameExamples()
