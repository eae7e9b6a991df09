"""Reading CFCRS's forms: ReDial with masked texts, INSPIRED as lists of messages, prepared turns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from raw_redial import raw
from source_makers import dialogues, fault, form_of, oddities, said, skipped, write_lines

from ecr_engine.data.reader import FIX, Message, RawDialogue, Skipped, read
from ecr_engine.data.schema import Item, Role, Split


def inspired(*messages: dict[str, Any], dialog_id: Any = "live_1") -> dict[str, Any]:
    return {"dialog_id": dialog_id, "dialog": list(messages)}


def message(role: str, text: str, movie: Sequence[str] = (), entity: Sequence[str] = ()) -> dict[str, Any]:
    return {"role": role, "text": text, "text_template": "unused", "entity": list(entity), "movie": list(movie)}


def test_redial_with_masked_texts(tmp_path: Path) -> None:
    sent = {
        "senderWorkerId": 9,
        "text": "Heat with Al Pacino: @11",
        "turn_id": 0,
        "entity": ["Al Pacino"],
        "item": ["Heat (1995)"],
        "masked_text": "Heat with <person>: <item>",
    }
    line = raw("4", messages=[sent], movieMentions={"11": "Heat  (1995)"})
    folder = write_lines(tmp_path / "train_data.jsonl", [line])
    assert form_of(folder) == "cfcrs"
    (dialogue,) = dialogues(folder)
    assert dialogue.messages == (Message(Role.RECOMMENDER, ("Heat with Al Pacino: ", ""), ("11",), ("Al Pacino",)),)
    assert dialogue.items == {"11": Item("11", "Heat (1995)")}


def test_redial_itself_is_not_taken(tmp_path: Path) -> None:
    assert form_of(write_lines(tmp_path / "train_data.jsonl", [raw("4")])) == "redial"


def test_two_files_for_one_split_are_no_matter_to_a_source_that_is_anothers(tmp_path: Path) -> None:
    write_lines(tmp_path / "train_data_processed.jsonl", [{"context": ["a"], "resp": "b", "rec": [], "entity": []}])
    folder = write_lines(tmp_path / "train_data.jsonl", [raw("4")])
    assert form_of(folder) == "redial"
    assert [dialogue.conversation_id for dialogue in dialogues(folder)] == ["4"]


INSPIRED = inspired(
    message("RECOMMENDER", "Hi &amp; welcome! What have you seen?"),
    message("SEEKER", "skyscraper ! and Die Hard, a comedy", ["Skyscraper (2018)", "Die Hard (1988)"], ["comedy"]),
    message("RECOMMENDER", "Die Hard 2 is better than Die Hard (1988).", ["Die Hard (1988)", "Die Hard 2 (1990)"]),
    message("SEEKER", "I saw it.", ["It (2017)"]),
)


def test_two_files_for_one_split(tmp_path: Path) -> None:
    write_lines(tmp_path / "train.jsonl", [INSPIRED])
    folder = write_lines(tmp_path / "train_data.jsonl", [INSPIRED])
    what = "two files of the source are for the split train: train.jsonl and train_data.jsonl"
    assert fault(folder) == (what, str(folder))


def test_inspired_has_titles_without_years_in_its_texts(tmp_path: Path) -> None:
    folder = write_lines(tmp_path / "train_data.jsonl", [INSPIRED])
    assert form_of(folder) == "cfcrs"
    (dialogue,) = dialogues(folder)
    assert dialogue.conversation_id == "live_1"
    assert said(dialogue) == [
        ("recommender", ("Hi & welcome! What have you seen?",), ()),
        ("seeker", ("", " ! and ", ", a comedy"), ("Skyscraper (2018)", "Die Hard (1988)")),
        ("recommender", ("", " is better than ", "."), ("Die Hard 2 (1990)", "Die Hard (1988)")),
        ("seeker", ("I saw it.",), ()),
    ]
    assert dialogue.messages[1].entities == ("comedy",)
    assert dialogue.items == {
        name: Item(name, name) for name in ("Skyscraper (2018)", "Die Hard (1988)", "Die Hard 2 (1990)", "It (2017)")
    }
    assert oddities(folder) == [("a listed movie is not in the words", "It (2017) in 'I saw it.'")]


def test_unicrss_inspired_is_the_list_alone(tmp_path: Path) -> None:
    entry = {"text": "See Shazam!", "role": "RECOMMENDER", "movie": ["Shazam! (2019)"], "entity_name": ["See"]}
    write_lines(tmp_path / "dev.jsonl", [[entry]])
    folder = write_lines(tmp_path / "train.jsonl", [[entry], [{**entry, "text": "none", "movie": []}]])
    assert form_of(folder) == "cfcrs"
    found = dialogues(folder)
    assert [(one.conversation_id, one.split) for one in found] == [
        ("train:1", Split.TRAIN),
        ("train:2", Split.TRAIN),
        ("dev:1", Split.VALID),
    ]
    assert said(found[0]) == [("recommender", ("See ", ""), ("Shazam! (2019)",))]
    assert found[0].messages[0].entities == ("See",)


def prepared(context: Sequence[str], resp: str, entity: Sequence[str] = (), dialog_id: str = "7", **fields: Any) -> Any:
    return {
        "dialog_id": dialog_id,
        "turn_id": 1,
        "context": list(context),
        "entity": list(entity),
        "resp": resp,
        **fields,
    }


def test_prepared_turns_find_their_movies_in_what_the_context_gains(tmp_path: Path) -> None:
    texts = ["hi, Skyscraper was fun", "Try Die Hard with Bruce Willis", "is it a comedy?", "No, Die Hard is action"]
    seen = ["Skyscraper (2018)"]
    lines = [
        prepared(texts[:1], "Try <mask> with <mask>", seen),
        prepared(texts[:3], "No, <mask> is <mask>", [*seen, "Bruce Willis", "Die Hard (1988)", "comedy"]),
        prepared(["x"], "hello", dialog_id="8"),
    ]
    folder = write_lines(tmp_path / "train_data_processed.jsonl", lines)
    assert form_of(folder) == "cfcrs"
    first, second = dialogues(folder)
    assert (first.conversation_id, first.line, second.conversation_id, second.line) == ("7", 1, "8", 3)
    assert said(first) == [
        ("seeker", ("hi, ", " was fun"), ("Skyscraper (2018)",)),
        ("recommender", ("Try ", " with Bruce Willis"), ("Die Hard (1988)",)),
        ("seeker", ("is it a comedy?",), ()),
        ("recommender", ("No, ", " is ", ""), ("7#3.0", "7#3.1")),
    ]
    assert said(second) == [("seeker", ("x",), ()), ("recommender", ("hello",), ())]
    assert ("a movie has no name", "movie 7#3.0") in oddities(folder)


def test_prepared_turns_of_recommendations_are_not_all_turns(tmp_path: Path) -> None:
    texts = ["", "Hello", "a comedy please", "ok", "thanks", "See Drive Angry or Heat."]
    lines = [prepared(texts[:5], texts[5], ["comedy"], rec=["Drive Angry", "Heat (1995)"], template=["x"])]
    (dialogue,) = dialogues(write_lines(tmp_path / "train_data_processed.jsonl", lines))
    assert said(dialogue) == [
        ("recommender", ("Hello",), ()),
        ("seeker", ("a comedy please",), ()),
        ("recommender", ("ok",), ()),
        ("seeker", ("thanks",), ()),
        ("recommender", ("See ", " or ", "."), ("Drive Angry", "Heat (1995)")),
    ]


BAD = {
    "no role": (inspired({"text": "a"}), "message 1 has no 'role'"),
    "role": (
        inspired(message("HOST", "a"), dialog_id=2),
        "the role of message 1 must be seeker or recommender, found 'HOST'",
    ),
    "text": (inspired({"role": "SEEKER", "text": 1}), "the text of message 1 must be text, found a number"),
    "entry": (inspired(*["a"]), "message 1 must be a JSON object, found text"),  # type: ignore[arg-type]
    "movie": (
        inspired({"role": "SEEKER", "text": "a", "movie": "Heat"}),
        "the movies of message 1 must be a list, found text",
    ),
    "entity": (
        inspired({"role": "SEEKER", "text": "a", "entity": [1]}),
        "the entities of message 1 must hold texts, found a number",
    ),
    "dialog": ({"dialog_id": "a", "dialog": {}}, "'dialog' must be a list, found an object"),
    "blank": (inspired(message("SEEKER", " ")), "the dialogue has no messages"),
    "empty id": (inspired(dialog_id=" "), "'dialog_id' is empty"),
    "id": (inspired(dialog_id=None), "'dialog_id' must be text or a whole number, found null"),
    "no id": ({"dialog": []}, "the field 'dialog_id' is missing"),
    "number": ("5", "the line is not a dialogue: expected a JSON object, found a number"),
    "truncated": (
        '{"dialog_id": "9", "dialog": [{"role"',
        "the line is not JSON: Expecting ':' delimiter at column 38",
    ),
}


@pytest.mark.parametrize(("line", "what"), BAD.values(), ids=BAD.keys())
def test_what_is_said_of_a_bad_line(tmp_path: Path, line: Any, what: str) -> None:
    folder = write_lines(tmp_path / "train_data.jsonl", [INSPIRED, line])
    assert fault(folder) == (what, "train_data.jsonl:2")
    assert skipped(folder) == [(2, what)]


def test_a_dialogue_that_is_there_twice(tmp_path: Path) -> None:
    folder = write_lines(tmp_path / "train_data.jsonl", [INSPIRED, INSPIRED])
    assert skipped(folder) == [(2, "conversation 'live_1' is there twice; the first is at train_data.jsonl:1")]


def test_prepared_turns_whose_contexts_differ(tmp_path: Path) -> None:
    lines = [prepared(["a"], "b"), prepared(["A", "b", "c"], "d")]
    folder = write_lines(tmp_path / "train_data_processed.jsonl", lines)
    what = "the lines of the dialogue do not go on from one another: their contexts differ"
    assert fault(folder) == (what, "train_data_processed.jsonl:1")
    (only,) = read(folder, skip_bad=True)
    assert isinstance(only, Skipped) and not isinstance(only, RawDialogue)
    assert FIX == "mend the line, or leave bad dialogues out with --skip-bad"
