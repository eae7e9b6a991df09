"""Reading ECR's form: ReDial with entities and emotions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from raw_redial import raw
from source_makers import dialogues, fault, form_of, write_lines

from ecr_engine.data.reader import Message
from ecr_engine.data.schema import Item, Role

RESOURCE = "<http://dbpedia.org/resource/{}>"


def annotated(text: str, **fields: Any) -> dict[str, Any]:
    return {"senderWorkerId": 7, "text": text, **fields}


def emotional(**emotion: float) -> dict[str, Any]:
    return raw("1", messages=[annotated("hi", emotion=emotion), {"senderWorkerId": 9, "text": "hello"}])


@pytest.mark.parametrize("name", ["train_data_dbpedia_emo.jsonl", "train_data_dbpedia.jsonl"])
def test_files_linked_to_dbpedia(tmp_path: Path, name: str) -> None:
    assert form_of(write_lines(tmp_path / name, [raw("1")])) == "ecr"


def test_files_of_redials_name_are_ecrs_if_their_messages_have_emotions(tmp_path: Path) -> None:
    assert form_of(write_lines(tmp_path / "a" / "train_data.jsonl", [emotional(like=0.9)])) == "ecr"
    quoting = raw("1", said=[("S", 'they write "emotion": {}'), ("R", "hm")])
    assert form_of(write_lines(tmp_path / "b" / "train_data.jsonl", [quoting])) == "redial"


def test_of_two_files_for_a_split_the_annotated_one_is_read(tmp_path: Path) -> None:
    write_lines(tmp_path / "train_data.jsonl", [raw("raw")])
    write_lines(tmp_path / "train_data_dbpedia.jsonl", [raw("linked")])
    write_lines(tmp_path / "train_data_dbpedia_emo.jsonl", [raw("emotions")])
    assert [dialogue.conversation_id for dialogue in dialogues(tmp_path)] == ["emotions"]


def test_a_message_with_all_that_ecr_adds(tmp_path: Path) -> None:
    message = annotated(
        "I love @11 and Tom Hanks",
        entity=[RESOURCE.format("Tom_Hanks"), RESOURCE.format("Caf%C3%A9_Society_(2016_film)"), "plain  name"],
        movie=[RESOURCE.format("Heat_(1995_film)")],
        emotion={"like": 0.35, "happy": 0.5, "curious": 0.1, "neutral": 0.05, "grateful": 0.2},
    )
    movies = {"11": "Heat  (1995)"}
    source = write_lines(
        tmp_path / "train_data_dbpedia_emo.jsonl", [raw("1", messages=[message], movieMentions=movies)]
    )
    (dialogue,) = dialogues(source)
    assert dialogue.messages == (
        Message(
            Role.SEEKER,
            ("I love ", " and Tom Hanks"),
            ("11",),
            ("Tom Hanks", "Café Society (2016)", "plain name"),
            (("happy", 0.5), ("like", 0.35)),
        ),
    )
    assert dialogue.items == {"11": Item("11", "Heat (1995)")}


def test_an_emotion_must_be_likelier_than_a_tenth(tmp_path: Path) -> None:
    source = write_lines(tmp_path / "train_data.jsonl", [emotional(like=0.1, happy=0.1000001)])
    assert dialogues(source)[0].messages[0].emotions == (("happy", 0.1000001),)


BAD = {
    "label": (
        emotional(joy=0.5),
        "message 1 has the emotion 'joy'; known are like, curious, happy, grateful, negative, neutral, nostalgia, "
        "agreement, surprise",
    ),
    "share": (emotional(like=1.5), "the probability of 'like' in message 1 is 1.5, not in 0 to 1"),
    "list": (
        raw("1", messages=[annotated("a", emotion=["like"])]),
        "the emotions of message 1 must be a JSON object, found a list",
    ),
    "entity": (
        raw("1", messages=[annotated("a", entity=[3])]),
        "the entities of message 1 must hold texts, found a number",
    ),
}


@pytest.mark.parametrize(("line", "what"), BAD.values(), ids=BAD.keys())
def test_what_is_said_of_bad_annotations(tmp_path: Path, line: dict[str, Any], what: str) -> None:
    source = write_lines(tmp_path / "train_data_dbpedia_emo.jsonl", [raw("0"), line])
    assert fault(source) == (what, "train_data_dbpedia_emo.jsonl:2")
