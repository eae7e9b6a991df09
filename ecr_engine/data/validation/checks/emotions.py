"""Emotions that training can't take: unknown ones, wrong probabilities, or too many.

Readers refuse such labels, so this concerns finished examples.
"""

from __future__ import annotations

from collections.abc import Iterator

from ecr_engine.data.schema import EMOTIONS, MOST_EMOTIONS
from ecr_engine.data.validation.check import Check, Corpus, Subject
from ecr_engine.data.validation.report import Finding, Grade
from ecr_engine.data.validation.tally import Tally

_FIX = "annotate the examples again: ecrctl data annotate"


class EmotionLabels:
    """The check."""

    def __init__(self) -> None:
        self._unknown, self._improbable, self._many = Tally(), Tally(), Tally()

    def see(self, subject: Subject) -> None:
        """Looks at the emotions of turns, and of what examples answer."""
        for index, turn in enumerate(subject.conversation.dialogue.turns):
            self._look_at_labels(subject, index, [label for label, _ in turn.emotions])
            for label, probability in turn.emotions:
                if not 0 <= probability <= 1:
                    self._improbable.add(subject, f"turn {index}: {label} {probability:g}")
        for example in subject.conversation.examples:
            self._look_at_labels(subject, example.turn, list(example.emotions))

    def _look_at_labels(self, subject: Subject, turn: int, labels: list[str]) -> None:
        for label in labels:
            if label not in EMOTIONS:
                self._unknown.add(subject, f"turn {turn}: {label}", turn=turn, part=label)
        if len(labels) > MOST_EMOTIONS:
            self._many.add(subject, f"turn {turn}: {', '.join(labels)}", turn=turn)

    def findings(self, corpus: Corpus) -> Iterator[Finding]:
        """Labels that are wrong."""
        what = f"an emotion is none of the nine: {', '.join(EMOTIONS)}"
        yield from self._unknown.by_dialogue("unknown-emotion", Grade.ERROR, what, corpus.dialogues, _FIX)
        what = "an emotion's probability is not in 0 to 1"
        yield from self._improbable.by_dialogue("emotion-probability", Grade.ERROR, what, corpus.dialogues, _FIX)
        what = f"a turn shows more than {MOST_EMOTIONS} emotions"
        yield from self._many.by_dialogue("many-emotions", Grade.WARNING, what, corpus.dialogues, _FIX)


def build() -> Check:
    """The check."""
    return EmotionLabels()
