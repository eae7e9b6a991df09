"""Answers of the forms on movies that nobody mentions."""

from __future__ import annotations

from collections.abc import Iterator

from ecr_engine.data.validation.check import Check, Corpus, Subject
from ecr_engine.data.validation.report import Finding, Grade
from ecr_engine.data.validation.tally import Tally


class Answers:
    """The check; where the two forms contradict each other the source's oddities tell."""

    def __init__(self) -> None:
        self._answered = 0
        self._unheard = Tally()

    def see(self, subject: Subject) -> None:
        """Looks for movies with an answer and without a mention."""
        found = subject.conversation
        if found.raw is None:
            return
        mentioned = {item_id for turn in found.dialogue.turns for item_id in turn.items}
        for item_id, item in found.raw.items.items():
            if item.liked is None and item.seen is None:
                continue
            self._answered += 1
            if item_id not in mentioned:
                self._unheard.add(subject, f"movie {item_id}: {item.name}")

    def findings(self, corpus: Corpus) -> Iterator[Finding]:
        """Answers that no mention explains."""
        yield from self._unheard.by_case(
            "unmentioned-answer",
            Grade.NOTE,
            "the seeker says whether they like or know a movie that nobody mentions",
            self._answered,
            "movies with an answer",
        )


def build() -> Check:
    """The check."""
    return Answers()
