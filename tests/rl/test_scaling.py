"""Running statistics and the scale of scores, by hand."""

import statistics

import pytest

from ecr_engine.rl.scaling import RunningStatistics, ScoreScaling


def scaling(running=True, clip=None):
    return ScoreScaling(running, clip, RunningStatistics())


def test_batches_add_up_to_the_whole():
    numbers = [3.0, -1.0, 4.0, 1.0, -5.0, 9.0, 2.0]
    running = RunningStatistics()
    for part in (numbers[:3], numbers[3:4], numbers[4:]):
        running.add(part)
    assert (running.count, running.mean) == (7, pytest.approx(statistics.fmean(numbers)))
    assert running.std == pytest.approx(statistics.pstdev(numbers))


def test_scores_are_divided_by_what_has_been_seen_so_far_and_keep_their_mean():
    made = scaling()
    # 1 and 5: standard deviation 2.
    assert made.apply([1.0, 5.0]) == pytest.approx([0.5, 2.5])
    # 1, 5, 3, 3: mean 3, variance (4 + 4) / 4 = 2.
    assert made.apply([3.0, 3.0]) == pytest.approx([3 / 2**0.5] * 2)


def test_scores_that_do_not_vary_stay_as_they_are():
    assert scaling().apply([0.0, 0.0]) == [0.0, 0.0]
    assert scaling().apply([0.7, 0.7]) == [0.7, 0.7]


def test_the_clip_comes_after_the_scaling():
    assert scaling(clip=1.0).apply([1.0, 5.0]) == pytest.approx([0.5, 1.0])
    assert scaling(running=False, clip=2.0).apply([-3.0, 1.0, 5.0]) == [-2.0, 1.0, 2.0]


def test_without_either_nothing_changes():
    made = scaling(running=False)
    assert made.apply([-3.0, 0.1]) == [-3.0, 0.1]
    assert made.statistics == RunningStatistics()


def test_a_sample_is_scaled_alike_wherever_it_stands():
    scores = [0.3, 2.0, -1.0]
    assert scaling(clip=1.5).apply(scores[::-1]) == pytest.approx(scaling(clip=1.5).apply(scores)[::-1])
