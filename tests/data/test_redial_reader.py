"""Reading raw ReDial: its oddities, and what is said of bad lines."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from raw_redial import raw, write_source

from ecr_engine.data.reader import READERS, Message, RawDialogue, Skipped
from ecr_engine.data.reader import read as stream
from ecr_engine.data.schema import Item, Role, Split
from ecr_engine.errors import DataError, ExitCode, UsageError

REAL = Path(__file__).parents[3] / "shared" / "data" / "redial"
FIX = "mend the line, or leave bad dialogues out with --skip-bad"


def read(source: Path, *, skip_bad: bool = False) -> list[RawDialogue | Skipped]:
    found = list(stream(source, skip_bad=skip_bad))
    assert not any(isinstance(one, tuple) for one in found)
    return [one for one in found if not isinstance(one, tuple)]


def read_one(tmp_path: Path, dialogue: dict[str, Any]) -> RawDialogue:
    (only,) = read(write_source(tmp_path, train=[dialogue]))
    assert isinstance(only, RawDialogue)
    return only


def test_the_readers_are_found_by_their_file_names() -> None:
    assert READERS.names() == ["alpaca", "cfcrs", "ecr", "inspired", "jsonl", "redial", "unicrs"]
    assert READERS.build("redial").name == "redial"


def test_splits_files_and_lines_are_kept(tmp_path: Path) -> None:
    write_source(tmp_path, test=[raw("5")], train=[raw("1"), raw("2")])
    found = [(d.conversation_id, d.split, d.source, d.line) for d in read(tmp_path) if isinstance(d, RawDialogue)]
    assert found == [
        ("1", Split.TRAIN, "train_data.jsonl", 1),
        ("2", Split.TRAIN, "train_data.jsonl", 2),
        ("5", Split.TEST, "test_data.jsonl", 1),
    ]


def test_messages_are_cleaned_and_keep_their_typos(tmp_path: Path) -> None:
    said = [
        ("S", "  &quot;Heat&quot; &amp; moer\r\n please \u200b "),
        ("R", "Tom &notting; &lt;movie&gt; AT&T \ud83d\ude00 \ud83d"),
        ("S", "\xa0"),
    ]
    messages = read_one(tmp_path, raw(said=said)).messages
    assert messages == (
        Message(Role.SEEKER, ('"Heat" & moer please',)),
        Message(Role.RECOMMENDER, ("Tom ¬ting; movie AT&T 😀",)),
        Message(Role.SEEKER, ("",)),
    )


def test_movies_are_taken_out_of_the_words(tmp_path: Path) -> None:
    (message,) = read_one(tmp_path, raw(said=[("R", "@11  or@22s,  @11 ? me@home @ 5")])).messages
    assert message == Message(Role.RECOMMENDER, ("", " or", "s, ", " ? me@home @ 5"), ("11", "22", "11"))


def test_the_seekers_form_goes_before_the_recommenders(tmp_path: Path) -> None:
    dialogue = raw(
        movieMentions={"11": "Heat  (1995) ", "22": None, "33": "Alien (1979)"},
        initiatorQuestions={"11": {"suggested": 0, "seen": 2, "liked": 0}},
        respondentQuestions={
            "11": {"suggested": 1, "seen": 1, "liked": 1},
            "22": {"suggested": 1, "seen": 0, "liked": 2},
        },
    )
    assert read_one(tmp_path, dialogue).items == {
        "11": Item("11", "Heat (1995)", liked=False, seen=None, suggested=False),
        "22": Item("22", "", liked=None, seen=False, suggested=True),
        "33": Item("33", "Alien (1979)", liked=None, seen=None, suggested=None),
    }


@pytest.mark.parametrize("unfilled", [[], None])
def test_a_form_that_nobody_filled_in(tmp_path: Path, unfilled: object) -> None:
    forms: dict[str, Any] = {
        "movieMentions": {"11": "Heat"},
        "initiatorQuestions": unfilled,
        "respondentQuestions": {"11": {"suggested": 1, "seen": 1, "liked": 1}},
    }
    assert read_one(tmp_path, raw(**forms)).items == {"11": Item("11", "Heat", True, True, True)}


def test_no_movies_is_an_empty_list_in_redial(tmp_path: Path) -> None:
    assert read_one(tmp_path, raw(movieMentions=[])).items == {}


def test_byte_order_mark_windows_line_ends_and_blank_lines(tmp_path: Path) -> None:
    lines = [json.dumps(raw("1")), "", json.dumps(raw("2"))]
    (tmp_path / "train_data.jsonl").write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode() + b"\r\n")
    assert [(d.conversation_id, d.line) for d in read(tmp_path) if isinstance(d, RawDialogue)] == [("1", 1), ("2", 3)]


def test_halves_of_surrogate_pairs_are_left_out_wherever_they_stand(tmp_path: Path) -> None:
    line = json.dumps(raw("1", movieMentions={"x": "a"}, said=[("S", "b"), ("R", "c")]))
    for letter, halves in (("x", r"\ud83dx"), ("a", r"a\ude00"), ("b", r"b\ud83d\ude00"), ("c", r"\ude00\ud83dc")):
        line = line.replace(f'"{letter}"', f'"{halves}"')
    (tmp_path / "train_data.jsonl").write_text(line)
    (dialogue,) = [one for one in read(tmp_path) if isinstance(one, RawDialogue)]
    assert dialogue.items == {"x": Item("x", "a")}
    assert [message.words for message in dialogue.messages] == [("b😀",), ("c",)]


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in raw("2").items() if key != name}


BAD_LINES = {
    "not closed": ('{"conversationId": "1"', "the line is not JSON: Expecting ',' delimiter at column 23"),
    "not JSON": ("hello", "the line is not JSON: Expecting value at column 1"),
    "long number": ("9" * 5000, "the line is not JSON that can be read: a number or a nesting is too long"),
    "deep": ("[" * 100_000, "the line is not JSON that can be read: a number or a nesting is too long"),
    "list": ("[1]", "the line is not a dialogue: expected a JSON object, found a list"),
    "number": ("1.5", "the line is not a dialogue: expected a JSON object, found a number"),
    "true": ("true", "the line is not a dialogue: expected a JSON object, found true or false"),
    "twice": (raw("1"), "conversation '1' is there twice; the first is at train_data.jsonl:1"),
    "no id": (without("conversationId"), "the field 'conversationId' is missing"),
    "empty id": (raw(" "), "'conversationId' is empty"),
    "bad id": (raw("2", conversationId=None), "'conversationId' must be text or a whole number, found null"),
    "no seeker": (without("initiatorWorkerId"), "the field 'initiatorWorkerId' is missing"),
    "no recommender": (without("respondentWorkerId"), "the field 'respondentWorkerId' is missing"),
    "one worker": (raw("2", initiatorWorkerId=9), "seeker and recommender are the same worker, 9"),
    "no field messages": (without("messages"), "the field 'messages' is missing"),
    "messages empty": (raw("2", said=()), "the dialogue has no messages"),
    "messages blank": (raw("2", said=[("S", " \n")]), "the dialogue has no messages"),
    "messages text": (raw("2", messages="hi"), "'messages' must be a list, found text"),
    "message text": (raw("2", messages=["hi"]), "message 1 must be a JSON object, found text"),
    "message without sender": (raw("2", messages=[{"text": "hi"}]), "message 1 has no 'senderWorkerId'"),
    "message without text": (raw("2", messages=[{"senderWorkerId": 7}]), "message 1 has no 'text'"),
    "message of null": (
        raw("2", messages=[{"senderWorkerId": 7, "text": None}]),
        "the text of message 1 must be text, found null",
    ),
    "stranger": (
        raw("2", messages=[{"senderWorkerId": 8, "text": "hi"}]),
        "message 1 is from 8, who is neither the seeker nor the recommender",
    ),
    "no movies": (without("movieMentions"), "the field 'movieMentions' is missing"),
    "movies text": (raw("2", movieMentions="Heat"), "'movieMentions' must be a JSON object, found text"),
    "name": (raw("2", movieMentions={"11": 5}), "the name of movie 11 must be text or null, found a number"),
    "nan": ('{"conversationId": NaN}', "the line is not JSON: NaN is no JSON number"),
    "form": (raw("2", initiatorQuestions=[1]), "'initiatorQuestions' must be a JSON object, found a list"),
    "answer": (
        raw("2", movieMentions={"11": "Heat"}, initiatorQuestions={"11": {"liked": 3}}),
        "'liked' of movie 11 is 3; it must be 0, 1 or 2",
    ),
}


@pytest.mark.parametrize(("line", "what"), BAD_LINES.values(), ids=BAD_LINES.keys())
def test_a_bad_line_is_named_or_skipped(tmp_path: Path, line: dict[str, Any] | str, what: str) -> None:
    write_source(tmp_path, train=[raw("1"), line, raw("3")])
    with pytest.raises(DataError) as caught:
        read(tmp_path)
    (problem,) = caught.value.problems
    assert (problem.what, problem.at, problem.fix) == (what, f"{tmp_path}/train_data.jsonl:2", FIX)
    assert caught.value.exit_code is ExitCode.DATA
    first, bad, third = read(tmp_path, skip_bad=True)
    assert bad == Skipped(Split.TRAIN, "train_data.jsonl", 2, what)
    assert [d.conversation_id for d in (first, third) if isinstance(d, RawDialogue)] == ["1", "3"]


def test_bytes_that_are_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "train_data.jsonl").write_bytes(b'{"a": "\xff"}\n')
    with pytest.raises(DataError, match="the line is not UTF-8: byte 0xff at column 8"):
        read(tmp_path)


def test_the_same_conversation_in_two_splits(tmp_path: Path) -> None:
    write_source(tmp_path, train=[raw("1")], test=[raw("0"), raw("1")])
    with pytest.raises(
        DataError, match=r"conversation '1' is there twice; the first is at train_data\.jsonl:1"
    ) as caught:
        read(tmp_path)
    assert caught.value.problems[0].at == f"{tmp_path}/test_data.jsonl:2"


def check_source(source: Path, what: str, fix: str) -> None:
    with pytest.raises(DataError) as caught:
        read(source)
    (problem,) = caught.value.problems
    assert (problem.what, problem.at, problem.fix) == (what, str(source), fix)


def test_a_missing_source(tmp_path: Path) -> None:
    check_source(tmp_path / "none", "the data source does not exist", "give the folder of the raw dialogues")


def test_an_empty_folder(tmp_path: Path) -> None:
    check_source(tmp_path, "the data folder is empty", "put train_data.jsonl of ReDial there")


def test_a_folder_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hi")
    with pytest.raises(DataError) as caught:
        read(tmp_path)
    (problem,) = caught.value.problems
    assert (problem.what, problem.at) == ("the data source is in no format that a reader knows", str(tmp_path))
    assert problem.fix.startswith("give llama_train.json, ")
    assert "train_data.jsonl, and valid_data.jsonl and test_data.jsonl where there are such (ReDial)" in problem.fix
    assert "train.tsv, and dev.tsv and test.tsv where there are such (INSPIRED" in problem.fix


def test_an_unknown_format(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        list(stream(write_source(tmp_path, train=[raw()]), form="redail"))
    (problem,) = caught.value.problems
    assert (problem.what, problem.at, problem.fix) == (
        "unknown data format 'redail'",
        "--format",
        "did you mean 'redial'?",
    )


def test_no_training_file(tmp_path: Path) -> None:
    write_source(tmp_path, valid=[raw()])
    check_source(
        tmp_path,
        "the data source has no training file; it has valid_data.jsonl",
        "give train_data.jsonl, and valid_data.jsonl and test_data.jsonl where there are such (ReDial)",
    )


def test_the_real_files() -> None:
    if not REAL.is_dir():
        pytest.skip("ReDial is not beside this checkout")
    found = [dialogue for dialogue in read(REAL) if isinstance(dialogue, RawDialogue)]
    splits = Counter(dialogue.split for dialogue in found)
    assert splits == {Split.TRAIN: 1450, Split.VALID: 100, Split.TEST: 300}
    assert {int(d.conversation_id) > 20_000 for d in found if d.split is Split.TEST} == {True}
