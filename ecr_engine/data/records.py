"""JSON records, taken strictly: each way in which a line can be wrong has its sentence."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from ecr_engine.data.reader import MalformedError
from ecr_engine.data.schema import Role

_ROLES = {role.value: role for role in Role}


def _refuse_constant(text: str) -> NoReturn:
    raise MalformedError(f"the line is not JSON: {text} is no JSON number")


# An escaped half of a pair without the other half.
_HALF = re.compile(rb"\\u[dD][89abAB]..(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F]")

_decoder = json.JSONDecoder(parse_constant=_refuse_constant)


def decode(line: bytes) -> Any:
    """The JSON value of a line, without halves of surrogate pairs, which no UTF-8 file can hold.

    Raises:
        MalformedError: it is not UTF-8, not JSON, or JSON that no reader should take (NaN, huge numbers or nesting).
    """
    try:
        value = _decoder.decode(line.decode("utf-8"))
        escapes = b"\\ud" in line or b"\\uD" in line  # asked first: the search alone would take a tenth of the time
        return _without_halves(value) if escapes and _HALF.search(line) else value
    except UnicodeDecodeError as error:
        raise MalformedError(
            f"the line is not UTF-8: byte 0x{line[error.start]:02x} at column {error.start + 1}"
        ) from error
    except json.JSONDecodeError as error:
        what = f"{error.msg.removesuffix(' at')} at column {error.colno}"
        raise MalformedError(f"the line is not JSON: {what}") from error
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits; thousands of nested brackets
        raise MalformedError("the line is not JSON that can be read: a number or a nesting is too long") from error


def _without_halves(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "ignore").decode("utf-8")
    if isinstance(value, list):
        return [_without_halves(entry) for entry in value]
    if isinstance(value, dict):
        return {_without_halves(key): _without_halves(entry) for key, entry in value.items()}
    return value


def decode_object(line: bytes, what: str) -> dict[str, Any]:
    """The JSON object of a line.

    Args:
        line: the bytes.
        what: what the object should be, such as "a dialogue".

    Raises:
        MalformedError: it is something else.
    """
    raw = decode(line)
    if not isinstance(raw, dict):
        raise MalformedError(f"the line is not {what}: expected a JSON object, found {kind(raw)}")
    return raw


def required(raw: dict[str, Any], name: str) -> Any:
    """A field that must be there.

    Raises:
        MalformedError: it is missing.
    """
    if name not in raw:
        raise MalformedError(f"the field '{name}' is missing")
    return raw[name]


def identity(raw: dict[str, Any], name: str) -> str | int:
    """A field that names something: text or a whole number.

    Raises:
        MalformedError: it is missing or something else.
    """
    value = required(raw, name)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise MalformedError(f"'{name}' must be text or a whole number, found {kind(value)}")
    return value


def text_list(value: Any, name: str) -> tuple[str, ...]:
    """A list of texts.

    Args:
        value: what the record has.
        name: the field, or what is said of it in messages, such as "the movies of message 2".

    Raises:
        MalformedError: it is something else, or holds something else.
    """
    what = name if " " in name else f"'{name}'"
    if not isinstance(value, list):
        raise MalformedError(f"{what} must be a list, found {kind(value)}")
    for entry in value:
        if not isinstance(entry, str):
            raise MalformedError(f"{what} must hold texts, found {kind(entry)}")
    return tuple(value)


def role_of(value: Any, what: str) -> Role:
    """The speaker that a text names, in capitals or not.

    Args:
        value: what the record has.
        what: what is said of it in messages, such as "the role of message 2".

    Raises:
        MalformedError: it names nobody.
    """
    role = _ROLES.get(value.lower()) if isinstance(value, str) else None
    if role is None:
        raise MalformedError(f"{what} must be seeker or recommender, found {value!r}")
    return role


def kind(value: Any) -> str:
    """What JSON calls a value."""
    if value is None:
        return "null"
    names = {bool: "true or false", dict: "an object", list: "a list", str: "text", int: "a number", float: "a number"}
    return names[type(value)]
