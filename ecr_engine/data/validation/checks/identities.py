"""Conversations whose id comes twice: in one split, or, worse, in two."""

from __future__ import annotations

from collections.abc import Iterator

from ecr_engine.data.validation.check import Check, Corpus, Subject
from ecr_engine.data.validation.report import Finding, Grade
from ecr_engine.data.validation.tally import Tally


class Identities:
    """The check."""

    def __init__(self) -> None:
        self._first: dict[str, int] = {}
        self._again: list[tuple[int, int]] = []

    def see(self, subject: Subject) -> None:
        """Looks the id up among those met before."""
        first = self._first.setdefault(subject.conversation.dialogue.conversation_id, subject.index)
        if first != subject.index:
            self._again.append((first, subject.index))

    def findings(self, corpus: Corpus) -> Iterator[Finding]:
        """Ids that come twice."""
        register = corpus.register
        twice, leaks = Tally(), Tally()
        for first, again in self._again:
            tally = twice if register.split(first) is register.split(again) else leaks
            tally.add_place(register.place(again, f"the first is at {register.address(first)}"))
        yield from leaks.by_dialogue(
            "leak-identity",
            Grade.ERROR,
            "a conversation is in two splits, by its id",
            corpus.dialogues,
            "take it out of one of the two files",
        )
        yield from twice.by_dialogue(
            "duplicate-identity",
            Grade.ERROR,
            "a conversation id comes twice in one split",
            corpus.dialogues,
            "take one of the two out, or give it an id of its own",
        )


def build() -> Check:
    """The check."""
    return Identities()
