"""The record that ReDial, ECR and CFCRS share: one JSON dialogue a line.

The worker in `initiatorWorkerId` is the seeker, the one in `respondentWorkerId` the recommender. A form
(`initiatorQuestions`, `respondentQuestions`) maps a movie id to `suggested`, `seen` and `liked`, each 0 (no), 1 (yes)
or 2 (did not say); `suggested` is 1 by the recommender and 0 by the seeker. A form that was not filled in is an empty
list. The seeker's own form is believed; a movie that it lacks is looked up in the recommender's. ECR adds to a message
`entity` and `emotion` (label to probability), CFCRS `entity`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from ecr_engine.data.cleaning import clean, strip_marks
from ecr_engine.data.reader import MalformedError, Message, Oddity, RawDialogue, Record
from ecr_engine.data.readers._emotions import likely
from ecr_engine.data.records import decode_object, identity, kind, required, text_list
from ecr_engine.data.schema import Emotions, Item, Role

_MENTION = re.compile("@([0-9]+)")
_GLUED = re.compile(r"[^\W_]@[0-9]+|@[0-9]+[^\W\d_]")
_ANSWERS = {0: False, 1: True, 2: None}
_QUESTIONS = ("initiatorQuestions", "respondentQuestions")
_YEAR = re.compile(r"\(\d{4}\)\s*$")
_HTML = re.compile("&(?:#[0-9]+|#[xX][0-9a-fA-F]+|[A-Za-z]+);")


def parse(record: Record) -> RawDialogue:
    """The dialogue in a record.

    Raises:
        MalformedError: it can't be read.
    """
    raw = decode_object(record.lines[0], "a dialogue")
    conversation = clean(str(identity(raw, "conversationId")))
    if not conversation:
        raise MalformedError("'conversationId' is empty")
    # As text: one copy of ReDial has numbers where another has strings, and some mix them within a dialogue.
    seeker, recommender = (str(identity(raw, f"{who}WorkerId")) for who in ("initiator", "respondent"))
    if seeker == recommender:
        raise MalformedError(f"seeker and recommender are the same worker, {seeker}")
    messages = _messages(raw, {seeker: Role.SEEKER, recommender: Role.RECOMMENDER})
    return RawDialogue(conversation, record.split, messages, _items(raw), record.source, record.line)


def marked(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words and the movies of a text in which a movie is `@` and its id."""
    cleaned = clean(text)
    if "@" not in cleaned:
        return (cleaned,), ()
    pieces = _MENTION.split(cleaned)  # words, id, words, id, …, words
    return tuple(pieces[::2]), tuple(pieces[1::2])


def _messages(raw: dict[str, Any], roles: dict[str, Role]) -> tuple[Message, ...]:
    entries = required(raw, "messages")
    if not isinstance(entries, list):
        raise MalformedError(f"'messages' must be a list, found {kind(entries)}")
    messages = tuple(_message(entry, index, roles) for index, entry in enumerate(entries, start=1))
    if all(message.is_blank() for message in messages):
        raise MalformedError("the dialogue has no messages")
    return messages


def _message(entry: Any, index: int, roles: dict[str, Role]) -> Message:
    if not isinstance(entry, dict):
        raise MalformedError(f"message {index} must be a JSON object, found {kind(entry)}")
    for name in ("senderWorkerId", "text"):
        if name not in entry:
            raise MalformedError(f"message {index} has no '{name}'")
    sender, text = entry["senderWorkerId"], entry["text"]
    if not isinstance(text, str):
        raise MalformedError(f"the text of message {index} must be text, found {kind(text)}")
    role = roles.get(str(sender))
    if role is None:
        raise MalformedError(f"message {index} is from {sender!r}, who is neither the seeker nor the recommender")
    words, movies = marked(text)
    entities = text_list(entry["entity"], f"the entities of message {index}") if entry.get("entity") else ()
    emotions = _emotions(entry["emotion"], index) if entry.get("emotion") else ()
    return Message(role, words, movies, entities, emotions)


def _emotions(value: Any, index: int) -> Emotions:
    if not isinstance(value, dict):
        raise MalformedError(f"the emotions of message {index} must be a JSON object, found {kind(value)}")
    return likely(value.items(), f"message {index}")


def _items(raw: dict[str, Any]) -> dict[str, Item]:
    """The mentioned movies, with what the two forms say of them."""
    names = _table(required(raw, "movieMentions"), "movieMentions")
    seeker, recommender = (_table(raw.get(name), name) for name in _QUESTIONS)
    items = {}
    for item_id, name in names.items():
        if name is not None and not isinstance(name, str):
            raise MalformedError(f"the name of movie {item_id} must be text or null, found {kind(name)}")
        form = _table(seeker.get(item_id, recommender.get(item_id)), f"the answers on movie {item_id}")
        liked, seen, suggested = (_answer(form, key, item_id) for key in ("liked", "seen", "suggested"))
        items[item_id] = Item(item_id, clean(name or ""), liked, seen, suggested)
    return items


def _table(value: Any, name: str) -> dict[str, Any]:
    """An object; one that nobody filled in is an empty list or null in ReDial."""
    if value is None or value == []:
        return {}
    if not isinstance(value, dict):
        raise MalformedError(f"'{name}' must be a JSON object, found {kind(value)}")
    return value


def _answer(form: dict[str, Any], key: str, item_id: str) -> bool | None:
    value = form.get(key, 2)
    if not isinstance(value, int) or value not in _ANSWERS:
        raise MalformedError(f"'{key}' of movie {item_id} is {value!r}; it must be 0, 1 or 2")
    return _ANSWERS[value]


def oddities(record: Record) -> Iterator[Oddity]:
    """What is odd in a record that `parse` accepts."""
    raw = decode_object(record.lines[0], "a dialogue")
    yield from _odd_forms(raw)
    yield from _odd_names(raw)
    yield from _odd_messages(raw["messages"])
    if any("timeOffset" not in message for message in raw["messages"]):
        senders = [message["senderWorkerId"] for message in raw["messages"]]
        in_a_row = any(sender == following for sender, following in pairwise(senders))
        how = "" if in_a_row else ", and no sender has two messages in a row: a copy whose messages were merged"
        yield Oddity("messages have no time", f"conversation {raw['conversationId']}{how}")


def _odd_forms(raw: dict[str, Any]) -> Iterator[Oddity]:
    for name in _QUESTIONS:
        if raw.get(name) == []:
            yield Oddity("a form is an empty list where an object belongs", name)
        elif not raw.get(name):
            yield Oddity("a form was not filled in", name)
    seeker, recommender = (_table(raw.get(name), name) for name in _QUESTIONS)
    for item_id in sorted(seeker.keys() & recommender.keys()):
        for key in ("liked", "seen", "suggested"):
            answers = [_table(form[item_id], item_id).get(key, 2) for form in (seeker, recommender)]
            if 2 not in answers and answers[0] != answers[1]:
                yield Oddity(f"the two sides disagree on '{key}'", f"movie {item_id}: {answers[0]} and {answers[1]}")


def _odd_names(raw: dict[str, Any]) -> Iterator[Oddity]:
    for item_id, name in _table(raw["movieMentions"], "movieMentions").items():
        if not (name or "").strip():
            yield Oddity("a movie has no name", f"movie {item_id}: {'null' if name is None else 'blank'}")
        elif not _YEAR.search(name):
            yield Oddity("a movie's name lacks the year", f"movie {item_id}: {name.strip()}")
        if name and name != " ".join(name.split()):
            yield Oddity("a movie's name has stray or double blanks", f"movie {item_id}: {name!r}")


def _odd_messages(messages: list[dict[str, Any]]) -> Iterator[Oddity]:
    kinds: Counter[str] = Counter()
    for message in messages:
        text = message["text"]
        yield from (Oddity("a mention is glued to other characters", found[0]) for found in _GLUED.finditer(text))
        yield from (Oddity("a text holds an HTML entity", found[0]) for found in _HTML.finditer(text))
        if text != text.strip() or "  " in text or "\n" in text or "\t" in text:
            yield Oddity("a text has stray white space", repr(text[:40]))
        if marks := strip_marks(text)[1]:
            yield Oddity("a text holds chat markers or invisible characters", repr(marks[0]))
        kinds["blank"] += not text.strip()
    if kinds["blank"]:
        yield Oddity("a message is blank", f"{kinds['blank']} in one dialogue")
