"""The dimensions that judges score, with their definitions and rubrics; all of them stand in `dimensions.toml`."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from typing import Any

from ecr_engine.errors import DataError, UsageError, suggestion

FILE = "dimensions.toml"
GUIDE = "guide"
"""The set that judges score unless told otherwise."""

PAPER = "paper"

DIGITS = 10
"""Ratings are single digits: some tokenizers know no longer number as one token."""


@dataclass(frozen=True, slots=True)
class Level:
    """What one rating means.

    Attributes:
        rating: the rating.
        words: when it is given.
    """

    rating: int
    words: str


@dataclass(frozen=True, slots=True)
class Dimension:
    """One quality of a response.

    Attributes:
        name: key of its scores.
        low: its lowest score.
        high: its highest score.
        definition: what is scored, in one sentence.
        levels: what ratings mean, lowest first; not every rating needs one.
    """

    name: str
    low: float
    high: float
    definition: str
    levels: tuple[Level, ...]

    @property
    def title(self) -> str:
        """The name as a judge reads it."""
        return self.name.replace("_", " ")


@dataclass(frozen=True, slots=True)
class DimensionSet:
    """Dimensions that are asked for together.

    Attributes:
        name: what to type.
        summary: what they are, in a sentence.
        dimensions: in the order in which they are asked for.
        ratings: the ratings that a judge chooses from, lowest first; at least two single digits.
    """

    name: str
    summary: str
    dimensions: tuple[Dimension, ...]
    ratings: tuple[int, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the dimensions, in order."""
        return tuple(dimension.name for dimension in self.dimensions)

    @property
    def fingerprint(self) -> str:
        """Hash of everything that a judge is told of the dimensions."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]

    def dimension(self, name: str) -> Dimension:
        """The dimension of this name.

        Raises:
            UsageError: the set has none.
        """
        for dimension in self.dimensions:
            if dimension.name == name:
                return dimension
        raise UsageError(
            f"the dimensions '{self.name}' have no '{name}'", at="judge.dimensions", fix=suggestion(name, self.names)
        )

    def score(self, dimension: Dimension, rating: float) -> float:
        """The score for a rating, which may lie between two whole ones."""
        share = (rating - self.ratings[0]) / (self.ratings[-1] - self.ratings[0])
        return dimension.low + share * (dimension.high - dimension.low)


def dimension_sets() -> tuple[DimensionSet, ...]:
    """All sets, in the order of the file."""
    return _packaged()


def dimension_set(name: str) -> DimensionSet:
    """The set of this name.

    Raises:
        UsageError: there is none.
        DataError: the file of dimensions is wrong.
    """
    sets = {each.name: each for each in dimension_sets()}
    if name not in sets:
        raise UsageError(f"there are no dimensions '{name}'", at="judge.dimensions", fix=suggestion(name, tuple(sets)))
    return sets[name]


@cache
def _packaged() -> tuple[DimensionSet, ...]:
    path = resources.files("ecr_engine.scoring").joinpath(FILE)
    return parse_dimensions(path.read_text(encoding="utf-8"), str(path))


def parse_dimensions(text: str, place: str) -> tuple[DimensionSet, ...]:
    """The sets in the text of a file of dimensions.

    Args:
        text: TOML; its form is written at the top of `dimensions.toml`.
        place: what the file is called in errors.

    Raises:
        DataError: it is not TOML, or a set is not as it has to be.
    """
    try:
        return tuple(_set(name, raw) for name, raw in tomllib.loads(text).items())
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"the file of dimensions is not TOML: {error}", at=place) from error
    except KeyError as error:
        raise DataError(
            f"the file of dimensions lacks '{error.args[0]}'", at=place, fix="see the lines at the top of the file"
        ) from error
    except (TypeError, ValueError, AttributeError) as error:
        raise DataError(
            f"the file of dimensions is wrong: {error}", at=place, fix="see the lines at the top of the file"
        ) from error


def _set(name: str, raw: Mapping[str, Any]) -> DimensionSet:
    first, last = (int(end) for end in raw["ratings"])
    low, high = float(raw["low"]), float(raw["high"])
    if not 0 <= first < last < DIGITS:
        raise ValueError(f"the ratings of '{name}' are [{first}, {last}], not two digits, the lower one first")
    if not low < high:
        raise ValueError(f"the scores of '{name}' go from {low:g} to {high:g}")
    ratings = tuple(range(first, last + 1))
    dimensions = tuple(_dimension(key, each, low, high, ratings) for key, each in raw["dimensions"].items())
    if not dimensions:
        raise ValueError(f"'{name}' has no dimensions")
    return DimensionSet(name, str(raw["summary"]), dimensions, ratings)


def _dimension(name: str, raw: Mapping[str, Any], low: float, high: float, ratings: tuple[int, ...]) -> Dimension:
    levels = sorted((int(rating), str(words)) for rating, words in raw["rubric"].items())
    for rating, _ in levels:
        if rating not in ratings:
            raise ValueError(f"the rubric of '{name}' speaks of {rating}, which is no rating")
    return Dimension(name, low, high, str(raw["definition"]), tuple(Level(*level) for level in levels))
