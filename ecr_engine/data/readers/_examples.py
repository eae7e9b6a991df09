"""Our own examples from JSON, checked: what a person edited may not crash what comes after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ecr_engine.data import store
from ecr_engine.data.reader import MalformedError
from ecr_engine.data.readers._emotions import likely
from ecr_engine.data.records import kind, required, text_list
from ecr_engine.data.schema import EMOTIONS, SLOT, Example

_TEXTS = ("example_id", "conversation_id", "target", "source")
_NUMBERS = ("turn", "line")
_FEEDBACK = ("liked", "seen", "suggested")


def example_of(raw: Any) -> Example:
    """The example in a decoded object.

    Raises:
        MalformedError: it is none.
    """
    if not isinstance(raw, dict):
        raise MalformedError(f"an example must be a JSON object, found {kind(raw)}")
    for name in _TEXTS:
        _text(raw, name)
    for name in _NUMBERS:
        if isinstance(required(raw, name), bool) or not isinstance(raw[name], int):
            raise MalformedError(f"'{name}' must be a whole number, found {kind(raw[name])}")
    turns = _objects(required(raw, "context"), "context")
    if required(raw, "reply") is not None:
        turns = [*turns, *_objects([raw["reply"]], "reply")]
    for turn in turns:
        _check_turn(turn)
    items = _objects(required(raw, "items"), "items")
    for item in items:
        _check_item(item)
    _check_slots(raw["target"], items, "the target")
    text_list(required(raw, "mentioned"), "mentioned")
    _check_labels(text_list(required(raw, "emotions"), "emotions"))
    return store.from_json(raw)


def _text(raw: dict[str, Any], name: str) -> str:
    value = required(raw, name)
    if not isinstance(value, str):
        raise MalformedError(f"'{name}' must be text, found {kind(value)}")
    return value


def _objects(value: Any, name: str) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        raise MalformedError(f"'{name}' must be a list, found {kind(value)}")
    for entry in value:
        if not isinstance(entry, dict):
            raise MalformedError(f"'{name}' must hold JSON objects, found {kind(entry)}")
    return value


def _check_turn(turn: dict[str, Any]) -> None:
    if _text(turn, "role") not in ("seeker", "recommender"):
        raise MalformedError(f"'role' must be seeker or recommender, found '{turn['role']}'")
    _text(turn, "text")
    _check_slots(_text(turn, "slots"), text_list(required(turn, "items"), "items"), "a turn")
    text_list(required(turn, "entities"), "entities")
    shown = _objects(required(turn, "emotions"), "emotions")
    labels = [_text(one, "label") for one in shown]
    likely(zip(labels, (required(one, "probability") for one in shown), strict=True), "a turn")


def _check_item(item: dict[str, Any]) -> None:
    _text(item, "item_id")
    _text(item, "name")
    for name in _FEEDBACK:
        if required(item, name) is not None and not isinstance(item[name], bool):
            raise MalformedError(f"'{name}' of a movie must be true, false or null, found {kind(item[name])}")


def _check_slots(text: str, items: Sequence[object], what: str) -> None:
    if (slots := text.count(SLOT)) != len(items):
        raise MalformedError(f"{what} has {slots} {SLOT} and {len(items)} movies")


def _check_labels(labels: Sequence[Any]) -> None:
    for label in labels:
        if label not in EMOTIONS:
            raise MalformedError(f"unknown emotion {label!r}; known are {', '.join(EMOTIONS)}")
