"""Messages and turns without words."""

from __future__ import annotations

from collections.abc import Iterator

from ecr_engine.data.validation.check import Check, Corpus, Subject
from ecr_engine.data.validation.report import Finding, Grade
from ecr_engine.data.validation.tally import Tally


class Blanks:
    """The check."""

    def __init__(self) -> None:
        self._heard = 0
        self._blank = Tally()

    def see(self, subject: Subject) -> None:
        """Looks for messages, or in finished examples for turns, that say nothing."""
        found = subject.conversation
        if found.raw is not None:
            self._heard += len(found.raw.messages)
            for number, message in enumerate(found.raw.messages, start=1):
                if message.is_blank():
                    self._blank.add(subject, f"message {number}")
            return
        self._heard += len(found.dialogue.turns)
        for index, turn in enumerate(found.dialogue.turns):
            if not turn.slots.strip():
                self._blank.add(subject, f"turn {index}", turn=index)

    def findings(self, corpus: Corpus) -> Iterator[Finding]:
        """Blank messages; processing leaves them out and counts them."""
        yield from self._blank.by_case("blank-message", Grade.NOTE, "a message is blank", self._heard, "messages")


def build() -> Check:
    """The check."""
    return Blanks()
