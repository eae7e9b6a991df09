"""The types that dialogues travel in, from the readers to the report."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

SLOT = "<movie>"
"""The slot that stands for a movie in targets and responses."""

EMOTIONS = (
    "like",
    "curious",
    "happy",
    "grateful",
    "negative",
    "neutral",
    "nostalgia",
    "agreement",
    "surprise",
)
"""The nine emotion labels of the ECR paper (arXiv 2409.10527), in its order."""


MOST_EMOTIONS = 2
"""An utterance carries at most so many emotions (ECR paper)."""

Emotions = tuple[tuple[str, float], ...]
"""Emotions that an utterance shows, each with its probability in [0, 1], the likelier first."""


class Role(StrEnum):
    """Who speaks."""

    SEEKER = "seeker"
    RECOMMENDER = "recommender"


class Split(StrEnum):
    """The three parts of a corpus; no conversation is in two of them."""

    TRAIN = "train"
    VALID = "valid"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Item:
    """A movie as one dialogue knows it.

    Attributes:
        item_id: the id behind `@` in raw ReDial.
        name: the movie's name with its year where known; empty if the source has none.
        liked: whether the seeker liked it; None if they did not say.
        seen: whether the seeker has seen it; None if they did not say.
        suggested: whether the recommender brought it up; None if not said.
    """

    item_id: str
    name: str
    liked: bool | None = None
    seen: bool | None = None
    suggested: bool | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """All that one side says before the other side answers (consecutive messages merged).

    Attributes:
        role: the speaker.
        text: the words, with movies by name.
        slots: the words, with `<movie>` in the place of each movie.
        items: ids of the movies, in the order of the slots.
        entities: other entities of the knowledge graph that it mentions, by name, in order of mention.
        emotions: what it shows, at most two of `EMOTIONS`; empty until annotated. A recommender's turn that mentions a
            movie carries what the seeker's next turn shows.
    """

    role: Role
    text: str
    slots: str
    items: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    emotions: Emotions = ()


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One conversation.

    Attributes:
        conversation_id: unique in the corpus.
        turns: alternating turns, oldest first.
        items: the movies that it mentions, by id.
        source: name of the file it was read from.
        line: line in that file, from 1.
    """

    conversation_id: str
    turns: tuple[Turn, ...]
    items: dict[str, Item]
    source: str
    line: int


@dataclass(frozen=True, slots=True)
class Example:
    """One recommender turn to be answered: what was said before it, and what a human answered.

    Attributes:
        example_id: `CONVERSATION:TURN`, unique in the corpus.
        conversation_id: the dialogue it is from.
        turn: index of the target among the dialogue's merged turns, from 0.
        context: the turns before the target, oldest first; may be empty.
        target: the human recommender's words, movies as `<movie>` slots (the reference).
        items: the movies of the target's slots, in order, with the seeker's feedback.
        mentioned: ids of the movies already named in the context.
        emotions: what the seeker's last turn shows, at most two of `EMOTIONS`; empty until annotated.
        source: name of the file it was read from.
        line: line in that file, from 1.
        reply: what the seeker says next, None if nothing. No prompt holds it: it is there for labels, such as how the
            seeker takes the movies of the target.
    """

    example_id: str
    conversation_id: str
    turn: int
    context: tuple[Turn, ...]
    target: str
    items: tuple[Item, ...]
    mentioned: tuple[str, ...]
    emotions: tuple[str, ...]
    source: str
    line: int
    reply: Turn | None = None


@dataclass(frozen=True, slots=True)
class ReferenceLoss:
    """How unexpected a reference is to the model that answered.

    Attributes:
        nats: negative log-likelihood of the reference behind the prompt.
        tokens: of the reference, the stop token included; at least 1.
    """

    nats: float
    tokens: int


@dataclass(frozen=True, slots=True)
class Sample:
    """A response to an example: what rewards, judges and metrics look at.

    Attributes:
        example: the turn that was answered; `example.target` is the reference.
        response: the response's words, decoded, with `<movie>` slots, without the stop token.
        finished: whether the response ended by itself (a stop token within the length limit).
        tokens: number of response tokens, the stop token included.
        reference_loss: the loss of the reference under the model that answered; None where it was not asked for.
    """

    example: Example
    response: str
    finished: bool
    tokens: int
    reference_loss: ReferenceLoss | None = None
