"""Dialogues in which only one side speaks."""

from __future__ import annotations

from collections.abc import Iterator

from ecr_engine.data.schema import Role
from ecr_engine.data.validation.check import Check, Corpus, Subject
from ecr_engine.data.validation.report import Finding, Grade
from ecr_engine.data.validation.tally import Tally


class Sides:
    """The check."""

    def __init__(self) -> None:
        self._no_recommender, self._no_seeker = Tally(), Tally()

    def see(self, subject: Subject) -> None:
        """Looks who speaks."""
        roles = {turn.role for turn in subject.conversation.dialogue.turns}
        if Role.RECOMMENDER not in roles:
            self._no_recommender.add(subject)
        elif Role.SEEKER not in roles:
            self._no_seeker.add(subject)

    def findings(self, corpus: Corpus) -> Iterator[Finding]:
        """Dialogues in which the recommender, or the seeker, never speaks."""
        yield from self._no_recommender.by_dialogue(
            "one-sided-seeker",
            Grade.WARNING,
            "the recommender never speaks: the dialogue gives no example",
            corpus.dialogues,
            "leave these dialogues out, or see whether the two workers' ids are right",
        )
        yield from self._no_seeker.by_dialogue(
            "one-sided-recommender",
            Grade.WARNING,
            "the seeker never speaks: there is nothing to answer",
            corpus.dialogues,
            "leave these dialogues out, or see whether the two workers' ids are right",
        )


def build() -> Check:
    """The check."""
    return Sides()
