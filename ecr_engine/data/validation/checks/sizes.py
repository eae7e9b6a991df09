"""Turns and dialogues that are too long to be conversation."""

from __future__ import annotations

from collections.abc import Iterator

from ecr_engine.data.validation.check import Check, Corpus, Subject
from ecr_engine.data.validation.report import Finding, Grade
from ecr_engine.data.validation.tally import Tally

LONGEST_TURN = 200
"""Words."""

LONGEST_DIALOGUE = 100
"""Turns."""


class Sizes:
    """The check."""

    def __init__(self) -> None:
        self._turns, self._dialogues = Tally(), Tally()

    def see(self, subject: Subject) -> None:
        """Counts words and turns."""
        turns = subject.conversation.dialogue.turns
        if len(turns) > LONGEST_DIALOGUE:
            self._dialogues.add(subject, f"{len(turns):,} turns")
        for index, turn in enumerate(turns):
            if (count := len(turn.text.split())) > LONGEST_TURN:
                self._turns.add(subject, f"turn {index}, {count:,} words", turn=index)

    def findings(self, corpus: Corpus) -> Iterator[Finding]:
        """Turns and dialogues over the bounds."""
        yield from self._turns.by_case(
            "long-turn",
            Grade.WARNING,
            f"a turn has over {LONGEST_TURN} words",
            corpus.turns,
            "turns",
            "see whether something was pasted, or whether lines run together",
        )
        yield from self._dialogues.by_dialogue(
            "long-dialogue",
            Grade.WARNING,
            f"a dialogue has over {LONGEST_DIALOGUE} turns",
            corpus.dialogues,
            "see whether several conversations run together",
        )


def build() -> Check:
    """The check."""
    return Sizes()
