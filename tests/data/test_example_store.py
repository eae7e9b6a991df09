"""Examples in files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ecr_engine.data.schema import Example, Item, Role, Turn
from ecr_engine.data.store import encode, encode_all, read_examples, read_summary, write_examples
from ecr_engine.errors import DataError

EXAMPLE = Example(
    example_id="5:2",
    conversation_id="5",
    turn=2,
    context=(
        Turn(Role.RECOMMENDER, 'Hej å "\\\n\u2028😀', 'Hej å "\\\n\u2028😀'),
        Turn(Role.SEEKER, "Heat (1995)", "<movie>", ("11",), ("comedy", "Tom Hanks"), (("like", 0.75), ("happy", 0.1))),
    ),
    target='try <movie> "now"',
    items=(Item("22", "Alien (1979)", liked=False, seen=None, suggested=True),),
    mentioned=("11",),
    emotions=("like", "curious"),
    source="train_data.jsonl",
    line=3,
    reply=Turn(Role.SEEKER, "thx", "thx"),
)
LAST = replace(EXAMPLE, example_id="5:4", reply=None, items=(), mentioned=(), emotions=())
REMAKE = "make it again: ecrctl data process SOURCE --output DIR"


def test_written_examples_are_read_back(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    assert write_examples(path, [EXAMPLE, LAST]) == 2
    assert path.read_bytes().count(b"\n") == 2
    first, last = (json.loads(line) for line in path.read_bytes().split(b"\n")[:2])
    assert first["context"][1] == {
        "role": "seeker",
        "text": "Heat (1995)",
        "slots": "<movie>",
        "items": ["11"],
        "entities": ["comedy", "Tom Hanks"],
        "emotions": [{"label": "like", "probability": 0.75}, {"label": "happy", "probability": 0.1}],
    }
    assert first["items"] == [
        {"item_id": "22", "name": "Alien (1979)", "liked": False, "seen": None, "suggested": True}
    ]
    assert (first["reply"]["text"], last["reply"]) == ("thx", None)
    assert read_examples(path) == [EXAMPLE, LAST]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('{"example_id"', "the line is not an example: Expecting ':' delimiter at column 14"),
        ('{"example_id": "1"}', "the line is not an example: the field 'conversation_id' is missing"),
    ],
)
def test_a_bad_line_of_examples(tmp_path: Path, line: str, what: str) -> None:
    path = tmp_path / "train.jsonl"
    write_examples(path, [EXAMPLE])
    with path.open("a", encoding="utf-8") as handle:
        handle.write(line)
    with pytest.raises(DataError) as caught:
        read_examples(path)
    (problem,) = caught.value.problems
    assert (problem.what, problem.at, problem.fix) == (what, f"{path}:2", REMAKE)


def test_a_speaker_that_is_nobody(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    write_examples(path, [EXAMPLE])
    path.write_text(path.read_text(encoding="utf-8").replace('"seeker"', '"judge"'), encoding="utf-8")
    with pytest.raises(DataError, match="the line is not an example: 'judge' is not a valid Role"):
        read_examples(path)


def test_missing_examples_and_summary(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read_examples(tmp_path / "train.jsonl")
    (problem,) = caught.value.problems
    assert (problem.what, problem.at) == ("there is no file of examples", str(tmp_path / "train.jsonl"))
    with pytest.raises(DataError) as caught:
        read_summary(tmp_path)
    (problem,) = caught.value.problems
    assert (problem.what, problem.at) == ("the folder holds no processed data", str(tmp_path / "summary.json"))
    assert problem.fix == "make it: ecrctl data process SOURCE --output DIR"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "Expecting property name enclosed in double quotes at column 2"),
        ("{}", "the field 'format' is missing"),
        ('{"format": "other"}', "its format is 'other', not 'ecr-examples/2'"),
    ],
)
def test_a_bad_summary(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "summary.json").write_text(text)
    with pytest.raises(DataError) as caught:
        read_summary(tmp_path)
    (problem,) = caught.value.problems
    assert problem.what == f"the summary can't be read: {reason}"
    assert problem.at == f"{tmp_path}/summary.json:1"


def test_a_conversation_is_encoded_as_its_examples_are() -> None:
    assert encode_all([EXAMPLE, LAST]) == [encode(EXAMPLE), encode(LAST)]
