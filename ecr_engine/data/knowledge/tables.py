"""The JSON files of published graphs, taken strictly: each way in which one can be wrong has its sentence."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from ecr_engine.data.files import SourceFiles
from ecr_engine.data.reader import MalformedError
from ecr_engine.data.records import kind
from ecr_engine.errors import DataError

LARGEST = 256 * 2**20
"""A file of more bytes is no graph of movies; the largest published one has 5 million."""

FETCH = "fetch the file again"


def content(files: SourceFiles, name: str) -> Any:
    """The JSON value of a file.

    Raises:
        DataError: it can't be read, is not UTF-8, not JSON, or JSON that no one should take (NaN, a name twice).
    """
    with files.open(name) as handle:
        raw = handle.read(LARGEST + 1)
    if len(raw) > LARGEST:
        raise fault(files, name, f"the file is larger than {LARGEST:,} bytes")
    try:
        return json.loads(raw.decode("utf-8-sig"), parse_constant=_no_number, object_pairs_hook=_object)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise fault(files, name, f"the file is not UTF-8: byte 0x{raw[error.start]:02x}", line) from error
    except json.JSONDecodeError as error:
        text = f"the file is not JSON: {error.msg} at column {error.colno}"
        raise fault(files, name, text, error.lineno) from error
    except MalformedError as error:
        raise fault(files, name, f"the file is not JSON that can be trusted: {error}") from error
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits; thousands of nested brackets
        raise fault(files, name, "the file is not JSON that can be read: a number or a nesting is too long") from error


def fault(files: SourceFiles, name: str, what: str, line: int | None = None) -> DataError:
    """The error for a file that is not as it should be."""
    place = files.shown(name)
    return DataError(what, at=place if line is None else f"{place}:{line}", fix=FETCH)


def an_object(value: Any, what: str) -> dict[str, Any]:
    """A JSON object.

    Raises:
        MalformedError: it is something else.
    """
    if not isinstance(value, dict):
        raise MalformedError(f"{what} must be a JSON object, found {kind(value)}")
    return value


def a_list(value: Any, what: str) -> list[Any]:
    """A JSON list.

    Raises:
        MalformedError: it is something else.
    """
    if not isinstance(value, list):
        raise MalformedError(f"{what} must be a list, found {kind(value)}")
    return value


def a_text(value: Any, what: str) -> str:
    """A JSON text.

    Raises:
        MalformedError: it is something else.
    """
    if not isinstance(value, str):
        raise MalformedError(f"{what} must be text, found {kind(value)}")
    return value


def a_number(value: Any, what: str) -> int:
    """A whole number, from 0.

    Raises:
        MalformedError: it is something else.
    """
    if type(value) is not int:
        found = str(value) if isinstance(value, float) else kind(value)
        raise MalformedError(f"{what} must be a whole number, found {found}")
    if value < 0:
        raise MalformedError(f"{what} is {value}; it can't be below 0")
    return value


def _no_number(text: str) -> NoReturn:
    raise MalformedError(f"{text} is no JSON number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise MalformedError(f"the name '{twice}' is there twice")
    return table
