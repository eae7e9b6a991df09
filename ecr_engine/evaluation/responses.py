"""Responses to be judged, read from a file row by row.

A row is a line of `samples.jsonl`, or any JSON object with a `context` and a `response`:

{"context": ["I feel sad today", "Oh no, why?", "I lost my dog"], "response": "I'm so sorry. …"}

`context` is a text, a list of texts (the last one is the seeker's, and they take turns), or a list of objects with
`role` and `text`. `example_id`, `conversation_id`, `who` and `reference` may be given too. A row without a response, or
with null for it, is there all the same: it becomes a failure with that reason.

What is read is what the file held when the job began. Lines that are added meanwhile are left for the next time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from ecr_engine.data.schema import Example, Role, Sample, Turn
from ecr_engine.errors import DataError, UsageError
from ecr_engine.evaluation.sample_lines import (
    FieldError,
    LineError,
    field_of,
    in_words,
    parse_line,
    sample_from_json,
)
from ecr_engine.evaluation.store import SAMPLES
from ecr_engine.scoring.answers import ResponseRow
from ecr_engine.scoring.job import Responses

FIX = "name a samples.jsonl that `ecrctl eval run` wrote, or a run"

_WHOLE = ("turn", "items", "mentioned", "source", "line")
"""Fields that only a line of `samples.jsonl` has."""


def read_responses(path: Path, *, start: int = 0, maximum: int | None = None) -> Responses:
    """The responses of a file; all of it is looked at before the first is judged.

    Args:
        path: the file.
        start: so many rows are left out.
        maximum: so many rows are read at most.

    Raises:
        DataError: a line holds no response, or there is none.
        UsageError: none is left.
    """
    # The file as it is now: neither lines that come nor another file of its name are part of the job.
    size = path.stat().st_size
    rows = partial(_rows, path, size)
    count = sum(1 for _ in rows())
    if not count:
        raise DataError("the file has no samples", at=str(path), fix=FIX)
    stop = count if maximum is None else min(count, start + maximum)
    if stop <= start:
        raise UsageError("no responses are left to score", at="--start", fix="give a smaller --start")
    return Responses(stop - start, lambda: islice(rows(), start, stop))


def _rows(path: Path, size: int) -> Iterator[ResponseRow]:
    who = path.absolute().parent.name if path.name == SAMPLES else path.stem
    read = 0
    with path.open("rb") as handle:
        for number, line in enumerate(handle, start=1):
            if read >= size:
                return
            # A line that was cut short by the end of the file may have grown since.
            line, read = line[: size - read], read + len(line)
            if line.strip():
                yield _row(line, path, number, who)
    if read < size:
        raise DataError(
            f"the file has become shorter while it was read: {read} of {size} bytes are left",
            at=str(path),
            fix="judge a copy of it that does not change",
        )


def _row(line: bytes, path: Path, number: int, who: str) -> ResponseRow:
    try:
        raw = parse_line(line)
        missing = raw.get("response") is None
        sample = _sample({**raw, "response": ""} if missing else raw, f"{path.stem}:{number}")
        return ResponseRow(sample, field_of(raw, "who", str) if "who" in raw else who, missing)
    except KeyError as error:
        raise DataError.at_line(f"the sample has no field {error}", path, number, FIX) from error
    except FieldError as error:
        raise DataError.at_line(f"the sample's {error}", path, number, FIX) from error
    except LineError as error:
        raise DataError.at_line(str(error), path, number, FIX) from error


def _sample(raw: Mapping[str, Any], identity: str) -> Sample:
    if "context" not in raw:
        raise KeyError("context")
    if any(key in raw for key in _WHOLE):
        return sample_from_json(raw)
    example_id = _identity(raw, "example_id", identity)
    example = Example(
        example_id=example_id,
        conversation_id=_identity(raw, "conversation_id", example_id),
        turn=0,
        context=tuple(_turns(raw["context"])),
        target=field_of(raw, "reference", str) if "reference" in raw else "",
        items=(),
        mentioned=(),
        emotions=(),
        source="",
        line=0,
    )
    return Sample(example, field_of(raw, "response", str), finished=True, tokens=0)


def _identity(raw: Mapping[str, Any], key: str, otherwise: str) -> str:
    """An id, which may be written as a number, or not at all."""
    if key not in raw:
        return otherwise
    return str(raw[key]) if type(raw[key]) is int else field_of(raw, key, str)


def _turns(context: object) -> Iterator[Turn]:
    """The turns of a context in any of its forms, oldest first."""
    if isinstance(context, str):
        context = [context] if context.strip() else []
    if not isinstance(context, list):
        raise FieldError(f"'context' is {in_words(context)}, not a text or a list")
    for place, each in enumerate(context):
        if isinstance(each, str):
            # The recommender answers the last of them, so that is the seeker's.
            role = Role.SEEKER if (len(context) - place) % 2 else Role.RECOMMENDER
            yield Turn(role, each, each)
        elif isinstance(each, dict):
            yield _turn(each, f"context[{place}]")
        else:
            raise FieldError(f"'context[{place}]' is {in_words(each)}, not a text or an object")


def _turn(raw: Mapping[str, Any], where: str) -> Turn:
    role = field_of(raw, "role", str, where)
    if role not in set(Role):
        raise FieldError(f"'{where}.role' is {in_words(role)}, not {' or '.join(Role)}")
    text = field_of(raw, "text", str, where)
    return Turn(Role(role), text, field_of(raw, "slots", str, where) if "slots" in raw else text)
