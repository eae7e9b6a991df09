"""The fitted model: what it ranks above what, that it is the same each time, and that it can't be farmed."""

from __future__ import annotations

import time
from collections import Counter
from itertools import pairwise
from statistics import fmean

import numpy as np
import pytest
from reward_dialogues import example

from ecr_engine.data.schema import Split
from ecr_engine.data.store import read_examples, split_path
from ecr_engine.data.words import words
from ecr_engine.rewards.relevance.fitting import Fitting, fit, parted, usable
from ecr_engine.rewards.relevance.model import ENOUGH, Calibration


@pytest.fixture(scope="module")
def splits(sample_corpus):
    return [read_examples(split_path(sample_corpus, split)) for split in Split]


@pytest.fixture(scope="module")
def model(splits):
    return fit(splits[0], splits[1])


@pytest.fixture(scope="module")
def held_out(splits):
    return [one for one in splits[2] if one.context and words(one.target)]


def mean(model, turns, respond):
    return fmean(model.score(one, respond(one)) for one in turns)


def test_the_reply_ranks_above_what_does_not_belong_there(model, held_out):
    others = {one.example_id: held_out[(place + 41) % len(held_out)].target for place, one in enumerate(held_out)}
    ours = mean(model, held_out, lambda one: one.target)
    assert ours > 0.4
    spoiling = (
        lambda one: others[one.example_id],
        lambda one: one.context[-1].slots,
        lambda one: " ".join(reversed(one.target.split())),
        lambda one: f"{one.target} {one.target}",
        lambda one: "I am so glad for you!",
        lambda one: "<movie> " * 10,
        lambda one: "sorry " * 10,
    )
    assert max(mean(model, held_out, spoil) for spoil in spoiling) < ours / 2


def test_the_same_corpus_gives_the_same_model(splits):
    few = splits[0][:200]
    first, second = fit(few, splits[1]), fit(few, splits[1])
    assert np.array_equal(first.weights, second.weights)
    assert np.array_equal(first.counts.table, second.counts.table)
    assert first.calibration == second.calibration


def test_weights_have_the_precision_they_are_kept_with(model):
    assert np.array_equal(model.weights, model.weights.astype(np.float16).astype(np.float32))
    assert model.counts.table.max() <= 255


def test_fitting_leaves_the_counts_as_they_were(splits):
    fitting = Fitting(splits[0][:60])
    before = fitting.counts.table.copy()
    fitting._negatives(7)
    assert np.array_equal(fitting.counts.table, before)


def test_a_score_says_where_people_stand():
    calibration = Calibration(middle=2.0, spread=0.5)
    assert calibration.share(2.0) == 0.5
    assert calibration.share(2.0 + 0.5 * np.log(3)) == pytest.approx(0.75)  # the upper quartile
    assert calibration.share(-1e6) == 0.0
    assert calibration.score(2.0) == pytest.approx(0.5 / ENOUGH)
    assert calibration.score(2.0 + 0.5 * np.log(ENOUGH / (1 - ENOUGH)) + 1e-9) == 1.0  # capped where people stand
    assert calibration.score(1e6) == 1.0


def test_people_that_were_not_learned_from_are_spread_as_the_calibration_says(model, splits):
    shares = [model.share(one, one.target) for one in splits[1] if words(one.target)]
    assert np.quantile(shares, [0.25, 0.5, 0.75]) == pytest.approx([0.25, 0.5, 0.75], abs=0.08)


def test_what_has_no_words_has_nothing(model):
    for text in ("", "   ", "\n\t"):
        assert model.score(example("hi"), text) == 0.0
        assert model.share(example("hi"), text) is None


@pytest.mark.parametrize(
    "text",
    [
        "great movie " * 5000,
        "\x00\x1b[2J\u200b\ud800",
        "هل شاهدت هذا الفيلم؟",
        "我很高兴你喜欢",
        "👍🏽" * 300,
        "a" * 200_000,
        "?" * 10_000,
    ],
)
def test_any_text_has_a_score_and_noise_a_low_one(model, text):
    assert 0.0 <= model.score(example("I want a comedy"), text) < 0.4


def test_ten_thousand_words_take_no_longer_than_a_hundred(model):
    turn, text = example("I want a comedy"), "what kind of movies do you like ? " * 1250
    start = time.process_time()
    for _ in range(20):
        model.score(turn, text)
    assert time.process_time() - start < 0.5


def test_a_response_that_is_searched_for_does_not_reach_people(model, splits, held_out):
    """Greedy search for one response to everybody, over the most frequent words and pairs of the replies."""
    turns = held_out[:24]
    grams = Counter(gram for one in splits[0] for said in [words(one.target)] for gram in (*said, *pairwise(said)))
    offered = [gram if isinstance(gram, str) else " ".join(gram) for gram, _ in grams.most_common(40)]
    best, found = "", 0.0
    for _ in range(8):
        tried = {f"{best} {gram}".strip(): 0.0 for gram in offered}
        tried = {text: mean(model, turns, lambda one, text=text: text) for text in tried}
        text, score = max(tried.items(), key=lambda one: one[1])
        if score <= found:
            break
        best, found = text, score
    assert best
    assert found < 0.8 * mean(model, turns, lambda one: one.target), best


def test_saying_more_of_the_good_is_not_better(model, held_out):
    ours = mean(model, held_out, lambda one: one.target)
    assert mean(model, held_out, lambda one: " ".join([one.target] * 4)) < ours / 2


def test_calibration_without_a_validation_split_holds_dialogues_back(splits):
    train, calibrating = parted(splits[0], [])
    assert {one.conversation_id for one in train} & {one.conversation_id for one in calibrating} == set()
    assert len(train) + len(calibrating) == len(splits[0])
    assert 0.1 < len(calibrating) / len(splits[0]) < 0.3
    assert parted(splits[0], splits[1]) == (splits[0], splits[1])


def test_replies_without_words_are_not_learned_from(splits):
    from dataclasses import replace

    assert usable([replace(splits[0][0], target=" "), splits[0][1]]) == [splits[0][1]]
