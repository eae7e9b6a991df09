"""Invents the movies of the sample corpus, and the people who made them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from ecr_engine.data.sample.genres import GENRES, Genre

FIRST_ID = 70001
"""Id of the first movie; ReDial's ids have five and six digits."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_GIVEN = _words(
    "Mara Odell Tessa Bram Ines Cato Liora Fenn Wilma Jory Salka Dario Nell Otis Priya Ruben Signe Tobin Una Viggo "
    "Yara Anselm Bettina Corin Delphine Emeka Farah Gideon Hana Ivo Juno Kasper Lotte Malik Noemi Orla Pavel Rosalind"
)
_ROOTS = _words(
    "Bel Cor Dra Ell Fen Gar Hal Ister Jun Kel Lom Mar Nor Oss Pell Quin Rav Sten Tor Ulv Ves Wick Yar Zell"
)
_ENDINGS = _words("by dane forth gate holt issen kins low mere nard ock quist rell stad thorpe vane wyck")
_PLACES = _words("Alder Bluefield Calder Ferris Juniper Larkspur Mill Otter Raven Thistle")
_NUMBERS = ("Two", "Three", "Four", "Seven", "Nine", "Eleven")
_YEARS = (1962, 2021)


@dataclass(frozen=True, slots=True)
class Movie:
    """One invented movie.

    Attributes:
        item_id: the number behind `@`.
        title: the title without the year.
        year: the year it came out.
        genres: one or two genres, the main one first.
        director: who directed it.
        stars: two or three people who play in it.
    """

    item_id: str
    title: str
    year: int
    genres: tuple[Genre, ...]
    director: str
    stars: tuple[str, ...]

    @property
    def name(self) -> str:
        """The title with the year, as ReDial writes names."""
        return f"{self.title} ({self.year})"

    @property
    def genre(self) -> Genre:
        """The main genre."""
        return self.genres[0]


def make_movies(count: int, rng: random.Random) -> list[Movie]:
    """`count` movies with different titles, dealt evenly to the genres."""
    people = _people(count // 3 + 20, rng)
    directors, stars = people[: len(people) // 3], people[len(people) // 3 :]
    titles: set[str] = set()
    movies = []
    for index in range(count):
        main = GENRES[index % len(GENRES)]
        movies.append(
            Movie(
                item_id=str(FIRST_ID + 7 * index),
                title=_new_title(main, titles, rng),
                year=rng.randint(*_YEARS),
                genres=(main, *rng.sample([genre for genre in GENRES if genre is not main], rng.choice((0, 1)))),
                director=rng.choice(directors),
                stars=tuple(rng.sample(stars, rng.choice((2, 2, 3)))),
            )
        )
    return movies


def _people(count: int, rng: random.Random) -> list[str]:
    """Different invented names; each surname is shared by a few, so that the vocabulary stays small."""
    surnames = [root + ending for root in _ROOTS for ending in _ENDINGS]
    few = rng.sample(surnames, min(len(surnames), count // 2 + 1))
    names = [f"{given} {surname}" for surname in few for given in rng.sample(_GIVEN, 4)]
    return rng.sample(names, min(count, len(names)))


def _new_title(genre: Genre, taken: set[str], rng: random.Random) -> str:
    """A title that is not in `taken`, and now is; when words run out, a sequel."""
    title = _title(genre, rng)
    for _ in range(20):
        if title not in taken:
            break
        title = _title(genre, rng)
    part = 1
    unique = title
    while unique in taken:
        part += 1
        unique = f"{title} {part}"
    taken.add(unique)
    return unique


def _title(genre: Genre, rng: random.Random) -> str:
    adjective, noun = rng.choice(genre.adjectives), rng.choice(genre.nouns)
    other = rng.choice([word for word in genre.nouns if word != noun])
    patterns: Sequence[str] = (
        f"The {adjective} {noun}",
        f"The {adjective} {noun}",
        f"{adjective} {noun}",
        f"The {noun} of {rng.choice(_PLACES)} {rng.choice(('Street', 'Hill', 'Lake', 'County'))}",
        f"{rng.choice(_GIVEN)}'s {noun}",
        f"{rng.choice(_NUMBERS)} Days of {adjective} {noun}",
        f"The {noun} and the {other}",
        f"{_article(noun)} {noun} for {rng.choice(_GIVEN)}",
        f"Beyond the {adjective} {noun}",
    )
    return rng.choice(patterns)


def _article(noun: str) -> str:
    return "An" if noun[0] in "AEIOU" else "A"
