"""What language models are told when they judge: one wording for models that run here and for endpoints.

A prompt has three parts, so that the parts that stay the same come first and need to be read only once:

1. the task and the dimensions with their rubrics (`task_text`), the same for all responses;
2. the dialogue and the response, or several responses under pseudonyms (`case_text`);
3. the question for one dimension (`question_text`), or for all of them as JSON (`json_question`).
"""

from __future__ import annotations

from collections.abc import Sequence

from ecr_engine.data.cleaning import strip_marks
from ecr_engine.data.prompts import clean
from ecr_engine.data.schema import SLOT, Turn
from ecr_engine.scoring.dimensions import Dimension, DimensionSet

VERSION = 1
"""Goes up when a word changes; scores under different wordings are not the same scores."""

LEAD = "Rating:"
"""What the answer to a question begins with; the rating follows after a space."""

NO_TURNS = "(the dialogue has just begun)"


def task_text(dimensions: DimensionSet, *, several: bool = False) -> str:
    """The task, and what each dimension and its ratings mean.

    Args:
        dimensions: what is scored.
        several: whether several responses to one dialogue are compared.
    """
    first, last = dimensions.ratings[0], dimensions.ratings[-1]
    what = "the responses that different recommenders gave" if several else "a recommender's response"
    lines = [
        f"You rate {what} in a dialogue about movies. {SLOT} stands for a movie's title.",
        f"Each rating is a whole number from {first} (worst) to {last} (best).",
        "",
    ]
    for dimension in dimensions.dimensions:
        levels = "; ".join(f"{level.rating} = {level.words}" for level in dimension.levels)
        lines.append(f"{dimension.title}: {dimension.definition} {levels}.")
    return "\n".join(lines)


def case_text(turns: Sequence[Turn], responses: Sequence[tuple[str, str]], markers: Sequence[str] = ()) -> str:
    """The dialogue and what is judged.

    Args:
        turns: the context, oldest first; may be empty.
        responses: pseudonym and text of each response; a single one has an empty pseudonym.
        markers: tokens with a meaning of their own, which no text may contain.
    """
    dialogue = [f"{turn.role.value}: {spoken(turn.text, markers)}" for turn in turns] or [NO_TURNS]
    judged = [f"Response {name}:".replace(" :", ":") + f" {spoken(text, markers)}" for name, text in responses]
    return "\n".join(["Dialogue:", *dialogue, "", *judged])


def spoken(text: str, markers: Sequence[str] = ()) -> str:
    """A text in one line, without markers and what can't be printed: so it can't pass for another part of the prompt.

    Args:
        text: what somebody said.
        markers: tokens with a meaning of their own.
    """
    return " ".join(clean(strip_marks(text)[0], markers).split())


def question_text(dimension: Dimension, dimensions: DimensionSet, pseudonym: str = "") -> str:
    """The question for one dimension of the response, or of the one with this pseudonym."""
    first, last = dimensions.ratings[0], dimensions.ratings[-1]
    whose = f" of response {pseudonym}" if pseudonym else ""
    return f"Rate the {dimension.title}{whose}, {first} to {last}."


def json_question(dimensions: DimensionSet) -> str:
    """The question for all dimensions at once, to be answered with one JSON object of ratings."""
    form = ", ".join(f'"{name}": rating' for name in dimensions.names)
    return f"Rate the response. Answer with JSON only, in the form {{{form}}}."
