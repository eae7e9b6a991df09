"""Bias of position and of length, on numbers worked out by hand."""

import math

import pytest
from tiny_judges import tiny_judge
from tiny_models import example

from ecr_engine.scoring.bias import LengthBias, PositionBias, length_bias, position_bias, swap_test
from ecr_engine.scoring.judge import Judgement
from ecr_engine.scoring.listwise import ListedJudgement, ListedTurn
from ecr_engine.scoring.store import JudgedRow


def listed(name, order, *scores, failure=None):
    made = {
        system: Judgement(name, {}, {}, failure) if failure else Judgement(name, {"empathy": score}, {})
        for system, score in zip(order, scores, strict=True)
    }
    return ListedJudgement(name, tuple(order), made)


def test_a_liking_for_the_first_place():
    # Turn 1: x is first with .8, later .6; y is later with .5, first .7. Both gain .2 by standing first, and the better
    # one changes. Turn 2: p gains .3, q loses .1: mean .1; p stays the better one.
    first = [listed("1:1", "xy", 0.8, 0.5), listed("2:1", "pq", 0.9, 0.3), listed("3:1", "xy", 0, 0, failure="no")]
    second = [listed("1:1", "yx", 0.7, 0.6), listed("2:1", "qp", 0.2, 0.6), listed("3:1", "yx", 0.1, 0.9)]
    [found] = position_bias(first, second)
    # Over the turns: mean .15, standard deviation sqrt(.005), so 1.96 * sqrt(.005 / 2) = .098 to each side.
    assert (found.dimension, found.turns, found.flipped) == ("empathy", 2, 0.5)
    assert found.preference == pytest.approx(0.15)
    assert found.interval == pytest.approx((0.052, 0.248), abs=1e-4)
    # .2, .2, .3 and .1
    assert found.shift == pytest.approx(0.2)


def test_who_stays_in_the_middle_says_nothing_of_the_place():
    first, second = listed("1:1", "abc", 0.5, 0.1, 0.5), listed("1:1", "cba", 0.5, 0.9, 0.5)
    # b has moved past both others without changing its place: only pairs that have a better one in both orders count.
    assert position_bias([first], [second]) == (PositionBias("empathy", 1, 0.0, None, 0.0, 1.0),)


def test_a_judge_without_a_liking_is_told_from_one_with():
    turns = [ListedTurn(example(f"{number}:1", "hi"), {"a": "ok", "b": "thank you"}) for number in range(6)]

    class Blind:
        def judge_list(self, turns, *, seed=0, reverse=False):
            for turn in turns:
                order = "ba" if reverse else "ab"
                yield listed(turn.example.example_id, order, *(0.25 if name == "a" else 0.75 for name in order))

    assert swap_test(Blind(), turns) == (PositionBias("empathy", 6, 0.0, (0.0, 0.0), 0.0, 0.0),)
    found = {one.dimension: one for one in swap_test(tiny_judge("gpt2"), turns, seed=1)}
    assert set(found) == {"warmth", "good_advice"}
    assert all(one.turns == 6 and one.shift > 0 for one in found.values())


def judged(words, score, failure=None):
    scores = {} if failure else {"empathy": score, "overall": 0.5}
    return JudgedRow("1:1", "1", "word " * words, "baseline", Judgement("1:1", scores, {}, failure))


def test_longer_responses_with_higher_scores():
    # Words 1, 2, 3, 4 and scores .1, .2, .4, .3: ranks 1, 2, 4, 3, so Spearman 1 - 6 * 2 / (4 * 15) = .8; Pearson the
    # same here. A failure is no row.
    rows = [judged(1, 0.1), judged(2, 0.2), judged(3, 0.4), judged(4, 0.3), judged(90, 0, "the response is empty")]
    empathy, overall = length_bias(rows)
    assert (empathy.dimension, empathy.rows) == ("empathy", 4)
    assert (empathy.pearson, empathy.spearman) == (pytest.approx(0.8), pytest.approx(0.8))
    # z = atanh(.8) = 1.0986; variance (1 + .32) / 1 = 1.32, so 1.96 * 1.1489 = 2.2518 to each side.
    assert empathy.interval == pytest.approx((math.tanh(-1.1532), math.tanh(3.3504)), abs=1e-3)
    assert overall == LengthBias("overall", 4, None, None, None)
