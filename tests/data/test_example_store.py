"""Examples in files."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

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
LAST = replace(EXAMPLE, example_id="5:4", target="bye", reply=None, items=(), mentioned=(), emotions=())
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
        ('{"example_id"', "the line is not JSON: Expecting ':' delimiter at column 14"),
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
    with pytest.raises(
        DataError, match="the line is not an example: 'role' must be seeker or recommender, found 'judge'"
    ):
        read_examples(path)


def edited(path: Path, change: Callable[[dict[str, Any]], Any]) -> str:
    """What is said of a file whose second example was edited by hand."""
    raw = json.loads(encode(LAST))
    change(raw)
    write_examples(path, [EXAMPLE])
    with path.open("a", encoding="utf-8") as handle:
        handle.write(json.dumps(raw) + "\n")
    with pytest.raises(DataError) as caught:
        read_examples(path)
    (problem,) = caught.value.problems
    assert (problem.at, problem.fix) == (f"{path}:2", REMAKE)
    return problem.what.removeprefix("the line is not an example: ")


ITEM = {"item_id": "1", "name": "", "liked": None, "seen": None, "suggested": None}
TURN = {"role": "seeker", "text": "a", "slots": "a", "items": [], "entities": [], "emotions": []}
SHOWN = {"label": "like", "probability": 0.5}
NO_SUCH = "known are like, curious, happy, grateful, negative, neutral, nostalgia, agreement, surprise"


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"target": ["a"]}, "'target' must be text, found a list"),
        ({"source": None}, "'source' must be text, found null"),
        ({"turn": "4"}, "'turn' must be a whole number, found text"),
        ({"line": True}, "'line' must be a whole number, found true or false"),
        ({"context": {}}, "'context' must be a list, found an object"),
        ({"context": [1]}, "'context' must hold JSON objects, found a number"),
        ({"context": [{**TURN, "text": ["a"]}]}, "'text' must be text, found a list"),
        ({"context": [{**TURN, "emotions": [[1]]}]}, "'emotions' must hold JSON objects, found a list"),
        ({"context": [{**TURN, "emotions": [{**SHOWN, "label": 1}]}]}, "'label' must be text, found a number"),
        (
            {"context": [{**TURN, "emotions": [{**SHOWN, "probability": "1"}]}]},
            "'probability' must be a number, found text",
        ),
        (
            {"context": [{**TURN, "emotions": [{**SHOWN, "probability": 10**400}]}]},
            "'probability' must be a number in 0 to 1",
        ),
        (
            {"context": [{**TURN, "emotions": [{**SHOWN, "probability": 1.5}]}]},
            "the probability of 'like' in a turn is 1.5, not in 0 to 1",
        ),
        ({"context": [{**TURN, "emotions": [{**SHOWN, "label": "joy"}]}]}, f"a turn has the emotion 'joy'; {NO_SUCH}"),
        ({"context": [{**TURN, "slots": "<movie>"}]}, "a turn has 1 <movie> and 0 movies"),
        ({"reply": 3}, "'reply' must be a turn or null, found a number"),
        ({"reply": {**TURN, "items": [[1]]}}, "'items' must hold texts, found a list"),
        ({"reply": {**TURN, "role": "host"}}, "'role' must be seeker or recommender, found 'host'"),
        ({"items": [{**ITEM, "seen": "x"}]}, "'seen' of a movie must be true, false or null, found text"),
        ({"items": [{**ITEM, "item_id": 1}]}, "'item_id' must be text, found a number"),
        ({"items": [ITEM]}, "the target has 0 <movie> and 1 movies"),
        ({"mentioned": [1]}, "'mentioned' must hold texts, found a number"),
        ({"emotions": [[1]]}, "'emotions' must hold texts, found a list"),
        ({"emotions": ["joy"]}, f"unknown emotion 'joy'; {NO_SUCH}"),
    ],
)
def test_what_is_said_of_an_edited_example(tmp_path: Path, changes: dict[str, Any], what: str) -> None:
    assert edited(tmp_path / "train.jsonl", lambda raw: raw.update(changes)) == what


def test_a_list_in_the_place_of_an_example(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    path.write_text("[1]\n", encoding="utf-8")
    with pytest.raises(
        DataError, match=r"^the line is not an example: an example must be a JSON object, found a list$"
    ):
        read_examples(path)


def test_half_of_a_surrogate_pair_and_a_byte_order_mark_go(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    content = encode(LAST).replace('"bye"', '"b\\ud800ye\\ud83d\\ude00"')
    path.write_text("\ufeff" + content + "\n", encoding="utf-8")
    (example,) = read_examples(path)
    assert example == replace(LAST, target="bye😀")
    assert write_examples(path, [example]) == 1


@pytest.mark.parametrize("name", ["train.jsonl", "summary.json"])
def test_a_file_without_the_right_to_read_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (tmp_path / name).write_text("{}\n", encoding="utf-8")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DataError) as caught:
        read_examples(tmp_path / name) if name == "train.jsonl" else read_summary(tmp_path)
    (problem,) = caught.value.problems
    assert (problem.what, problem.at, problem.fix) == (
        "the file can't be read: Permission denied",
        str(tmp_path / name),
        "look at its permissions",
    )


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


def summary_with(**changes: Any) -> str:
    fields = {"reader": "redial", "source_fingerprint": "a", "fingerprint": "b", "split_off": [], "splits": {}}
    return json.dumps(
        {"format": "ecr-examples/2", **fields, "skipped": [], "recogniser": "", "knowledge": None, **changes}
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "Expecting property name enclosed in double quotes at column 2"),
        ("{}", "the field 'format' is missing"),
        ('{"format": "other"}', "its format is 'other', not 'ecr-examples/2'"),
        (summary_with(splits=[]), "the field 'splits' is of the wrong kind"),
        (summary_with(recogniser=None), "the field 'recogniser' is of the wrong kind"),
        (summary_with(splits={"train": {"turns": "5"}}), "a count of 'train' is no whole number"),
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
