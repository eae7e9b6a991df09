"""Judges and rows that the tests of scoring share."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ecr_engine.data.schema import Sample
from ecr_engine.scoring.dimensions import dimension_set
from ecr_engine.scoring.judge import Judgement
from ecr_engine.scoring.store import JudgedRow, write_judgements

GUIDE = dimension_set("guide")


class ByLength:
    """Scores a response by its length, reads so many rows at a time, and remembers what it was asked.

    A response that begins with `!` fails, as long as `fails` says so.
    """

    explanation = "by length"
    dimensions = GUIDE

    def __init__(self, name: str = "by-length", window: int = 4, fingerprint: str = "by-length-1") -> None:
        self.name = name
        self.fingerprint = fingerprint
        self.fails = True
        self.window = window
        self.asked: list[str] = []
        self.calls = 0

    def judge(self, rows: Iterable[Sample]) -> Iterator[Judgement]:
        self.calls += 1
        window: list[Sample] = []
        for row in rows:
            window.append(row)
            if len(window) == self.window:
                yield from map(self._one, window)
                window = []
        yield from map(self._one, window)

    def _one(self, row: Sample) -> Judgement:
        self.asked.append(row.response)
        identity = row.example.example_id
        if row.response.startswith("!") and self.fails:
            return Judgement(identity, {}, {}, f"the judge does not like it: {row.response}")
        return Judgement(identity, {"overall": min(1.0, len(row.response) / 10)}, {"overall": "length"})


def write_rows(path: Path, responses: Iterable[object], first: int = 0, mode: str = "w") -> Path:
    with path.open(mode, encoding="utf-8") as handle:
        for number, response in enumerate(responses, start=first):
            row = {"example_id": f"{number}:1", "context": ["Hi", "Hello", f"turn {number}"], "response": response}
            handle.write(json.dumps(row) + "\n")
    return path


def judged_row(
    example: str,
    scores: Mapping[str, float],
    *,
    judge: str = "a",
    response: str = "Hello",
    who: str = "policy",
    failure: str | None = None,
    dimensions: str = "guide",
) -> JudgedRow:
    judgement = Judgement(example, {} if failure else scores, {}, failure)
    return JudgedRow(example, example.partition(":")[0], response, who, judgement, (judge,), dimensions, f"{judge}-1")


def write_file(path: Path, rows: Iterable[JudgedRow]) -> Path:
    write_judgements(path, rows)
    return path
