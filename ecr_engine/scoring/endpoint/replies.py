"""What comes back from an endpoint: the body of an answer, read strictly."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from ecr_engine.scoring.dimensions import Dimension, DimensionSet

SHOWN = 80
"""Characters of a text that a failure shows."""

_NUMBER = re.compile(r"(?:rating:?\s*)?(\d+(?:\.\d+)?)\.?", re.IGNORECASE)


class BadAnswerError(Exception):
    """An answer that holds no rating; the message says why."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model said.

    Attributes:
        text: its words.
        choices: for each token, the tokens that were likely there, with their log-probabilities; empty where the server
            does not say.
        prompt_tokens: tokens of the prompt; 0 where the server does not say.
        model: the model as the server calls it; empty where it does not say.
    """

    text: str
    choices: Sequence[Mapping[str, float]]
    prompt_tokens: int
    model: str


def shown(text: str) -> str:
    """A text of a server in quotes, on one line, and cut short."""
    line = " ".join(text.split())
    return repr(line if len(line) <= SHOWN else line[: SHOWN - 1] + "…")


def read_body(body: bytes) -> Reply:
    """The reply in the body of an answer.

    Raises:
        BadAnswerError: there is none.
    """
    try:
        raw = json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        text = body.decode("utf-8", "replace")
        raise BadAnswerError(f"the endpoint's answer is not JSON: {shown(text)}") from error
    try:
        choice = raw["choices"][0]
        message = choice["message"]
        refusal, text = message.get("refusal"), message["content"]
        if refusal:
            raise BadAnswerError(f"the model refuses: {shown(str(refusal))}")
        if not isinstance(text, str):
            raise BadAnswerError("the reply is empty")
        return Reply(text, _choices(choice.get("logprobs")), _tokens(raw.get("usage")), str(raw.get("model") or ""))
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        text = body.decode("utf-8", "replace")
        raise BadAnswerError(f"the endpoint's answer holds no reply: {shown(text)}") from error


def read_error(body: bytes) -> str:
    """The message in the body of an error, in quotes; empty if there is none."""
    text = body.decode("utf-8", "replace")
    try:
        raw = json.loads(text)
        found = raw["error"] if "error" in raw else raw["message"]
        text = str(found["message"] if isinstance(found, dict) else found)
    except (ValueError, RecursionError, KeyError, TypeError):
        pass
    return shown(text) if text.strip() else ""


def read_rating(reply: Reply, dimension: Dimension, dimensions: DimensionSet) -> tuple[float, str]:
    """The score in a reply to the question for one dimension, and how it was found.

    The reply has to be one number on the scale. Where the server says how likely the other ratings were in its place,
    the score is that of their mean; else that of the number.

    Raises:
        BadAnswerError: it is not one number on the scale.
    """
    first, last = dimensions.ratings[0], dimensions.ratings[-1]
    written = _NUMBER.fullmatch(reply.text.strip())
    if written is None:
        raise BadAnswerError(f"the reply for '{dimension.name}' is no number from {first} to {last}: {_said(reply)}")
    rating = float(written.group(1))
    if not first <= rating <= last:
        raise BadAnswerError(f"the reply for '{dimension.name}' is not from {first} to {last}: {_said(reply)}")
    places = (_known(each, dimensions) for each in reply.choices)
    weights = next((known for known in places if _rating_of(written.group(1), dimensions) in known), None)
    if weights is None:
        return dimensions.score(dimension, rating), "the number that it wrote"
    mean = sum(rating * weight for rating, weight in weights.items()) / sum(weights.values())
    # A mean of ratings lies among them; its rounding may not.
    return dimensions.score(dimension, min(max(mean, first), last)), "mean over the log-probabilities of the ratings"


def _rating_of(text: str, dimensions: DimensionSet) -> int:
    """The rating that a text spells; one that no scale has if it spells none."""
    return next((rating for rating in dimensions.ratings if str(rating) == text), -1)


def _known(choices: Mapping[str, float], dimensions: DimensionSet) -> dict[int, float]:
    """Probability of each rating among the tokens that were likely at one place."""
    found: dict[int, float] = {}
    for token, log in choices.items():
        rating = _rating_of(token.strip(), dimensions)
        if rating >= 0:
            found[rating] = found.get(rating, 0.0) + math.exp(min(0.0, log))
    return found if sum(found.values()) > 0 else {}


def _choices(raw: Any) -> list[dict[str, float]]:
    if not isinstance(raw, dict) or not raw.get("content"):
        return []
    found = []
    for place in raw["content"]:
        likely = {str(place["token"]): float(place["logprob"])}
        likely |= {str(each["token"]): float(each["logprob"]) for each in place.get("top_logprobs") or ()}
        found.append(likely)
    return found


def _tokens(usage: Any) -> int:
    count = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    return count if isinstance(count, int) and count > 0 else 0


def _said(reply: Reply) -> str:
    return shown(reply.text)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
