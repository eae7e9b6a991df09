"""Reads raw ReDial (Li et al., NeurIPS 2018): one JSON dialogue a line in `{train,valid,test}_data.jsonl`.

The worker in `initiatorWorkerId` is the seeker, the one in `respondentWorkerId` the recommender. A form
(`initiatorQuestions`, `respondentQuestions`) maps a movie id to `suggested`, `seen` and `liked`, each 0 (no), 1 (yes)
or 2 (did not say); `suggested` is 1 by the recommender and 0 by the seeker. A form that was not filled in is an empty
list. The seeker's own form is believed; a movie that it lacks is looked up in the recommender's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ecr_engine.data.cleaning import clean
from ecr_engine.data.reader import Message, RawDialogue, Reader, Skipped
from ecr_engine.data.schema import Item, Role, Split
from ecr_engine.errors import DataError

_BOM = b"\xef\xbb\xbf"
_ANSWERS = {0: False, 1: True, 2: None}
_FIX = "mend the line, or leave bad dialogues out with --skip-bad"


class _MalformedError(Exception):
    """What is wrong with one line; `read` adds the place."""


class RedialReader:
    """The reader of raw ReDial folders."""

    name = "redial"
    explanation = "train_data.jsonl, and valid_data.jsonl and test_data.jsonl where there are such (ReDial)"

    def recognises(self, source: Path) -> bool:
        """Whether any of the three files is there."""
        return any(_path(source, split).is_file() for split in Split)

    def files(self, source: Path) -> dict[Split, Path]:
        """The files that are there, by split."""
        found = {split: _path(source, split) for split in Split if _path(source, split).is_file()}
        if Split.TRAIN not in found:
            raise DataError(
                "the data folder has no train_data.jsonl",
                at=str(source),
                fix=f"put it beside {next(iter(found.values())).name}",
            )
        return found

    def read(self, source: Path, *, skip_bad: bool) -> Iterator[RawDialogue | Skipped]:
        """The dialogues of the training, validation and test file, in this order."""
        places: dict[str, str] = {}
        for split, path in self.files(source).items():
            for number, line in _lines(path):
                try:
                    dialogue = _dialogue(_decode(line), split, path.name, number)
                    _check_unique(dialogue, places)
                except _MalformedError as error:
                    if not skip_bad:
                        raise DataError.at_line(str(error), path, number, _FIX) from error
                    yield Skipped(split, path.name, number, str(error))
                else:
                    yield dialogue


def build() -> Reader:
    """The reader."""
    return RedialReader()


def _path(source: Path, split: Split) -> Path:
    return source / f"{split}_data.jsonl"


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Line numbers and lines, without line ends, a byte order mark and blank lines."""
    with path.open("rb") as handle:
        for number, line in enumerate(handle, start=1):
            text = (line.removeprefix(_BOM) if number == 1 else line).rstrip()
            if text:
                yield number, text


def _check_unique(dialogue: RawDialogue, places: dict[str, str]) -> None:
    place = f"{dialogue.source}:{dialogue.line}"
    first = places.setdefault(dialogue.conversation_id, place)
    if first != place:
        raise _MalformedError(f"conversation '{dialogue.conversation_id}' is there twice; the first is at {first}")


def _decode(line: bytes) -> dict[str, Any]:
    try:
        raw = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise _MalformedError(
            f"the line is not UTF-8: byte 0x{line[error.start]:02x} at column {error.start + 1}"
        ) from error
    except json.JSONDecodeError as error:
        raise _MalformedError(f"the line is not JSON: {error.msg} at column {error.colno}") from error
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits; thousands of nested brackets
        raise _MalformedError("the line is not JSON that can be read: a number or a nesting is too long") from error
    if not isinstance(raw, dict):
        raise _MalformedError(f"the line is not a dialogue: expected a JSON object, found {_kind(raw)}")
    return raw


def _dialogue(raw: dict[str, Any], split: Split, source: str, line: int) -> RawDialogue:
    identity = clean(str(_identity(raw, "conversationId")))
    if not identity:
        raise _MalformedError("'conversationId' is empty")
    seeker, recommender = _identity(raw, "initiatorWorkerId"), _identity(raw, "respondentWorkerId")
    if seeker == recommender:
        raise _MalformedError(f"seeker and recommender are the same worker, {seeker}")
    messages = _messages(raw, {seeker: Role.SEEKER, recommender: Role.RECOMMENDER})
    return RawDialogue(identity, split, messages, _items(raw), source, line)


def _identity(raw: dict[str, Any], name: str) -> str | int:
    value = _required(raw, name)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise _MalformedError(f"'{name}' must be text or a whole number, found {_kind(value)}")
    return value


def _required(raw: dict[str, Any], name: str) -> Any:
    if name not in raw:
        raise _MalformedError(f"the field '{name}' is missing")
    return raw[name]


def _messages(raw: dict[str, Any], roles: dict[str | int, Role]) -> tuple[Message, ...]:
    entries = _required(raw, "messages")
    if not isinstance(entries, list):
        raise _MalformedError(f"'messages' must be a list, found {_kind(entries)}")
    messages = tuple(_message(entry, index, roles) for index, entry in enumerate(entries, start=1))
    if not any(message.text for message in messages):
        raise _MalformedError("the dialogue has no messages")
    return messages


def _message(entry: Any, index: int, roles: dict[str | int, Role]) -> Message:
    if not isinstance(entry, dict):
        raise _MalformedError(f"message {index} must be a JSON object, found {_kind(entry)}")
    for name in ("senderWorkerId", "text"):
        if name not in entry:
            raise _MalformedError(f"message {index} has no '{name}'")
    sender, text = entry["senderWorkerId"], entry["text"]
    if not isinstance(text, str):
        raise _MalformedError(f"the text of message {index} must be text, found {_kind(text)}")
    if not isinstance(sender, str | int) or sender not in roles:
        raise _MalformedError(f"message {index} is from {sender!r}, who is neither the seeker nor the recommender")
    return Message(roles[sender], clean(text))


def _items(raw: dict[str, Any]) -> dict[str, Item]:
    """The mentioned movies, with what the two forms say of them."""
    names = _table(_required(raw, "movieMentions"), "movieMentions")
    seeker = _table(raw.get("initiatorQuestions"), "initiatorQuestions")
    recommender = _table(raw.get("respondentQuestions"), "respondentQuestions")
    items = {}
    for item_id, name in names.items():
        if name is not None and not isinstance(name, str):
            raise _MalformedError(f"the name of movie {item_id} must be text or null, found {_kind(name)}")
        form = _table(seeker.get(item_id, recommender.get(item_id)), f"the answers on movie {item_id}")
        liked, seen, suggested = (_answer(form, key, item_id) for key in ("liked", "seen", "suggested"))
        items[item_id] = Item(item_id, clean(name or ""), liked, seen, suggested)
    return items


def _table(value: Any, name: str) -> dict[str, Any]:
    """An object; one that nobody filled in is an empty list or null in ReDial."""
    if value is None or value == []:
        return {}
    if not isinstance(value, dict):
        raise _MalformedError(f"'{name}' must be a JSON object, found {_kind(value)}")
    return value


def _answer(form: dict[str, Any], key: str, item_id: str) -> bool | None:
    value = form.get(key, 2)
    if not isinstance(value, int) or value not in _ANSWERS:
        raise _MalformedError(f"'{key}' of movie {item_id} is {value!r}; it must be 0, 1 or 2")
    return _ANSWERS[value]


def _kind(value: Any) -> str:
    """What JSON calls a value."""
    if value is None:
        return "null"
    names = {bool: "true or false", dict: "an object", list: "a list", str: "text", int: "a number", float: "a number"}
    return names[type(value)]
