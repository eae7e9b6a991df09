"""Counts the cases of one kind of fault, and keeps the first few as examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ecr_engine.data.validation.check import Subject
from ecr_engine.data.validation.report import Finding, Grade, Place

EXAMPLES = 3
"""Examples of a finding at most."""

_MOST_PARTS = 6
_LONGEST = 80


class Tally:
    """The cases of one kind of fault."""

    def __init__(self) -> None:
        self.cases = 0
        self.dialogues = 0
        self.places: list[Place] = []
        self._last = -1
        self._parts: Counter[str] = Counter()
        self._many_parts = False

    def add(self, subject: Subject, detail: str = "", *, turn: int | None = None, part: str = "") -> None:
        """Counts one case.

        Args:
            subject: the conversation that it is in.
            detail: this case; it is cut where it is long.
            turn: the turn that it is in, if a finished example tells its line.
            part: which of a few kinds it is of.
        """
        self.cases += 1
        if subject.index != self._last:
            self.dialogues += 1
            self._last = subject.index
        if part:
            self._count_part(part)
        if len(self.places) < EXAMPLES:
            conversation = subject.conversation
            line = conversation.line if turn is None else conversation.line_of(turn)
            identity = conversation.dialogue.conversation_id
            self.places.append(Place(conversation.split, conversation.file, line, identity, shortened(detail)))

    def add_place(self, place: Place, part: str = "") -> None:
        """Counts one case that no conversation holds, or that was found after all were seen."""
        self.cases += 1
        self.dialogues += 1
        if part:
            self._count_part(part)
        if len(self.places) < EXAMPLES:
            self.places.append(place)

    def by_dialogue(self, code: str, grade: Grade, what: str, total: int, fix: str = "") -> Iterator[Finding]:
        """The finding that counts dialogues; nothing if there is no case."""
        yield from self._finding(code, grade, what, self.dialogues, total, "dialogues", fix)

    def by_case(self, code: str, grade: Grade, what: str, total: int, unit: str, fix: str = "") -> Iterator[Finding]:
        """The finding that counts cases; nothing if there is none."""
        yield from self._finding(code, grade, what, self.cases, total, unit, fix)

    def _finding(
        self, code: str, grade: Grade, what: str, count: int, total: int, unit: str, fix: str
    ) -> Iterator[Finding]:
        if count:
            parts = {} if self._many_parts else dict(self._parts.most_common())
            yield Finding(code, grade, what, count, total, unit, self.cases, parts, tuple(self.places), fix)

    def _count_part(self, part: str) -> None:
        if self._many_parts:
            return
        self._parts[part] += 1
        if len(self._parts) > _MOST_PARTS:
            self._many_parts = True
            self._parts.clear()


def shortened(text: str) -> str:
    """`text`, cut with an ellipsis where it is long."""
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1].rstrip() + "…"
