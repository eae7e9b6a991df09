"""Texts that were decoded wrongly on their way here: replacement characters, and UTF-8 read as Windows-1252."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ecr_engine.data.validation.check import Check, Corpus, Subject
from ecr_engine.data.validation.report import Finding, Grade
from ecr_engine.data.validation.tally import Tally

# "â€™" was an apostrophe, "Ã©" an é, "Â£" a pound sign.
_DAMAGE = re.compile("\ufffd|\u00e2\u20ac.|\u00c3[\u00a0-\u00bf]|\u00c2[\u00a1-\u00bf]")
_AROUND = 20


class Encoding:
    """The check."""

    def __init__(self) -> None:
        self._turns, self._names = Tally(), Tally()
        self._movies = 0

    def see(self, subject: Subject) -> None:
        """Looks for damage in turns and in names of movies."""
        dialogue = subject.conversation.dialogue
        for index, turn in enumerate(dialogue.turns):
            if found := _DAMAGE.search(turn.slots):
                around = turn.slots[max(0, found.start() - _AROUND) : found.end() + _AROUND]
                self._turns.add(subject, f"turn {index}: …{around}…", turn=index)
        self._movies += len(dialogue.items)
        for item in dialogue.items.values():
            if _DAMAGE.search(item.name):
                self._names.add(subject, f"movie {item.item_id}: {item.name}")

    def findings(self, corpus: Corpus) -> Iterator[Finding]:
        """Damaged turns and names."""
        fix = "read the original again as UTF-8"
        what = "a turn holds characters that were decoded wrongly"
        yield from self._turns.by_case("damaged-text", Grade.WARNING, what, corpus.turns, "turns", fix)
        what = "a movie's name holds characters that were decoded wrongly"
        yield from self._names.by_case("damaged-name", Grade.WARNING, what, self._movies, "movies of dialogues", fix)


def build() -> Check:
    """The check."""
    return Encoding()
