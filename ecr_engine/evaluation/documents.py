"""Reads the JSON documents of an evaluation, with errors that say where and how to mend it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, NoReturn

from ecr_engine.errors import DataError


class NotFiniteError(ValueError):
    """JSON text with a number that is none, such as `NaN` or `1e999`.

    Args:
        literal: how it is written.
    """

    def __init__(self, literal: str) -> None:
        super().__init__(f"{literal} is not a finite number")
        self.literal = literal


class MetricError(ValueError):
    """A metric with a field that is missing or no number.

    Args:
        key: the metric's key.
        error: what is wrong with the field.
    """

    def __init__(self, key: str, error: Exception) -> None:
        super().__init__(f"{key}: {error}")
        self.key = key


def parse(text: str) -> Any:
    """The value of a JSON text, whose numbers are all finite.

    Raises:
        json.JSONDecodeError: it is not JSON.
        NotFiniteError: a number is NaN or infinite.
    """
    return json.loads(text, parse_constant=_refuse, parse_float=_finite)


def number(value: object) -> float:
    """A JSON value that has to be a number.

    Raises:
        TypeError: it is something else: null, a truth value, or a text, even one that spells a number.
        OverflowError: it is an integer beyond what a float can hold.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{json.dumps(value)} is not a number")
    return float(value)


def optional_number(value: object) -> float | None:
    """A JSON value that has to be a number or null.

    Raises:
        TypeError: it is something else.
        OverflowError: it is an integer beyond what a float can hold.
    """
    return None if value is None else number(value)


def line_of(part: str, text: str) -> int:
    """The first line, from 1, of a text that has a part in it; 1 if none has."""
    before, found, _ = text.partition(part)
    return before.count("\n") + 1 if found else 1


def _refuse(literal: str) -> NoReturn:
    raise NotFiniteError(literal)


def _finite(literal: str) -> float:
    value = float(literal)
    if not math.isfinite(value):
        raise NotFiniteError(literal)
    return value


def read_document(path: Path, kind: str, schema: int, fix: str) -> dict[str, Any]:
    """The JSON object in a file.

    Args:
        path: the file.
        kind: what it holds, for messages, such as "comparison".
        schema: the only version of its layout that is read.
        fix: what to type to make the file again.

    Raises:
        DataError: the file is missing, is no JSON object, or is of another schema.
    """
    if not path.is_file():
        raise DataError(f"there is no {kind} here", at=str(path), fix=fix)
    try:
        text = path.read_text(encoding="utf-8-sig")
        raw = parse(text)
    except json.JSONDecodeError as error:
        raise DataError.at_line(f"not JSON: {error.msg}", path, error.lineno, fix) from error
    except RecursionError as error:
        raise DataError.at_line("not a document of ours: it is nested too deep", path, 1, fix) from error
    except UnicodeDecodeError as error:
        raise DataError.at_line("not UTF-8 text", path, 1, fix) from error
    except NotFiniteError as error:
        raise DataError.at_line(str(error), path, line_of(error.literal, text), fix) from error
    except ValueError as error:
        # The one other complaint of the reader.
        raise DataError.at_line("a number has too many digits", path, 1, fix) from error
    if not isinstance(raw, dict):
        raise DataError.at_line("not a JSON object", path, 1, fix)
    if raw.get("schema") != schema:
        what = f"the {kind} is of schema {raw.get('schema')!r}; this version reads schema {schema}"
        raise DataError.at_line(what, path, 1, fix)
    return raw
