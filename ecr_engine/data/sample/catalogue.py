"""The movies of the sample corpus, looked up by genre and id."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence

from ecr_engine.data.sample.genres import GENRES, Genre
from ecr_engine.data.sample.movies import Movie


class Catalogue:
    """All movies.

    Args:
        movies: at least a few of each genre.
    """

    def __init__(self, movies: Sequence[Movie]) -> None:
        self._by_id = {movie.item_id: movie for movie in movies}
        self._by_genre = {genre.name: [m for m in movies if genre in m.genres] for genre in GENRES}
        self._genres = {genre.name: genre for genre in GENRES}

    def by_id(self, item_id: str) -> Movie:
        """The movie behind an id."""
        return self._by_id[item_id]

    def genre(self, name: str) -> Genre:
        """The genre of this name."""
        return self._genres[name]

    def other_genre(self, not_these: Collection[Genre], rng: random.Random) -> Genre:
        """A genre that is none of `not_these`."""
        return rng.choice([genre for genre in GENRES if genre not in not_these])

    def draw(self, genre: Genre, named: Collection[str], rng: random.Random) -> Movie:
        """A movie of `genre` (of any, when all of those are named) that is not `named` yet.

        Early ones are drawn more often, as some movies are popular.
        """
        free = [movie for movie in self._by_genre[genre.name] if movie.item_id not in named]
        free = free or [movie for movie in self._by_id.values() if movie.item_id not in named]
        return free[int(len(free) * rng.random() ** 1.6)]
