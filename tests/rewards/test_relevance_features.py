"""What `relevance` looks at: numbers of words, counts with a reply left out, the form of a response."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from reward_dialogues import example

from ecr_engine.rewards.relevance.features import (
    BITS,
    COUNT_BITS,
    MOST_WORDS,
    Counts,
    cut,
    features,
    grams_of,
    saying,
    scene,
)
from ecr_engine.rewards.relevance.forms import acts, form, step
from ecr_engine.rewards.relevance.hashing import distinct, join, places, runs, word_ids


def corpus(*replies):
    counts = Counts(np.zeros(1 << COUNT_BITS, dtype=np.int32))
    for reply in replies:
        counts.add(grams_of(cut(reply)), 1)
    return counts


def test_numbers_of_words_are_the_same_in_another_process():
    code = "from ecr_engine.rewards.relevance.hashing import word_ids; print(word_ids(['hi', 'é\\ud800']).tolist())"
    seen = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert seen == {f"{word_ids(['hi', 'é' + chr(0xD800)]).tolist()}\n"}


def test_runs_know_order_and_length():
    one = word_ids(["a", "b", "c", "a", "b"])
    pairs = runs(one, 2)
    assert len(pairs) == 4
    assert pairs[0] == pairs[3]  # a b, twice
    assert len(set(pairs.tolist())) == 3
    assert runs(word_ids(["b", "a"]), 2)[0] != pairs[0]
    assert runs(one[:1], 2).tolist() == []
    assert distinct(pairs).tolist() == sorted(set(pairs.tolist()))
    assert join(one[:1], one[1:2]).tolist() == [(int(one[0]) * 0x9E3779B97F4A7C15 + int(one[1])) % 2**64]


def test_places_fit_the_table_and_spread():
    found = places(word_ids(str(number) for number in range(2000)), BITS)
    assert found.min() >= 0
    assert found.max() < 2**BITS
    assert len(set(found.tolist())) >= 1990  # by chance about two of 2000 meet in a million places


def test_what_few_replies_have_is_unknown():
    counts = corpus(*["i like <movie>"] * 3, "strange zebra")
    known = counts.look_up(grams_of(cut("i like zebra")))
    # words: i, like; pairs: <start> i, i like; runs: <start> i like; 3 + 4 + 3 grams in all
    assert known.shares == pytest.approx((2 / 3, 2 / 4, 1 / 3))
    log = np.log1p([3, 3, 1]).sum() / 3
    assert known.means[0] == pytest.approx(log)


def test_a_reply_can_be_taken_out_of_the_counts():
    counts = corpus(*["i like <movie>"] * 3)
    counts.add(grams_of(cut("i like <movie>")), -1)
    assert counts.look_up(grams_of(cut("i like <movie>"))).shares == (0, 0, 0)


def test_repetition_adds_no_feature_of_words():
    counts = corpus(*["great movie"] * 3)
    once, often = saying("great", counts), saying("great great great great", counts)
    assert once is not None
    assert often is not None
    assert once.content_ids.tolist() == often.content_ids.tolist()
    assert once.heads.tolist()[0] == often.heads.tolist()[0]


def test_a_group_of_features_weighs_the_same_whatever_its_size():
    counts = corpus(*["i like it"] * 3)
    for text in ("i", "i like it", "i like it . " * 30):
        said = saying(text, counts)
        assert said is not None
        facts = len(form(text.strip(), cut(text))) + 6  # of form and of what is usual, the last of all features
        assert (said.features.value[-facts:] == 0.5).all()
        assert (said.features.value[:-facts] ** 2).sum() == pytest.approx(3.0)  # words, pairs, runs of three


def test_what_is_beyond_the_first_words_is_not_looked_at():
    counts = corpus("i like it")
    start = "one two three four five " * (MOST_WORDS // 5)
    first, second = saying(start, counts), saying(start + " entirely different words " * 3000, counts)
    assert first is not None
    assert second is not None
    assert first.words == second.words
    assert len(first.words) == MOST_WORDS


def test_texts_without_words_have_no_features():
    assert saying("", corpus("hi")) is None
    assert saying(" \n\t", corpus("hi")) is None


def test_the_dialogue_enters():
    counts = corpus(*["hello there"] * 3)
    said = saying("hello there", counts)
    assert said is not None
    greeted, asked = scene(example("hi")), scene(example("who is in it?", earlier=("i want a comedy", "try <movie>")))
    first, second = features(greeted, said).index.tolist(), features(asked, said).index.tolist()
    own = len(said.features.index)
    assert first[:own] == second[:own]
    assert len(set(first[own:]) & set(second[own:])) < len(first[own:]) / 2


def test_an_opening_turn_has_a_scene():
    from dataclasses import replace

    opening = scene(replace(example("hi"), context=()))
    assert (opening.last, opening.seeker, opening.own, opening.turns) == (frozenset(),) * 4
    assert len(opening.heard) == 0


@pytest.mark.parametrize(
    ("text", "bits"),
    [("who is in it ?", 1), ("hi there", 2), ("ok thanks", 4), ("try <movie>", 8), ("hey , seen <movie> ? bye", 15)],
)
def test_acts(text, bits):
    assert acts(text.split()) == bits


def test_steps():
    assert [step(value, (1, 2, 4)) for value in (0, 1, 2, 3, 4, 5)] == [0, 0, 1, 2, 2, 3]


def test_form_tells_capitals_strange_letters_and_repetition():
    def facts(text):
        return {kind: (first, second) for kind, first, second in form(text, cut(text))}

    assert facts("GREAT MOVIE")["capitals"][0] > facts("Great movie")["capitals"][0]
    assert "mixed" not in facts("great movie")
    assert facts("grеat mоvie")["mixed"][0] == 2  # Cyrillic e and o
    assert facts("café olé")["mixed"][0] == 0
    assert facts("i see i see i see")["said twice"][0] > facts("i see you now")["said twice"][0]
    assert facts("seen it?")["marks"] == (1, 0)
    assert facts("<movie> or <movie>")["slots"][0] == 2
