"""Finds a movie by the name that a person or a list gives it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_YEAR = re.compile(r"(.*\S)\s*\((\d{4})\)")


def fold(name: str) -> str:
    """A name without the differences that mean nothing: case, stray blanks, kinds of apostrophe."""
    return " ".join(name.casefold().replace("’", "'").split())


def split_year(name: str) -> tuple[str, str]:
    """Title and year of a name such as `Heat (1995)`; the year is empty if the name has none."""
    found = _YEAR.fullmatch(name)
    return (found[1], found[2]) if found else (name, "")


class Titles:
    """Movies by name.

    Args:
        names: name and number of each movie; of equal names the first counts.
    """

    __slots__ = ("_by_name", "_by_title")

    def __init__(self, names: Iterable[tuple[str, int]]) -> None:
        self._by_name: dict[str, int] = {}
        self._by_title: dict[str, dict[str, int]] = {}
        for name, number in names:
            folded = fold(name)
            self._by_name.setdefault(folded, number)
            title, year = split_year(folded)
            self._by_title.setdefault(title, {}).setdefault(year, number)

    def exact(self, name: str) -> int | None:
        """The movie of this name, but for case and blanks."""
        return self._by_name.get(fold(name))

    def find(self, name: str) -> int | None:
        """The movie of this name; where one of the two names lacks the year, of this title, if only one comes near.

        Two different years never match.
        """
        if (exact := self.exact(name)) is not None:
            return exact
        title, year = split_year(fold(name))
        years = self._by_title.get(title, {})
        if year:
            return years.get("")
        return next(iter(years.values())) if len(years) == 1 else None


def link(titles: Titles, names: Mapping[str, str]) -> dict[str, int]:
    """The movies that ids stand for.

    Several ids may stand for one movie. But where ids of different years fit a movie without a year, only the earliest
    year is taken: encyclopaedias give the bare title to the first film, and a year to its remakes.

    Args:
        titles: the movies.
        names: a name for each id.
    """
    found: dict[str, int] = {}
    earliest: dict[int, str] = {}
    loose: list[tuple[str, int, str]] = []
    for item_id, name in names.items():
        number = titles.find(name)
        if number is None:
            continue
        year = split_year(fold(name))[1]
        if not year or titles.exact(name) is not None:
            found[item_id] = number
        else:
            loose.append((item_id, number, year))
            earliest[number] = min(year, earliest.get(number, year))
    found |= {item_id: number for item_id, number, year in loose if year == earliest[number]}
    return {item_id: found[item_id] for item_id in names if item_id in found}
