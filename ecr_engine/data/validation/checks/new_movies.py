"""Movies of the test split that training never mentions: no model can learn to recommend them."""

from __future__ import annotations

from collections.abc import Iterator

from ecr_engine.data.schema import Split
from ecr_engine.data.validation.check import Check, Corpus, Subject
from ecr_engine.data.validation.report import Finding, Grade
from ecr_engine.data.validation.tally import Tally


class NewMovies:
    """The check."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._tested: set[str] = set()
        self._new = Tally()

    def see(self, subject: Subject) -> None:
        """Notes the movies of training, and looks those of the test split up; training comes first."""
        movies = {item_id for turn in subject.conversation.dialogue.turns for item_id in turn.items}
        if subject.conversation.split is Split.TRAIN:
            self._known |= movies
        elif subject.conversation.split is Split.TEST:
            for item_id in sorted(movies - self._tested - self._known):
                self._new.add(subject, _shown(subject, item_id))
            self._tested |= movies

    def findings(self, corpus: Corpus) -> Iterator[Finding]:
        """Movies that only the test split mentions."""
        if self._known:
            yield from self._new.by_case(
                "new-movie",
                Grade.NOTE,
                "a movie of the test split is not in the training split",
                len(self._tested),
                "movies of the test split",
            )


def _shown(subject: Subject, item_id: str) -> str:
    item = subject.conversation.dialogue.items.get(item_id)
    return f"movie {item_id}: {item.name}" if item and item.name else f"movie {item_id}"


def build() -> Check:
    """The check."""
    return NewMovies()
