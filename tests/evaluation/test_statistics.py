"""Intervals and p values against closed forms and against counts of their errors."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from ecr_engine.evaluation.statistics import Interval, holm, mean_intervals, paired_comparison

SETTINGS = {"resamples": 10_000, "confidence": 0.95, "seed": 0}


def paired(*sides, **settings):
    """The metrics without further quantities."""
    return paired_comparison(*sides, **settings)[0]


def single(values):
    return np.array(values, dtype=np.float64)[:, None]


def each(n):
    return [str(place) for place in range(n)]


def test_the_interval_of_a_mean_is_that_of_the_normal_approximation():
    values = np.random.default_rng(1).normal(3.0, 2.0, size=800)
    (interval,) = mean_intervals(single(values), each(800), **SETTINGS)
    error = 1.959964 * values.std() / math.sqrt(800)
    assert interval.low == pytest.approx(values.mean() - error, abs=0.01)
    assert interval.high == pytest.approx(values.mean() + error, abs=0.01)


def test_whole_dialogues_are_drawn():
    # 40 dialogues of 10 equal turns: the standard error is that of 40 values, not of 400
    means = np.random.default_rng(2).normal(size=40)
    clusters = [str(place // 10) for place in range(400)]
    (interval,) = mean_intervals(single(np.repeat(means, 10)), clusters, **SETTINGS)
    assert interval.high - interval.low == pytest.approx(2 * 1.959964 * means.std() / math.sqrt(40), rel=0.05)


def test_the_exact_distribution_of_two_clusters():
    # two clusters of sizes 1 and 3: each draw of two clusters gives mean 0 (p 1/4), 3/4 (1/2) or 1 (1/4)
    values, clusters = single([0.0, 1.0, 1.0, 1.0]), ["a", "b", "b", "b"]
    (wide,) = mean_intervals(values, clusters, resamples=4000, confidence=0.6, seed=0)
    (narrow,) = mean_intervals(values, clusters, resamples=4000, confidence=0.4, seed=0)
    assert wide == Interval(0.0, 1.0)
    assert narrow == Interval(0.75, 0.75)


def test_one_dialogue_has_no_interval():
    assert mean_intervals(single([1.0, 2.0]), ["a", "a"], **SETTINGS) == [None]
    assert mean_intervals(single([1.0, math.nan]), ["a", "b"], **SETTINGS) == [None]


def test_identical_inputs_give_exact_zeros():
    values = np.random.default_rng(3).random((50, 4))
    for outcome in paired(values, values, each(50), **SETTINGS):
        assert outcome.difference == 0.0
        assert outcome.interval == Interval(0.0, 0.0)
        assert outcome.p == 1.0
        assert (outcome.wins, outcome.ties, outcome.losses) == (0, 50, 0)
        assert outcome.effect is None


def test_rows_without_both_values_are_left_out_of_that_metric_alone():
    a = np.array([[1.0, 1.0], [2.0, math.nan], [3.0, 3.0], [4.0, 4.0]])
    b = np.array([[2.0, 2.0], [2.0, 9.0], [5.0, 5.0], [math.nan, 3.0]])
    first, second = paired(a, b, each(4), **SETTINGS)
    assert (first.n, first.a, first.b, first.difference) == (3, 2.0, 3.0, 1.0)
    assert (first.wins, first.ties, first.losses) == (2, 1, 0)
    assert first.effect == 1.0  # differences 1, 0, 2: mean 1, standard deviation 1
    assert (second.n, second.a, second.b) == (3, pytest.approx(8 / 3), pytest.approx(10 / 3))
    assert (second.wins, second.ties, second.losses) == (2, 0, 1)


def test_a_metric_without_a_value_says_so():
    nothing = single([math.nan, math.nan])
    (outcome,) = paired(nothing, nothing, each(2), **SETTINGS)
    assert (outcome.n, outcome.difference, outcome.interval, outcome.p) == (0, None, None, None)


def test_p_is_that_of_all_sign_flips_listed():
    gaps = [0.5, 0.3, -0.1, 0.8, 0.2, 0.4, -0.3, 0.6]
    flips = [
        abs(sum(s * g for s, g in zip(signs, gaps, strict=True))) for signs in itertools.product((1, -1), repeat=8)
    ]
    exact = sum(flip >= sum(gaps) - 1e-12 for flip in flips) / len(flips)
    (outcome,) = paired(single([0.0] * 8), single(gaps), each(8), resamples=100_000, confidence=0.95, seed=0)
    assert outcome.p == pytest.approx(exact, abs=0.005)


def test_signs_are_flipped_by_dialogue():
    # three dialogues that all gained: under clustering 2 of 8 sign patterns are as extreme, however many turns
    (outcome,) = paired(single([0.0] * 30), single([1.0] * 30), [str(n // 10) for n in range(30)], **SETTINGS)
    assert outcome.p == pytest.approx(0.25, abs=0.02)


def test_it_cries_wolf_about_as_often_as_it_should():
    rng = np.random.default_rng(4)
    clusters = [str(place // 4) for place in range(400)]
    alarms = 0
    for draw in range(10):
        dialogue = np.repeat(rng.normal(size=(100, 20)), 4, axis=0)  # turns of a dialogue go together
        a, b = (dialogue + np.repeat(rng.normal(size=(100, 20)), 4, axis=0) for _ in range(2))
        outcomes = paired(a, b, clusters, resamples=1000, confidence=0.95, seed=draw)
        alarms += sum(outcome.p < 0.05 for outcome in outcomes)
    assert 2 <= alarms <= 20  # 200 tests at 5 %: 10 expected; P(outside) is under 0.2 %


def test_a_seed_gives_the_same_numbers_and_rows_in_any_order():
    rng = np.random.default_rng(6)
    a, b, clusters = rng.random((60, 2)), rng.random((60, 2)), [str(place // 3) for place in range(60)]
    first = paired(a, b, clusters, **SETTINGS)
    assert paired(a, b, clusters, **SETTINGS) == first
    order = rng.permutation(60)
    again = paired(a[order], b[order], [clusters[place] for place in order], **SETTINGS)
    assert [o.p for o in again] == [o.p for o in first]
    assert again[0].interval.low == pytest.approx(first[0].interval.low, abs=1e-12)
    other = paired(a, b, clusters, resamples=10_000, confidence=0.95, seed=1)
    assert other[0].interval != first[0].interval


def test_holm_by_hand():
    # sorted .005 .01 .03 .04 times 4 3 2 1 = .02 .03 .06 .04, never falling: .02 .03 .06 .06
    assert holm([0.01, 0.04, None, 0.03, 0.005]) == pytest.approx([0.03, 0.06, None, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
