"""What the true reply is ranked above."""

from __future__ import annotations

from random import Random

import pytest
from reward_dialogues import example

from ecr_engine.data.words import words
from ecr_engine.rewards.relevance.negatives import composed, echoed, spoilt, stock, strung, usual_sentences

REPLIES = ["Hi there!", "Hi there!", "Try <movie>. You will like it.", "You will like it.", "no idea"]


def test_the_stock_holds_what_is_usual():
    found = stock(REPLIES)
    assert found.replies == ("Hi there!",)
    assert found.sentences == ("Hi there!", "Hi there!", "You will like it.", "You will like it.")
    assert found.vocabulary[:4] == ("hi", "it", "like", "there")  # twice each, in the order of the alphabet
    assert "." not in found.vocabulary


def test_a_corpus_in_which_nothing_is_usual_has_a_stock_too():
    found = stock(["one thing", "another"])
    assert found.replies == ("another", "one thing")
    assert found.sentences == ("another", "one thing")


def test_the_same_seed_gives_the_same_negatives():
    made = [[composed(rng) for _ in range(5)] + [strung(stock(REPLIES), rng)] for rng in (Random(1), Random(1))]
    assert made[0] == made[1]
    assert len(set(made[0])) > 3


def test_composed_sentences_are_whole():
    for number in range(300):
        text = composed(Random(number))
        assert words(text)
        assert not set("{}|") & set(text)
        assert "  " not in text


@pytest.mark.parametrize("seed", range(40))
def test_spoiling_keeps_slots_whole_and_changes_something_most_times(seed):
    text = spoilt("I really liked <movie>, have you seen it?", Random(seed))
    assert "<MOVIE>" not in text
    assert text.count("<movie>") == text.count("<")


def test_echoes_come_from_the_context():
    turn = example("who is in it then?", earlier=("i want a comedy", "try <movie> tonight"))
    spoken = {word for one in turn.context for word in words(one.slots)}
    for seed in range(40):
        assert set(words(echoed(turn, Random(seed)))) <= spoken | {"?"}


def test_usual_sentences_come_from_the_corpus():
    corpus = stock(REPLIES)
    for seed in range(20):
        left = usual_sentences(corpus, Random(seed))
        for sentence in ("Hi there!", "You will like it."):
            left = left.replace(sentence, "")
        assert left.strip() == ""
