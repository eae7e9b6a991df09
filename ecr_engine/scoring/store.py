"""Judgements in files: one JSON object a line, written and read row by row.

{"example_id": "391:3", "conversation_id": "391", "response": "…", "who": "baseline",
 "scores": {"empathy": 0.5, …, "overall": 0.4}, "reasons": {"empathy": "…", …}, "failure": null}
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecr_engine.errors import DataError
from ecr_engine.runs.atomic import sync_file, sync_folder
from ecr_engine.scoring.judge import Judgement


@dataclass(frozen=True, slots=True)
class JudgedRow:
    """A response and what a judge said of it.

    Attributes:
        example_id: the example that was answered.
        conversation_id: the dialogue it is from: splits are made by this.
        response: the response that was judged.
        who: whose response it is, such as "baseline" or "reference".
        judgement: scores, reasons, or a failure.
    """

    example_id: str
    conversation_id: str
    response: str
    who: str
    judgement: Judgement


def write_judgements(path: Path, rows: Iterable[JudgedRow]) -> int:
    """Writes a file of judgements and returns how many there were; the file is whole or not there.

    Args:
        path: the file; its folder exists; a file that is there is replaced.
        rows: consumed one by one, so that any number fits.
    """
    beside = path.with_name(f".{path.name}.part")
    count = 0
    try:
        with beside.open("w", encoding="utf-8", newline="\n") as handle:
            for row in rows:
                handle.write(_encode(row) + "\n")
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


def _encode(row: JudgedRow) -> str:
    judgement = row.judgement
    content = {
        "example_id": row.example_id,
        "conversation_id": row.conversation_id,
        "response": row.response,
        "who": row.who,
        "scores": dict(judgement.scores),
        "reasons": dict(judgement.reasons),
        "failure": judgement.failure,
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _read_line(line: bytes, path: Path, number: int) -> JudgedRow:
    try:
        return _row(json.loads(line))
    except (KeyError, TypeError, ValueError) as error:
        raise DataError.at_line(
            f"the line is not a judgement: {_reason(error)}",
            path,
            number,
            "make the file again with `ecrctl score run`",
        ) from error


def _row(raw: Any) -> JudgedRow:
    if not isinstance(raw, dict):
        raise TypeError("it is no object")
    scores = {dimension: _score(value) for dimension, value in dict(raw["scores"]).items()}
    if not scores and raw["failure"] is None:
        raise ValueError("it has neither scores nor a failure")
    return JudgedRow(
        example_id=raw["example_id"],
        conversation_id=raw["conversation_id"],
        response=raw["response"],
        who=raw["who"],
        judgement=Judgement(raw["example_id"], scores, dict(raw["reasons"]), raw["failure"]),
    )


def _score(value: Any) -> float:
    if not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise ValueError(f"the score {value!r} is not in [0, 1]")
    return float(value)


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"the field '{error.args[0]}' is missing"
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at column {error.colno}"
    return str(error)
