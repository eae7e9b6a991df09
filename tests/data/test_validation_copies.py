"""Planted copies of dialogues are found, and nothing else is taken for one."""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path

import pytest
from raw_redial import raw, write_source

from ecr_engine.data.sample import write_sample
from ecr_engine.data.validation.examine import validate

TALK = [
    ("S", "Hello there, can you help me find a comedy?"),
    ("R", "Sure, have you ever seen @100 with the balloons?"),
    ("S", "I have not, who is playing in that one?"),
    ("R", "It is animated, an old man flies his house away."),
    ("S", "My daughter would love that so much, thanks!"),
    ("R", "You are welcome, have a great evening you two."),
]
SHARED = Path(os.environ.get("ECR_SHARED", "../shared")) / "data" / "redial"
real = pytest.mark.skipif(not SHARED.is_dir(), reason="real ReDial dialogues are not at hand")


def talk(identity, said=TALK):
    return raw(identity, said, movieMentions={"100": "Up (2009)"})


def codes(folder, **splits):
    report = validate(
        write_source(folder, **splits), form="redial", system="x", context_max_length=150, resp_max_length=60
    )
    likes = ("leak", "duplicate", "same-example")
    return {finding.code: finding for finding in report.findings if finding.code.startswith(likes)}


def merged(said):
    """Messages of one sender joined: here each turn is cut in two first, so that there is something to join."""
    return [(who, half) for who, text in said for half in (text[: len(text) // 2], text[len(text) // 2 :])]


EXACT = {
    "as it is": TALK,
    "case and blanks": [(who, f"  {text.upper().replace(' ', '   ')} ") for who, text in TALK],
    "punctuation": [(who, text.replace(",", "").replace("?", "...").replace(".", "!")) for who, text in TALK],
    "another movie": [(who, text.replace("@100", "@200")) for who, text in TALK],
    "messages apart": [
        (who, half) for who, text in TALK for half in (text.rpartition(" ")[0], text.rpartition(" ")[2])
    ],
}


@pytest.mark.parametrize("said", EXACT.values(), ids=EXACT.keys())
def test_a_copy_under_another_id_in_another_split_is_a_leak(tmp_path, said) -> None:
    finding = codes(tmp_path, train=[raw("1"), talk("2")], test=[raw("3"), talk("4", said)])["leak-copy"]
    assert (str(finding.grade), finding.count, finding.total) == ("error", 1, 4)
    assert finding.parts == {"train and test": 1}
    place = finding.examples[0]
    assert (place.line, place.conversation_id) == (2, "4")
    assert place.detail == f"like {tmp_path / 'train_data.jsonl'}:2 (2)"


@pytest.mark.parametrize("said", [TALK[1:], TALK[2:], TALK[:-1], TALK[:-2], [*TALK[:3], ("R", "no idea")]])
def test_a_copy_that_lost_messages_is_a_leak(tmp_path, said) -> None:
    found = codes(tmp_path, train=[talk("1")], valid=[talk("2", said)])
    finding = found["leak-near-copy"]
    assert (str(finding.grade), finding.count, finding.parts) == ("error", 1, {"train and valid": 1})
    assert "leak-copy" not in found


def test_copies_within_a_split_are_duplicates(tmp_path) -> None:
    found = codes(tmp_path, train=[talk("1"), talk("2"), talk("3"), talk("4", TALK[1:])])
    assert (str(found["duplicate-copy"].grade), found["duplicate-copy"].count) == ("warning", 2)
    assert (str(found["duplicate-near-copy"].grade), found["duplicate-near-copy"].count) == ("warning", 1)
    assert not {"leak-copy", "leak-near-copy"} & set(found)


def test_a_leak_is_not_hidden_by_a_duplicate(tmp_path) -> None:
    found = codes(tmp_path, train=[talk("1")], test=[talk("2"), talk("3")])
    assert found["leak-copy"].count == 2


def test_short_dialogues_that_are_equal_are_no_copies(tmp_path) -> None:
    assert codes(tmp_path, train=[raw("1"), raw("2")], test=[raw("3")]) == {}


def test_one_long_phrase_in_common_is_no_copy(tmp_path) -> None:
    phrase = ("R", "I hope you have a very nice day, goodbye!")
    first = [("S", "I want to laugh about something silly tonight"), ("R", "@100 is about as silly as it gets"), phrase]
    second = [("S", "my brother wants to cry over a sad film"), ("R", "what about @100 for the whole family"), phrase]
    assert codes(tmp_path, train=[talk("1", first)], test=[talk("2", second)]) == {}


def test_examples_that_two_splits_share(tmp_path) -> None:
    opening = [("S", "hello, I would like a very good film"), ("R", "which kind of film do you like most?")]
    first = [*opening, ("S", "spies who fall in love while they are on the run"), ("R", "then see @100 and cry")]
    second = [*opening, ("S", "cowboys with a horse that can talk and sing"), ("R", "@100 is the one for you")]
    finding = codes(tmp_path, train=[talk("1", first)], test=[talk("2", second)])["same-example"]
    assert (str(finding.grade), finding.count, finding.total) == ("note", 1, 4)
    assert finding.examples[0].conversation_id == "2"


def test_the_sample_corpus_has_neither_leaks_nor_duplicates(tmp_path) -> None:
    write_sample(tmp_path / "sample", dialogues=300, movies=60, seed=5)
    report = validate(tmp_path / "sample", form="redial", system="x", context_max_length=150, resp_max_length=60)
    assert report.errors == 0
    assert not [one.code for one in report.findings if one.code.startswith(("leak", "duplicate"))]


def dialogues(split):
    lines = (SHARED / f"{split}_data.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def altered(dialogue, identity, how):
    """A copy of a real dialogue under another id."""
    made = copy.deepcopy(dialogue)
    made["conversationId"] = identity
    if how == "case":
        for message in made["messages"]:
            message["text"] = f" {message['text'].upper()}  "
    elif how == "first":
        made["messages"] = made["messages"][2:]
    elif how == "last":
        made["messages"] = made["messages"][:-2]
    elif how == "merged":
        joined = []
        for message in made["messages"]:
            if joined and joined[-1]["senderWorkerId"] == message["senderWorkerId"]:
                joined[-1]["text"] += " " + message["text"]
            else:
                joined.append(dict(message))
        made["messages"] = joined
    return made


@real
def test_planted_copies_of_real_dialogues_are_all_found(tmp_path) -> None:
    training = dialogues("train")
    planted = {}
    for start, how in enumerate(("as it is", "case", "merged", "first", "last")):
        for number in range(10):
            original = training[start * 50 + number * 5]
            identity = f"{how}-{number}"
            planted[identity] = altered(original, identity, how)
    found = codes(tmp_path, train=training, test=[*dialogues("test"), *planted.values()])
    assert found["leak-copy"].count == 30
    assert found["leak-near-copy"].count == 20
    assert found["leak-copy"].total == 1450 + 300 + 50
