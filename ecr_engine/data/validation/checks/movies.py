"""Movies that a source names badly: without a name, without a year, or not in the dialogue's own list."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ecr_engine.data.schema import Item
from ecr_engine.data.validation.check import Check, Corpus, Subject
from ecr_engine.data.validation.report import Finding, Grade
from ecr_engine.data.validation.tally import Tally

_YEAR = re.compile(r"\(\d{4}\)$")


class Movies:
    """The check."""

    def __init__(self) -> None:
        self._movies = self._mentions = 0
        self._unnamed, self._yearless, self._unlisted = Tally(), Tally(), Tally()
        self._repaired = {"unnamed": 0, "yearless": 0}

    def see(self, subject: Subject) -> None:
        """Looks at the movies that the dialogue lists, and at those that it mentions."""
        found = subject.conversation
        listed = found.dialogue.items if found.raw is None else found.raw.items
        self._movies += len(listed)
        for item_id, item in listed.items():
            self._look(subject, item, found.dialogue.items[item_id])
        for turn in found.dialogue.turns:
            self._mentions += len(turn.items)
            if found.raw is not None:
                for item_id in turn.items:
                    if item_id not in listed:
                        self._unlisted.add(subject, f"movie {item_id}")

    def _look(self, subject: Subject, item: Item, repaired: Item) -> None:
        if not item.name:
            self._unnamed.add(subject, f"movie {item.item_id}")
            self._repaired["unnamed"] += bool(repaired.name)
        elif not _YEAR.search(item.name):
            self._yearless.add(subject, f"movie {item.item_id}: {item.name}")
            self._repaired["yearless"] += repaired.name != item.name

    def findings(self, corpus: Corpus) -> Iterator[Finding]:
        """Movies without a name or a year, and mentions that no list explains."""
        left = self._unnamed.cases - self._repaired["unnamed"]
        yield from self._unnamed.by_case(
            "unnamed-movie",
            Grade.WARNING if left else Grade.NOTE,
            f"a movie has no name{_mended(self._repaired['unnamed'])}",
            self._movies,
            "movies of dialogues",
            "put id2info.json or movies_with_mentions.csv with its name beside the dialogues" if left else "",
        )
        yield from self._yearless.by_case(
            "yearless-movie",
            Grade.NOTE,
            f"a movie's name lacks the year{_mended(self._repaired['yearless'])}",
            self._movies,
            "movies of dialogues",
        )
        yield from self._unlisted.by_case(
            "unlisted-movie",
            Grade.WARNING,
            "a movie is mentioned that the dialogue does not list",
            self._mentions,
            "mentions",
            "add it to the dialogue's list, or it has no name and no feedback",
        )


def _mended(count: int) -> str:
    return f"; the list of names mends {count:,} of these" if count else ""


def build() -> Check:
    """The check."""
    return Movies()
