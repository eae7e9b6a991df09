"""What a source's own reader finds odd in its records: readable, but not as it should be."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ecr_engine.data.validation.check import Check, Corpus, Subject
from ecr_engine.data.validation.report import Finding, Grade
from ecr_engine.data.validation.tally import Tally

_ELSEWHERE = frozenset(
    {
        "a movie has no name",
        "a movie's name lacks the year",
        "a mention is glued to other characters",
        "a message is blank",
    }
)
"""What checks of their own count, for all formats, and knowing what processing repairs."""

_SMALL = frozenset({"a", "an", "and", "are", "has", "in", "is", "on", "s", "the", "was", "where"})


class Oddities:
    """The check."""

    def __init__(self) -> None:
        self._tallies: dict[str, Tally] = {}

    def see(self, subject: Subject) -> None:
        """Counts oddities by kind."""
        for oddity in subject.oddities:
            if oddity.what not in _ELSEWHERE:
                self._tallies.setdefault(oddity.what, Tally()).add(subject, oddity.detail, part=oddity.detail)

    def findings(self, corpus: Corpus) -> Iterator[Finding]:
        """One note a kind: readers take such records, and cleaning mends what can be mended."""
        for what, tally in self._tallies.items():
            yield from tally.by_dialogue(_code(what), Grade.NOTE, what, corpus.dialogues)


def _code(what: str) -> str:
    """A short name made of a kind's sentence."""
    return "-".join(["source", *(word for word in re.findall("[a-z]+", what.lower()) if word not in _SMALL)])


def build() -> Check:
    """The check."""
    return Oddities()
