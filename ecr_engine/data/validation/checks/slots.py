"""Slots: whether each stands for a movie, and what share of the targets recommends one.

Where hardly any target recommends, or all do, a model learns one thing only.
"""

from __future__ import annotations

from collections.abc import Iterator

from ecr_engine.data.schema import SLOT
from ecr_engine.data.validation.check import Check, Corpus, Subject
from ecr_engine.data.validation.report import Finding, Grade
from ecr_engine.data.validation.tally import Tally

FEWEST, MOST = 0.1, 0.95
"""Shares of targets with a slot between which all is well; it is about half in ReDial."""


class Slots:
    """The check."""

    def __init__(self) -> None:
        self._with_slot = 0
        self._mismatched = Tally()

    def see(self, subject: Subject) -> None:
        """Counts targets with a slot, and slots that are no movies."""
        turns = subject.conversation.dialogue.turns
        self._with_slot += sum(bool(turns[index].items) for index in subject.targets())
        for index, turn in enumerate(turns):
            if (slots := turn.slots.count(SLOT)) != len(turn.items):
                self._mismatched.add(subject, f"turn {index}: {slots} slots, {len(turn.items)} movies", turn=index)

    def findings(self, corpus: Corpus) -> Iterator[Finding]:
        """Turns whose slots and movies differ in number; and the share, whatever it is."""
        yield from self._mismatched.by_case(
            "slot-mismatch",
            Grade.ERROR,
            "a turn has other than one movie for each slot",
            corpus.turns,
            "turns",
            "make the examples again: ecrctl data process SOURCE --output DIR",
        )
        if not corpus.examples:
            return
        share = self._with_slot / corpus.examples
        well = FEWEST <= share <= MOST
        bounds = f"it should be {FEWEST:.0%} to {MOST:.0%}"
        yield Finding(
            "slot-share",
            Grade.NOTE if well else Grade.WARNING,
            f"{share:.1%} of the targets have a slot" + ("" if well else f"; {bounds}"),
            self._with_slot,
            corpus.examples,
            "examples",
            self._with_slot,
            {},
            (),
            "" if well else "see whether the movies of this source are marked as its format wants them",
        )


def build() -> Check:
    """The check."""
    return Slots()
