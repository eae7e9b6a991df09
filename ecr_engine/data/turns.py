"""From messages to turns, and from turns to examples: what ReDial calls a dialogue becomes what a model learns from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from ecr_engine.data.names import repaired
from ecr_engine.data.reader import Message, Names, RawDialogue
from ecr_engine.data.schema import MOST_EMOTIONS, SLOT, Dialogue, Emotions, Example, Item, Role, Turn

UNNAMED = "a movie"
"""How a movie whose name nobody knows is written in `Turn.text`."""

Linker = Callable[[str], tuple[str, ...]]
"""Finds the knowledge-graph entities, other than movies, that a text with slots mentions; by name, in order."""


def merge(raw: RawDialogue, names: Names | None = None, link: Linker | None = None) -> Dialogue:
    """The dialogue in alternating turns.

    Consecutive messages of one sender become one turn; blank messages go. A movie that the source's list lacks, or
    lists without a name that `names` could repair, is a slot like any other: its item has an empty name, and the text
    says `a movie`.

    Args:
        raw: what a reader found.
        names: movie names by id, for movies that the source names badly.
        link: finds entities in turns for which the source gives none.
    """
    items = {item_id: repaired(item, names or {}) for item_id, item in raw.items.items()}
    spoken = (message for message in raw.messages if not message.is_blank())
    turns = [
        _turn(role, list(group), items, names or {}, link)
        for role, group in groupby(spoken, key=lambda message: message.role)
    ]
    return Dialogue(raw.conversation_id, tuple(passed_on(turns)), items, raw.source, raw.line)


def passed_on(turns: Sequence[Turn]) -> Iterator[Turn]:
    """The turns; a recommender's mention of a movie carries the emotions of the seeker's next turn (ECR paper)."""
    for index, turn in enumerate(turns):
        if turn.role is Role.RECOMMENDER and turn.items and index + 1 < len(turns):
            answer = turns[index + 1].emotions
            yield turn if turn.emotions == answer else replace(turn, emotions=answer)
        else:
            yield turn


def examples(dialogue: Dialogue) -> Iterator[Example]:
    """One example for each recommender turn, an opening one included (its context is empty)."""
    mentioned: dict[str, None] = {}
    for index, turn in enumerate(dialogue.turns):
        if turn.role is Role.RECOMMENDER:
            following = dialogue.turns[index + 1 : index + 2]
            yield Example(
                example_id=f"{dialogue.conversation_id}:{index}",
                conversation_id=dialogue.conversation_id,
                turn=index,
                context=dialogue.turns[:index],
                target=turn.slots,
                items=tuple(dialogue.items[item_id] for item_id in turn.items),
                mentioned=tuple(mentioned),
                emotions=tuple(label for label, _ in dialogue.turns[index - 1].emotions) if index else (),
                source=dialogue.source,
                line=dialogue.line,
                reply=following[0] if following else None,
            )
        mentioned.update(dict.fromkeys(turn.items))


def _turn(role: Role, messages: Sequence[Message], items: dict[str, Item], names: Names, link: Linker | None) -> Turn:
    """One turn; a movie that `items` lacks is added to it."""
    words, ids = _joined(messages)
    for item_id in ids:
        if item_id not in items:
            items[item_id] = repaired(Item(item_id, ""), names)
    slots = weave(words, [SLOT] * len(ids)) if ids else words[0]
    text = weave(words, [items[item_id].name or UNNAMED for item_id in ids]) if ids else words[0]
    entities = tuple(dict.fromkeys(entity for message in messages for entity in message.entities))
    if not entities and link is not None:
        entities = link(slots)
    return Turn(role, text, slots, tuple(ids), entities, _emotions(messages))


def _joined(messages: Sequence[Message]) -> tuple[list[str], list[str]]:
    """The words and movies of messages as if sent in one, a blank between them."""
    words, ids = list(messages[0].words), list(messages[0].movies)
    for message in messages[1:]:
        words[-1] = f"{words[-1]} {message.words[0]}"
        words += message.words[1:]
        ids += message.movies
    return words, ids


def _emotions(messages: Sequence[Message]) -> Emotions:
    """The likeliest emotions of the messages; one that several show keeps its highest probability."""
    best: dict[str, float] = {}
    for message in messages:
        for label, probability in message.emotions:
            best[label] = max(probability, best.get(label, 0.0))
    return tuple(sorted(best.items(), key=lambda pair: -pair[1])[:MOST_EMOTIONS])


def weave(words: Sequence[str], movies: Iterable[str]) -> str:
    """Words and movies in turn, with a blank where a movie is glued to a letter, a digit or another movie.

    Args:
        words: what stands between the movies; one more than there are movies.
        movies: names or slots.
    """
    text = words[0]
    for movie, following in zip(movies, words[1:], strict=True):
        before = " " if text and (text[-1].isalnum() or text[-1] in ")>") else ""
        after = " " if following and following[0].isalnum() else ""
        text += before + movie + after + following
    return text
