"""Plain texts as dialogues, and names of emotions as labels."""

from __future__ import annotations

import pytest

from ecr_engine.data.schema import EMOTIONS
from ecr_engine.rl.guide.dialogue import sample_of, turns_of
from ecr_engine.rl.guide.emotions import NAMES, label_of


@pytest.mark.parametrize(
    ("context", "wanted"),
    [
        ("I feel sad", [("seeker", "I feel sad")]),
        ("", []),
        ([], []),
        (["Hi!", "I feel sad"], [("recommender", "Hi!"), ("seeker", "I feel sad")]),
        (["a", "b", "c"], [("seeker", "a"), ("recommender", "b"), ("seeker", "c")]),
        (["Seeker: a", "seeker:b", "recommender: c"], [("seeker", "a b"), ("recommender", "c")]),
        (["a", "recommender: b"], [("seeker", "a"), ("recommender", "b")]),
        (["a", " ", "c"], [("seeker", "a c")]),
        (["the seeker: a film"], [("seeker", "the seeker: a film")]),
    ],
)
def test_turns(context, wanted):
    assert [(turn.role.value, turn.slots) for turn in turns_of(context)] == wanted


def test_a_sample_of_plain_texts():
    sample = sample_of(turns_of("hello"), "Try <movie>", "See <movie>", ("like",), name="given:3", tokens=4)
    assert (sample.example.example_id, sample.example.conversation_id, sample.example.turn) == ("given:3", "given", 1)
    assert (sample.example.target, sample.example.emotions) == ("See <movie>", ("like",))
    assert (sample.response, sample.finished, sample.tokens) == ("Try <movie>", True, 4)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        *((emotion, emotion) for emotion in EMOTIONS),
        ("sad", "negative"),
        (" Angry ", "negative"),
        ("excited", "like"),
        ("gratitude", "grateful"),
        ("joy", "happy"),
        ("hope", "curious"),
        ("familiarity", "agreement"),
        ("impressed", "surprise"),
        ("calm", "neutral"),
    ],
)
def test_labels(name, label):
    assert label_of(name) == label


def test_no_name_stands_for_two_labels():
    names = [*EMOTIONS, *(name for group in NAMES.values() for name in group)]
    assert len(names) == len(set(names))
    assert set(NAMES) == set(EMOTIONS)
