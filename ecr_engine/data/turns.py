"""From messages to turns, and from turns to examples: what ReDial calls a dialogue becomes what a model learns from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby

from ecr_engine.data.reader import RawDialogue
from ecr_engine.data.schema import SLOT, Dialogue, Example, Item, Role, Turn

UNNAMED = "a movie"
"""How a movie whose name nobody knows is written in `Turn.text`."""

_MENTION = re.compile("@([0-9]+)")


def merge(raw: RawDialogue) -> Dialogue:
    """The dialogue in alternating turns.

    Consecutive messages of one sender become one turn; blank messages go. An `@id` that the source's list of movies
    lacks, or lists without a name, is a slot like any other: its item has an empty name, and the text says `a movie`.
    """
    items = dict(raw.items)
    spoken = (message for message in raw.messages if message.text)
    turns = tuple(
        _turn(role, " ".join(message.text for message in group), items)
        for role, group in groupby(spoken, key=lambda message: message.role)
    )
    return Dialogue(raw.conversation_id, turns, items, raw.source, raw.line)


def examples(dialogue: Dialogue) -> Iterator[Example]:
    """One example for each recommender turn, an opening one included (its context is empty)."""
    mentioned: dict[str, None] = {}
    for index, turn in enumerate(dialogue.turns):
        if turn.role is Role.RECOMMENDER:
            yield Example(
                example_id=f"{dialogue.conversation_id}:{index}",
                conversation_id=dialogue.conversation_id,
                turn=index,
                context=dialogue.turns[:index],
                target=turn.slots,
                items=tuple(dialogue.items[item_id] for item_id in turn.items),
                mentioned=tuple(mentioned),
                emotions=(),
                source=dialogue.source,
                line=dialogue.line,
            )
        mentioned.update(dict.fromkeys(turn.items))


def _turn(role: Role, words: str, items: dict[str, Item]) -> Turn:
    """One turn; a movie that `items` lacks is added to it."""
    pieces = _MENTION.split(words)  # words, id, words, id, …, words
    ids = tuple(pieces[1::2])
    for item_id in ids:
        if item_id not in items:
            items[item_id] = Item(item_id, "")
    names = [items[item_id].name or UNNAMED for item_id in ids]
    return Turn(role, _weave(pieces[::2], names), _weave(pieces[::2], [SLOT] * len(ids)), ids)


def _weave(words: list[str], movies: Iterable[str]) -> str:
    """Words and movies in turn, with a blank where a movie is glued to a letter, a digit or another movie."""
    text = words[0]
    for movie, following in zip(movies, words[1:], strict=True):
        before = " " if text and (text[-1].isalnum() or text[-1] in ")>") else ""
        after = " " if following and following[0].isalnum() else ""
        text += before + movie + after + following
    return text
