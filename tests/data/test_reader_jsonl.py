"""Reading our own examples back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from raw_redial import raw
from source_makers import examples_of, fault, form_of, skipped, write_lines

from ecr_engine.data.conversations import Conversation, open_source
from ecr_engine.data.process import process
from ecr_engine.data.reader import RawDialogue, read
from ecr_engine.data.schema import Example, Item, Role, Split, Turn
from ecr_engine.data.store import encode, read_summary
from ecr_engine.data.summary import SplitCounts
from ecr_engine.data.turns import examples, merge

ASKED = Turn(Role.SEEKER, "i like Heat (1995)", "i like <movie>", ("11",), ("drama",), (("like", 0.75), ("happy", 0.5)))
ANSWER = Turn(Role.RECOMMENDER, "See Alien (1979)", "See <movie>", ("22",))
FIRST = Example(
    "a:1", "a", 1, (ASKED,), "See <movie>", (Item("22", "Alien (1979)", True, None, False),), ("11",),
    ("like", "happy"), "train_data.jsonl", 17, Turn(Role.SEEKER, "ok", "ok"),
)  # fmt: skip
SECOND = Example("a:2", "a", 2, (ASKED, ANSWER), "Bye", (), ("11", "22"), (), "train_data.jsonl", 17)
OTHER = Example("b:0", "b", 0, (), "Hello", (), (), (), "train_data.jsonl", 18)


def fields(**changes: Any) -> dict[str, Any]:
    raw: dict[str, Any] = {**json.loads(encode(replace(OTHER, conversation_id="c"))), **changes}
    return raw


def turn(**changes: Any) -> dict[str, Any]:
    return {"role": "seeker", "text": "a", "slots": "a", "items": [], "entities": [], "emotions": [], **changes}


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in fields().items() if key != name}


def test_examples_come_back_unchanged_by_conversation(tmp_path: Path) -> None:
    write_lines(tmp_path / "valid.jsonl", [encode(replace(OTHER, conversation_id="v"))])
    folder = write_lines(tmp_path / "train.jsonl", [encode(FIRST), encode(SECOND), encode(OTHER)])
    assert form_of(folder) == "jsonl"
    assert examples_of(folder) == [(FIRST, SECOND), (OTHER,), (replace(OTHER, conversation_id="v"),)]


def test_what_somebody_typed_is_no_conversation_id(tmp_path: Path) -> None:
    typed = replace(OTHER, example_id='"conversation_id":"b"', conversation_id='say "conversation_id":"b"')
    folder = write_lines(tmp_path / "train.jsonl", [encode(OTHER), encode(typed)])
    assert examples_of(folder) == [(OTHER,), (typed,)]


def test_a_conversation_that_comes_again_later(tmp_path: Path) -> None:
    folder = write_lines(tmp_path / "train.jsonl", [encode(FIRST), encode(OTHER), encode(SECOND)])
    assert skipped(folder) == [(3, "conversation 'a' is there twice; the first is at train.jsonl:1")]


def test_a_conversation_that_is_there_twice_in_a_row(tmp_path: Path) -> None:
    folder = write_lines(tmp_path / "train.jsonl", [encode(FIRST), encode(SECOND), encode(FIRST), encode(OTHER)])
    assert skipped(folder) == [(1, "example 'a:1' is there twice")]


def test_two_examples_of_one_turn(tmp_path: Path) -> None:
    folder = write_lines(tmp_path / "train.jsonl", [encode(FIRST), encode(replace(SECOND, turn=1)), encode(OTHER)])
    assert skipped(folder) == [(1, "turn 1 of conversation 'a' is there twice")]


def test_examples_out_of_order_count_as_in_order(tmp_path: Path) -> None:
    made = []
    for name, order in (("in", [FIRST, SECOND]), ("out", [SECOND, FIRST])):
        write_lines(tmp_path / name / "train.jsonl", [encode(example) for example in order])
        process(tmp_path / name, tmp_path / f"{name}-p", validation_share=0.0, test_share=0.0, skip_bad=False)
        made.append(read_summary(tmp_path / f"{name}-p").splits[Split.TRAIN])
        (conversation,) = open_source(tmp_path / f"{name}-p").conversations()
        assert isinstance(conversation, Conversation)
        assert [turn.slots for turn in conversation.dialogue.turns] == ["i like <movie>", "See <movie>", "Bye"]
    assert made[0] == made[1]
    counted = SplitCounts(
        dialogues=1, turns=3, recommender_turns=2, recommending_turns=1, slots=2, entities=1, messages=3
    )
    assert made[0] == counted


def test_redial_as_examples_reads_back_to_the_same_examples(tmp_path: Path) -> None:
    movies = {"11": "Heat (1995)", "22": None}
    said = [("S", "@11?"), ("R", "or @22 & @11"), ("R", "well"), ("S", "no"), ("R", "bye")]
    write_lines(tmp_path / "raw" / "train_data.jsonl", [raw("5", said, movieMentions=movies)])
    (dialogue,) = read(tmp_path / "raw")
    assert isinstance(dialogue, RawDialogue)
    made = tuple(examples(merge(dialogue)))
    assert len(made) == 2
    folder = write_lines(tmp_path / "own" / "train.jsonl", [encode(example) for example in made])
    assert examples_of(folder) == [made]


BAD = {
    "truncated": ('{"example_id": "c:0", "conv', "the line is not JSON: Unterminated string starting at column 23"),
    "list": ("[]", "an example must be a JSON object, found a list"),
    "nan": ('{"example_id": NaN}', "the line is not JSON: NaN is no JSON number"),
    "missing": (without("target"), "the field 'target' is missing"),
    "no reply": (without("reply"), "the field 'reply' is missing"),
    "text": (fields(target=5), "'target' must be text, found a number"),
    "number": (fields(line="5"), "'line' must be a whole number, found text"),
    "bool": (fields(turn=True), "'turn' must be a whole number, found true or false"),
    "context": (fields(context={}), "'context' must be a list, found an object"),
    "turn": (fields(context=["a"]), "'context' must hold JSON objects, found text"),
    "role": (fields(context=[turn(role="host")]), "'role' must be seeker or recommender, found 'host'"),
    "turn slots": (fields(context=[turn(slots="<movie>")]), "a turn has 1 <movie> and 0 movies"),
    "turn items": (fields(context=[turn(items=[1])]), "'items' must hold texts, found a number"),
    "reply": (fields(reply=turn(text=None)), "'text' must be text, found null"),
    "shown": (fields(context=[turn(emotions=["like"])]), "'emotions' must hold JSON objects, found text"),
    "share": (
        fields(context=[turn(emotions=[{"label": "like", "probability": 2}])]),
        "the probability of 'like' in a turn is 2, not in 0 to 1",
    ),
    "label": (fields(context=[turn(emotions=[{"label": ["like"]}])]), "'label' must be text, found a list"),
    "slots": (fields(target="See <movie>"), "the target has 1 <movie> and 0 movies"),
    "item": (fields(items=[{"item_id": 5}]), "'item_id' must be text, found a number"),
    "liked": (
        fields(target="<movie>", items=[{"item_id": "5", "name": "", "liked": 1, "seen": None, "suggested": None}]),
        "'liked' of a movie must be true, false or null, found a number",
    ),
    "emotion": (
        fields(emotions=["joy"]),
        "unknown emotion 'joy'; known are like, curious, happy, grateful, negative, neutral, nostalgia, agreement, "
        "surprise",
    ),
    "mentioned": (fields(mentioned=None), "'mentioned' must be a list, found null"),
}


@pytest.mark.parametrize(("line", "what"), BAD.values(), ids=BAD.keys())
def test_what_is_said_of_a_bad_line(tmp_path: Path, line: Any, what: str) -> None:
    folder = write_lines(tmp_path / "train.jsonl", [encode(OTHER), line])
    assert fault(folder) == (f"the line is not an example: {what}", "train.jsonl:2")


def test_a_bad_line_among_others_of_its_conversation(tmp_path: Path) -> None:
    bad = encode(SECOND).replace('"line":17', '"line":null')
    folder = write_lines(tmp_path / "train.jsonl", [encode(FIRST), bad])
    what = "line 2 of the conversation is not an example: 'line' must be a whole number, found null"
    assert fault(folder) == (what, "train.jsonl:1")
