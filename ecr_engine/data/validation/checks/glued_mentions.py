"""Mentions of movies without a blank before or behind them."""

from __future__ import annotations

from collections.abc import Iterator

from ecr_engine.data.validation.check import Check, Corpus, Subject
from ecr_engine.data.validation.report import Finding, Grade
from ecr_engine.data.validation.tally import Tally


class GluedMentions:
    """The check; only sources that hold messages as they were sent tell."""

    def __init__(self) -> None:
        self._mentions = 0
        self._glued = Tally()

    def see(self, subject: Subject) -> None:
        """Looks at what stands next to each mention."""
        raw = subject.conversation.raw
        for message in raw.messages if raw else ():
            self._mentions += len(message.movies)
            for place, movie in enumerate(message.movies):
                before, behind = message.words[place][-1:], message.words[place + 1][:1]
                if place and not message.words[place]:
                    before = "@"
                marks = before.strip() + behind.strip()
                if marks:
                    part = "letter or digit" if any(map(str.isalnum, marks)) else "other mark"
                    self._glued.add(subject, f"{before}@{movie}{behind}".strip(), part=part)

    def findings(self, corpus: Corpus) -> Iterator[Finding]:
        """Glued mentions; processing puts a blank where a letter or a digit is in the way."""
        yield from self._glued.by_case(
            "glued-mention", Grade.NOTE, "a mention is glued to other characters", self._mentions, "mentions"
        )


def build() -> Check:
    """The check."""
    return GluedMentions()
