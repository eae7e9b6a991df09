"""Ratings out of what a language model wrote."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from ecr_engine.scoring.dimensions import DimensionSet

SHOWN = 60
"""Characters of a reply that a failure shows."""


class ReplyError(ValueError):
    """A reply that holds no ratings; the message says why."""


def read_reply(text: str, dimensions: DimensionSet) -> dict[str, float]:
    """The scores in a reply, by dimension, each in its dimension's range.

    The reply holds one JSON object with a rating for each dimension; words around it are passed over.

    Args:
        text: the reply.
        dimensions: what was asked for.

    Raises:
        ReplyError: it holds no JSON object, a rating is missing, or one is not on the scale.
    """
    raw = _object(text)
    scores = {}
    for dimension in dimensions.dimensions:
        if dimension.name not in raw:
            raise ReplyError(f"the reply has no rating for '{dimension.name}': {_shown(text)}")
        rating = raw[dimension.name]
        if isinstance(rating, bool) or not isinstance(rating, int | float) or not math.isfinite(rating):
            raise ReplyError(f"the reply's rating for '{dimension.name}' is no number: {_shown(text)}")
        if not dimensions.ratings[0] <= rating <= dimensions.ratings[-1]:
            scale = f"{dimensions.ratings[0]} to {dimensions.ratings[-1]}"
            raise ReplyError(f"the reply rates '{dimension.name}' {rating:g}, the scale is {scale}")
        scores[dimension.name] = dimensions.score(dimension, rating)
    return scores


def _object(text: str) -> Mapping[str, Any]:
    """The first JSON object in a text."""
    decoder = json.JSONDecoder()
    place = text.find("{")
    while place >= 0:
        try:
            found, _ = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            place = text.find("{", place + 1)
            continue
        return found if isinstance(found, dict) else {}
    raise ReplyError(f"the reply holds no JSON object: {_shown(text)}")


def _shown(text: str) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= SHOWN else line[: SHOWN - 1] + "…")
