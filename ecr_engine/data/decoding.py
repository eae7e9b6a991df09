"""Our own examples from JSON, checked: what a person edited may not crash what comes after.

There are two grades of wrong. What has the wrong shape is no example at all (`example_of`). What has the right shape
may still contradict itself, by an emotion that nobody knows or a slot without a movie (`check`): training can't take
it, but `ecrctl data validate` can tell it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ecr_engine.data.reader import MalformedError
from ecr_engine.data.records import kind, required, text_list
from ecr_engine.data.schema import EMOTIONS, SLOT, Emotions, Example, Item, Role, Turn

_ROLES = {role.value: role for role in Role}


def strict_example(raw: Any) -> Example:
    """The example in a decoded line, in which everything fits.

    Raises:
        MalformedError: it is no example, or contradicts itself.
    """
    example = example_of(raw)
    check(example)
    return example


def example_of(raw: Any) -> Example:
    """The example in a decoded line; each of its fields has its type.

    Raises:
        MalformedError: it is no example.
    """
    if not isinstance(raw, dict):
        raise MalformedError(f"an example must be a JSON object, found {kind(raw)}")
    return Example(
        example_id=_text(raw, "example_id"),
        conversation_id=_text(raw, "conversation_id"),
        turn=_number(raw, "turn"),
        context=tuple([_turn(entry) for entry in _objects(raw, "context")]),
        target=_text(raw, "target"),
        items=tuple([_item(entry) for entry in _objects(raw, "items")]),
        mentioned=_texts(raw, "mentioned"),
        emotions=_texts(raw, "emotions"),
        source=_text(raw, "source"),
        line=_number(raw, "line"),
        reply=_reply(required(raw, "reply")),
    )


def check(example: Example) -> None:
    """Whether all in an example fits: slots and movies, emotions and what is known of them.

    Raises:
        MalformedError: it does not.
    """
    for turn in example.context:
        _check_turn(turn)
    if example.reply is not None:
        _check_turn(example.reply)
    _check_slots(example.target, example.items, "the target")
    for label in example.emotions:
        if label not in EMOTIONS:
            raise MalformedError(f"unknown emotion {label!r}; known are {', '.join(EMOTIONS)}")


def check_distinct(examples: Iterable[Example]) -> None:
    """Whether examples of one conversation are of different turns.

    Raises:
        MalformedError: two of them have one id or one turn.
    """
    ids: set[str] = set()
    turns: set[int] = set()
    for example in examples:
        if example.example_id in ids:
            raise MalformedError(f"example '{example.example_id}' is there twice")
        if example.turn in turns:
            raise MalformedError(f"turn {example.turn} of conversation '{example.conversation_id}' is there twice")
        ids.add(example.example_id)
        turns.add(example.turn)


def _reply(value: Any) -> Turn | None:
    if value is not None and not isinstance(value, dict):
        raise MalformedError(f"'reply' must be a turn or null, found {kind(value)}")
    return None if value is None else _turn(value)


def _turn(raw: dict[str, Any]) -> Turn:
    role = _ROLES.get(_text(raw, "role"))
    if role is None:
        raise MalformedError(f"'role' must be seeker or recommender, found '{raw['role']}'")
    emotions: Emotions = tuple([(_text(shown, "label"), _probability(shown)) for shown in _objects(raw, "emotions")])
    return Turn(role, _text(raw, "text"), _text(raw, "slots"), _texts(raw, "items"), _texts(raw, "entities"), emotions)


def _item(raw: dict[str, Any]) -> Item:
    return Item(
        _text(raw, "item_id"),
        _text(raw, "name"),
        _answer(raw, "liked"),
        _answer(raw, "seen"),
        _answer(raw, "suggested"),
    )


def _text(raw: dict[str, Any], name: str) -> str:
    value = required(raw, name)
    if not isinstance(value, str):
        raise MalformedError(f"'{name}' must be text, found {kind(value)}")
    return value


def _number(raw: dict[str, Any], name: str) -> int:
    value = required(raw, name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise MalformedError(f"'{name}' must be a whole number, found {kind(value)}")
    return value


def _texts(raw: dict[str, Any], name: str) -> tuple[str, ...]:
    value = required(raw, name)
    return () if value == [] else text_list(value, name)


def _objects(raw: dict[str, Any], name: str) -> list[dict[str, Any]]:
    value = required(raw, name)
    if not isinstance(value, list):
        raise MalformedError(f"'{name}' must be a list, found {kind(value)}")
    for entry in value:
        if not isinstance(entry, dict):
            raise MalformedError(f"'{name}' must hold JSON objects, found {kind(entry)}")
    return value


def _answer(raw: dict[str, Any], name: str) -> bool | None:
    value = required(raw, name)
    if value is not None and not isinstance(value, bool):
        raise MalformedError(f"'{name}' of a movie must be true, false or null, found {kind(value)}")
    return value


def _probability(shown: dict[str, Any]) -> float:
    value = required(shown, "probability")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise MalformedError(f"'probability' must be a number, found {kind(value)}")
    try:
        return float(value)
    except OverflowError as error:  # JSON's whole numbers have no limit
        raise MalformedError("'probability' must be a number in 0 to 1") from error


def _check_turn(turn: Turn) -> None:
    _check_slots(turn.slots, turn.items, "a turn")
    for label, probability in turn.emotions:
        if label not in EMOTIONS:
            raise MalformedError(f"a turn has the emotion '{label}'; known are {', '.join(EMOTIONS)}")
        if not 0 <= probability <= 1:
            raise MalformedError(f"the probability of '{label}' in a turn is {probability:g}, not in 0 to 1")


def _check_slots(text: str, items: Sequence[object], what: str) -> None:
    if (slots := text.count(SLOT)) != len(items):
        raise MalformedError(f"{what} has {slots} {SLOT} and {len(items)} movies")
