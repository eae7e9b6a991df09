"""Errors, correlations and their intervals: against numbers by hand, against scipy, and against data written out."""

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr

from ecr_engine.evaluation import prediction
from ecr_engine.evaluation.prediction import Draws, mean_ranks, prediction_scores


def draws(clusters, resamples=200, seed=0):
    return Draws(list(clusters), resamples, 0.9, seed)


def test_scores_by_hand():
    found = prediction_scores([0.2, 0.4, 0.9, 0.3], [0.1, 0.5, 0.8, 0.6], draws("aabb"))
    # Errors 0.1, -0.1, 0.1, -0.3; the truth has mean 0.5 and variance 0.065.
    assert found.mse.value == pytest.approx(0.03)
    assert found.mae.value == pytest.approx(0.15)
    assert found.r2.value == pytest.approx(1 - 0.03 / 0.065)
    # Covariance 0.055 over the roots of 0.0725 and 0.065.
    assert found.pearson.value == pytest.approx(0.055 / (0.0725 * 0.065) ** 0.5)
    # Ranks 1 3 4 2 against 1 2 4 3: differences 0 1 0 -1, so 1 - 6 * 2 / (4 * 15).
    assert found.spearman.value == pytest.approx(0.8)


def test_ties_have_their_mean_rank():
    assert mean_ranks([3.0, 1.0, 3.0, 2.0]).tolist() == [3.5, 1.0, 3.5, 2.0]


@pytest.mark.parametrize("rounding", [6, 1])
def test_a_weight_counts_as_that_many_rows(rounding):
    """What a resample gives is what scipy gives for the rows written out as often as they were drawn."""
    rng = np.random.default_rng(4)
    truth = rng.random(30).round(rounding)
    said = (truth + 0.3 * rng.random(30)).round(rounding)
    often = rng.integers(0, 4, 30)
    long_said, long_truth = np.repeat(said, often), np.repeat(truth, often)
    found = prediction._Columns(said, truth).scores(often[None, :].astype(float))[0]
    error = long_said - long_truth
    assert found == pytest.approx(
        [
            np.mean(error**2),
            np.mean(np.abs(error)),
            1 - np.mean(error**2) / long_truth.var(),
            pearsonr(long_said, long_truth)[0],
            spearmanr(long_said, long_truth)[0],
        ]
    )


def test_whole_dialogues_are_drawn():
    """Two dialogues: a resample has both, or one of them twice, so only three values are possible."""
    said, truth = [0.0, 0.0, 1.0, 1.0], [0.1, 0.1, 0.5, 0.5]
    found = prediction_scores(said, truth, draws("aabb", resamples=400))
    # Errors 0.01 in one dialogue, 0.25 in the other; each twice is drawn a quarter of the time.
    assert (found.mse.interval.low, found.mse.interval.high) == (pytest.approx(0.01), pytest.approx(0.25))
    one = prediction_scores(said, truth, draws("aaaa"))
    assert (one.mse.value, one.mse.interval) == (pytest.approx(0.13), None)


def test_blocks_of_memory_change_nothing(monkeypatch):
    rng = np.random.default_rng(1)
    truth = rng.random(40)
    said, clusters = truth + rng.random(40), [str(row // 2) for row in range(40)]
    whole = prediction_scores(said, truth, draws(clusters))
    monkeypatch.setattr(prediction, "CELLS", 40 * 200)
    assert prediction_scores(said, truth, draws(clusters)) == whole


def test_intervals_have_the_stated_confidence():
    """Of intervals at 90 % about 90 % hold the true correlation of the source that rows are drawn from."""
    rng = np.random.default_rng(2)
    held = 0
    for trial in range(120):
        truth = rng.normal(size=120)
        said = 0.6 * truth + 0.8 * rng.normal(size=120)
        found = prediction_scores(said, truth, Draws([str(row) for row in range(120)], 200, 0.9, trial))
        held += found.pearson.interval.low <= 0.6 <= found.pearson.interval.high
    assert 98 <= held <= 117


def test_a_predictor_that_always_says_the_same_orders_nothing():
    found = prediction_scores([0.4] * 4, [0.1, 0.5, 0.8, 0.6], draws("abcd"))
    assert (found.pearson.value, found.spearman.value) == (0.0, 0.0)
    assert (found.spearman.interval.low, found.spearman.interval.high) == (0.0, 0.0)
    # Squared errors 0.09, 0.01, 0.16, 0.04.
    assert found.mse.value == pytest.approx(0.075)


def test_a_truth_that_does_not_vary_has_no_r2():
    found = prediction_scores([0.4, 0.2], [0.3, 0.3], draws("ab"))
    assert (found.r2.value, found.r2.interval, found.spearman.value) == (None, None, 0.0)
