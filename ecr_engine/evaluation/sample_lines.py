"""Samples as lines of JSON: how they are written, and errors that name the field that is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, fields
from typing import Any, TypeVar

from ecr_engine.data.schema import Example, Item, ReferenceLoss, Role, Sample, Turn
from ecr_engine.evaluation.documents import NotFiniteError

T = TypeVar("T")

_KINDS: Mapping[type, str] = {
    str: "a text",
    int: "a whole number",
    float: "a number with a decimal point",
    bool: "true or false",
    list: "a list",
    dict: "an object",
}
"""What the values of JSON are called in errors."""

_LONGEST = 40
"""Characters of a wrong value that an error shows."""


class LineError(ValueError):
    """A line of `samples.jsonl` that is no JSON object."""


class FieldError(ValueError):
    """A field of a sample that holds something else than it has to; the message begins with its name in quotes."""


def sample_to_json(sample: Sample) -> dict[str, Any]:
    """What `sample_from_json` reads."""
    example = sample.example
    return {
        "example_id": example.example_id,
        "conversation_id": example.conversation_id,
        "turn": example.turn,
        "context": [
            {"role": str(turn.role), "text": turn.text, "slots": turn.slots, "items": list(turn.items)}
            for turn in example.context
        ],
        "reference": example.target,
        "response": sample.response,
        "finished": sample.finished,
        "tokens": sample.tokens,
        "items": [asdict(item) for item in example.items],
        "mentioned": list(example.mentioned),
        "emotions": list(example.emotions),
        "source": example.source,
        "line": example.line,
        **loss_to_json(sample.reference_loss),
    }


def sample_from_json(raw: Mapping[str, Any]) -> Sample:
    """The sample that a line of `samples.jsonl` holds.

    Raises:
        KeyError: a field is missing; its name is the key.
        FieldError: a field holds something else than it has to.
    """
    context = tuple(_turn(each, where) for where, each in _entries(raw, "context", dict))
    example = Example(
        example_id=_identity(raw, "example_id"),
        conversation_id=_identity(raw, "conversation_id"),
        turn=field_of(raw, "turn", int),
        context=context,
        target=field_of(raw, "reference", str),
        items=tuple(_item(each, where) for where, each in _entries(raw, "items", dict)),
        mentioned=tuple(each for _, each in _entries(raw, "mentioned", str)),
        emotions=tuple(each for _, each in _entries(raw, "emotions", str)),
        source=field_of(raw, "source", str),
        line=field_of(raw, "line", int),
    )
    return Sample(
        example,
        field_of(raw, "response", str),
        field_of(raw, "finished", bool),
        field_of(raw, "tokens", int),
        loss_from_json(raw),
    )


def loss_to_json(loss: ReferenceLoss | None) -> dict[str, Any]:
    """What `loss_from_json` reads: one field, or none."""
    return {} if loss is None else {"reference_loss": asdict(loss)}


def loss_from_json(raw: Mapping[str, Any]) -> ReferenceLoss | None:
    """The loss of a reference that a line holds; None if it holds none.

    Raises:
        KeyError: it is there in part.
        FieldError: it holds something else than it has to.
    """
    if "reference_loss" not in raw:
        return None
    loss = field_of(raw, "reference_loss", dict)
    nats = field_of(loss, "nats", float, "reference_loss")
    tokens = field_of(loss, "tokens", int, "reference_loss")
    if tokens < 1:
        raise FieldError(f"'reference_loss.tokens' is {tokens}, not 1 or more")
    return ReferenceLoss(nats, tokens)


def parse_line(line: bytes, load: Callable[[str], Any] = json.loads) -> dict[str, Any]:
    """The JSON object in a line of `samples.jsonl`.

    Args:
        line: the line.
        load: reads JSON.

    Raises:
        LineError: it is none.
        NotFiniteError: `load` raises it.
    """
    try:
        # The editors of one system put a byte order mark at the start of a text, and `cat` leaves it where two meet.
        raw = load(line.decode("utf-8-sig"))
    except NotFiniteError:
        raise
    except UnicodeDecodeError as error:
        raise LineError("not UTF-8 text") from error
    except json.JSONDecodeError as error:
        raise LineError(f"a torn line, not JSON: {error.msg}") from error
    except RecursionError as error:
        raise LineError("not a sample: lists or objects are nested too deep") from error
    except ValueError as error:
        raise LineError("not a sample: a number has too many digits") from error
    if not isinstance(raw, dict):
        raise LineError(f"not a sample: {in_words(raw)}, not an object")
    return raw


def _turn(raw: Mapping[str, Any], where: str) -> Turn:
    role = field_of(raw, "role", str, where)
    if role not in set(Role):
        raise FieldError(f"'{where}.role' is {in_words(role)}, not {' or '.join(Role)}")
    items = tuple(each for _, each in _entries(raw, "items", str, where))
    return Turn(Role(role), field_of(raw, "text", str, where), field_of(raw, "slots", str, where), items)


def _item(raw: Mapping[str, Any], where: str) -> Item:
    known = [each.name for each in fields(Item)]
    for key in raw:
        if key not in known:
            raise FieldError(f"'{where}' has an unknown field {in_words(key)}")
    marks = {key: None if raw.get(key) is None else field_of(raw, key, bool, where) for key in known[2:]}
    return Item(field_of(raw, "item_id", str, where), field_of(raw, "name", str, where), **marks)


def _identity(raw: Mapping[str, Any], key: str) -> str:
    """An id, which may be written as a number."""
    return str(raw[key]) if type(raw.get(key)) is int else field_of(raw, key, str)


def _entries(raw: Mapping[str, Any], key: str, kind: type[T], within: str = "") -> Iterator[tuple[str, T]]:
    """Where each entry of a list stands, and what it is."""
    for place, each in enumerate(field_of(raw, key, list, within)):
        where = f"{_path(key, within)}[{place}]"
        yield where, _of_kind(each, kind, where)


def field_of(raw: Mapping[str, Any], key: str, kind: type[T], within: str = "") -> T:
    """The value of a field, which has to be of a kind.

    Args:
        raw: the object that has it.
        key: its name.
        kind: str, int, bool, list or dict.
        within: where the object stands in its line, such as `context[0]`; empty for the line itself.

    Raises:
        KeyError: there is no such field.
        FieldError: it holds something else.
    """
    where = _path(key, within)
    if key not in raw:
        raise KeyError(where)
    return _of_kind(raw[key], kind, where)


def _of_kind(value: Any, kind: type[T], where: str) -> T:
    # To Python, true and false are numbers too.
    if type(value) is not kind:
        raise FieldError(f"'{where}' is {in_words(value)}, not {_KINDS[kind]}")
    return value


def _path(key: str, within: str) -> str:
    return f"{within}.{key}" if within else key


def in_words(value: object) -> str:
    """A JSON value in a few words."""
    if isinstance(value, list | dict):
        return _KINDS[type(value)]
    text = json.dumps(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
