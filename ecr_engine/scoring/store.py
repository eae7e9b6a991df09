"""Judgements in files: one JSON object a line, written and read row by row.

{"example_id": "391:3", "conversation_id": "391", "response": "…", "who": "baseline",
 "scores": {"empathy": 0.5, …, "overall": 0.4}, "reasons": {"empathy": "…", …}, "failure": null,
 "judges": ["rubric"], "dimensions": "guide", "fingerprint": "rubric-1", "turns_cut": 0,
 "places": [{"place": 1, "of": 3, "scores": {"empathy": 0.6, …}}, {"place": 3, "of": 3, "scores": {…}}]}

The last five came later: a file without them is of the set `guide`, and says nothing of its judge. `places` is there
only where several responses were judged side by side.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecr_engine.errors import DataError, UsageError
from ecr_engine.runs.atomic import sync_file, sync_folder
from ecr_engine.scoring.dimensions import GUIDE, dimension_set
from ecr_engine.scoring.judge import Judgement

UNIT = (0.0, 1.0)
"""The range of scores in files that do not name their dimensions."""

REDO = "make the file again with `ecrctl score run`"
GO_ON = "its end is torn: go on with it by the same `ecrctl score run` and --resume auto"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a response stood when several were judged side by side.

    Attributes:
        place: its place among them, from 1.
        of: how many there were.
        scores: what it was given there, by dimension; empty on failure.
    """

    place: int
    of: int
    scores: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class JudgedRow:
    """A response and what a judge said of it.

    Attributes:
        example_id: the example that was answered.
        conversation_id: the dialogue it is from: splits are made by this.
        response: the response that was judged.
        who: whose response it is, such as "baseline" or "reference".
        judgement: scores, reasons, or a failure.
        judges: names of the judges behind the scores; several where judgements were merged, none in old files.
        dimensions: name of the set of dimensions; empty in old files, which are of the set `guide`.
        fingerprint: what the scores depend on (`Judge.fingerprint`); empty in old files and merged ones.
        places: where it stood among the responses that it was judged with, once for each order; the scores are the
            mean over them. Empty where it was judged by itself.
    """

    example_id: str
    conversation_id: str
    response: str
    who: str
    judgement: Judgement
    judges: tuple[str, ...] = ()
    dimensions: str = ""
    fingerprint: str = ""
    places: tuple[Place, ...] = ()

    @property
    def set_name(self) -> str:
        """Name of the set of dimensions."""
        return self.dimensions or GUIDE


def score_ranges(row: JudgedRow) -> dict[str, tuple[float, float]]:
    """Lowest and highest score of each dimension that a row has."""
    return {name: _bounds(row.dimensions, name) for name in row.judgement.scores}


def write_judgements(path: Path, rows: Iterable[JudgedRow]) -> int:
    """Writes a file of judgements and returns how many there were; the file is whole or not there.

    Args:
        path: the file; its folder exists; a file that is there is replaced.
        rows: consumed one by one, so that any number fits.
    """
    beside = path.with_name(f".{path.name}.part")
    count = 0
    try:
        with beside.open("wb") as handle:
            for row in rows:
                handle.write(encode_row(row))
                count += 1
        sync_file(beside)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
    return count


def read_judgements(path: Path) -> Iterator[JudgedRow]:
    """The rows of a file, in its order, one at a time.

    Raises:
        DataError: the file is missing, or a line is not a judgement; raised when that line is reached.
    """
    if not path.is_file():
        raise DataError("there is no file of judgements", at=str(path), fix="make it with `ecrctl score run`")
    with path.open("rb") as handle:
        for number, line in enumerate(handle, start=1):
            yield _read_line(line, path, number)


def encode_row(row: JudgedRow) -> bytes:
    """A row as a line, with its end."""
    judgement = row.judgement
    content: dict[str, Any] = {
        "example_id": row.example_id,
        "conversation_id": row.conversation_id,
        "response": row.response,
        "who": row.who,
        "scores": dict(judgement.scores),
        "reasons": dict(judgement.reasons),
        "failure": judgement.failure,
    }
    if row.judges:
        content["judges"] = list(row.judges)
    if row.dimensions:
        content["dimensions"] = row.dimensions
    if row.fingerprint:
        content["fingerprint"] = row.fingerprint
    if judgement.turns_cut:
        content["turns_cut"] = judgement.turns_cut
    if row.places:
        content["places"] = [{"place": each.place, "of": each.of, "scores": dict(each.scores)} for each in row.places]
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # A lone surrogate, which JSON can hold and UTF-8 can't, is written as the escape that it came as.
    return text.encode("utf-8", "backslashreplace") + b"\n"


def _read_line(line: bytes, path: Path, number: int) -> JudgedRow:
    try:
        return _row(json.loads(line))
    except (KeyError, TypeError, ValueError, UsageError, RecursionError) as error:
        # What a kill leaves has no line end.
        fix = REDO if line.endswith(b"\n") else GO_ON
        reason = _reason(error) if line.strip() else "it is empty"
        raise DataError.at_line(f"the line is not a judgement: {reason}", path, number, fix) from error


def _row(raw: Any) -> JudgedRow:
    if not isinstance(raw, dict):
        raise TypeError("it is no object")
    dimensions = _text(raw.get("dimensions", ""), "dimensions")
    scores = {name: _score(value, _bounds(dimensions, name)) for name, value in _object(raw, "scores").items()}
    failure = None if raw["failure"] is None else _text(raw["failure"], "failure")
    if not scores and failure is None:
        raise ValueError("it has neither scores nor a failure")
    if scores and failure is not None:
        raise ValueError("it has both scores and a failure")
    reasons = {name: _text(value, "reasons") for name, value in _object(raw, "reasons").items()}
    identity = _text(raw["example_id"], "example_id")
    return JudgedRow(
        example_id=identity,
        conversation_id=_text(raw["conversation_id"], "conversation_id"),
        response=_text(raw["response"], "response"),
        who=_text(raw["who"], "who"),
        judgement=Judgement(identity, scores, reasons, failure, _count(raw.get("turns_cut", 0), "turns_cut")),
        judges=tuple(_text(name, "judges") for name in _list(raw, "judges")),
        dimensions=dimensions,
        fingerprint=_text(raw.get("fingerprint", ""), "fingerprint"),
        places=tuple(_place(each, dimensions) for each in _list(raw, "places")),
    )


def _place(raw: Any, dimensions: str) -> Place:
    if not isinstance(raw, dict):
        raise TypeError("'places' holds what is no object")
    place, of = _count(raw["place"], "place"), _count(raw["of"], "of")
    if not 1 <= place <= of:
        raise ValueError(f"there is no place {place} of {of}")
    scores = {name: _score(value, _bounds(dimensions, name)) for name, value in _object(raw, "scores").items()}
    return Place(place, of, scores)


def _bounds(dimensions: str, name: str) -> tuple[float, float]:
    """The range of a dimension's scores; files that do not name their set may have any dimension, in [0, 1]."""
    if not dimensions:
        return UNIT
    dimension = dimension_set(dimensions).dimension(name)
    return dimension.low, dimension.high


def _object(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    if not isinstance(raw[key], dict):
        raise TypeError(f"'{key}' is no object")
    found: Mapping[str, Any] = raw[key]
    return found


def _list(raw: Mapping[str, Any], key: str) -> list[Any]:
    """A list, which may be left out."""
    found = raw.get(key, [])
    if not isinstance(found, list):
        raise TypeError(f"'{key}' is no list")
    return found


def _count(value: Any, key: str) -> int:
    if type(value) is not int or value < 0:
        raise TypeError(f"'{key}' is no count")
    return value


def _text(value: Any, key: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"'{key}' is no text")
    return value


def _score(value: Any, bounds: tuple[float, float]) -> float:
    low, high = bounds
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not low <= value <= high:
        raise ValueError(f"the score {value!r} is not in [{low:g}, {high:g}]")
    return float(value)


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"the field '{error.args[0]}' is missing"
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg.removesuffix(' at')} at column {error.colno}"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text"
    if isinstance(error, RecursionError):
        return "lists or objects are nested too deep"
    return str(error)
