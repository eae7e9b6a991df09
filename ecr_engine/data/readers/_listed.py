"""Dialogues as a list of messages with `role`, `text` and the titles in `movie`: INSPIRED in CFCRS and UniCRS."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ecr_engine.data.cleaning import clean
from ecr_engine.data.reader import MalformedError, Message, Oddity, RawDialogue, Record
from ecr_engine.data.readers._titles import split_at, title
from ecr_engine.data.records import identity, kind, role_of, text_list
from ecr_engine.data.schema import Item


def dialogue(record: Record, conversation: str, entries: Any) -> RawDialogue:
    """The dialogue in a list of messages; a movie's id is its title.

    Raises:
        MalformedError: it can't be read.
    """
    if not isinstance(entries, list):
        raise MalformedError(f"'dialog' must be a list, found {kind(entries)}")
    messages = tuple(_message(entry, index) for index, entry in enumerate(entries, start=1))
    if all(message.is_blank() for message in messages):
        raise MalformedError("the dialogue has no messages")
    listed = (name for entry in entries for name in _movies(entry))
    items = {name: Item(name, name) for name in listed}
    return RawDialogue(conversation, record.split, messages, items, record.source, record.line)


def oddities(raw: RawDialogue, entries: Sequence[dict[str, Any]]) -> Iterator[Oddity]:
    """What is odd in a list that `dialogue` accepts."""
    for message, entry in zip(raw.messages, entries, strict=True):
        for name in _movies(entry):
            if name not in message.movies:
                yield Oddity("a listed movie is not in the words", f"{name} in {entry['text'][:60]!r}")


def _message(entry: Any, index: int) -> Message:
    if not isinstance(entry, dict):
        raise MalformedError(f"message {index} must be a JSON object, found {kind(entry)}")
    for name in ("role", "text"):
        if name not in entry:
            raise MalformedError(f"message {index} has no '{name}'")
    if not isinstance(entry["text"], str):
        raise MalformedError(f"the text of message {index} must be text, found {kind(entry['text'])}")
    role = role_of(entry["role"], f"the role of message {index}")
    text_list(entry.get("movie", []), f"the movies of message {index}")
    field = "entity" if "entity" in entry else "entity_name"
    entities = text_list(entry.get(field, []), f"the entities of message {index}")
    words, found = split_at(clean(entry["text"]), [title(name, name) for name in _movies(entry)])
    names = (clean(entity) for entity in entities)
    return Message(role, words, tuple(item_id for item_id, _ in found), tuple(dict.fromkeys(filter(None, names))))


def _movies(entry: dict[str, Any]) -> list[str]:
    return [name for name in map(clean, entry.get("movie", [])) if name]


def conversation_of(raw: dict[str, Any]) -> str:
    """The id in `dialog_id`.

    Raises:
        MalformedError: it is missing or empty.
    """
    if not (conversation := clean(str(identity(raw, "dialog_id")))):
        raise MalformedError("'dialog_id' is empty")
    return conversation
