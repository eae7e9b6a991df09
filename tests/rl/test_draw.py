"""Which training contexts an update draws, and the sizes that it refuses."""

import pytest

from ecr_engine.config.sections.rl import PPOSettings
from ecr_engine.errors import UsageError
from ecr_engine.rl.checks import check_sizes
from ecr_engine.rl.draw import draw


@pytest.mark.parametrize(("size", "batch"), [(10, 4), (7, 3), (5, 5), (3, 8)])
def test_every_example_once_before_any_twice(size, batch):
    stream = [index for step in range(4 * size) for index in draw(size, batch, step, seed=1)]
    assert len(stream) == 4 * size * batch
    for start in range(0, len(stream), size):
        assert sorted(stream[start : start + size]) == list(range(size))


def test_the_order_changes_with_the_pass_and_the_seed():
    first, second = draw(50, 50, 0, seed=1), draw(50, 50, 1, seed=1)
    assert first != second
    assert first != draw(50, 50, 0, seed=2)
    assert first != list(range(50))


def test_a_step_draws_the_same_whatever_came_before():
    wanted = draw(10, 4, 7, seed=3)
    draw(10, 4, 0, seed=3)
    assert draw(10, 4, 7, seed=3) == wanted


@pytest.mark.parametrize(
    ("settings", "processes", "what", "at", "fix"),
    [
        (
            {"batch_size": 10, "minibatch_size": 4},
            1,
            "ppo.batch_size 10 is no multiple of ppo.minibatch_size 4",
            "ppo.minibatch_size",
            "--set ppo.minibatch_size=2",
        ),
        (
            {"batch_size": 8, "minibatch_size": 4},
            3,
            "a minibatch of 4 rollouts does not divide among 3 processes",
            "ppo.minibatch_size",
            "--set ppo.minibatch_size=6 --set ppo.batch_size=12",
        ),
    ],
)
def test_sizes_that_do_not_divide(settings, processes, what, at, fix):
    with pytest.raises(UsageError) as caught:
        check_sizes(PPOSettings(**settings), processes)
    problem = caught.value.problems[0]
    assert (problem.what, problem.at, problem.fix) == (what, at, fix)


@pytest.mark.parametrize(("batch", "minibatch", "processes"), [(8, 4, 2), (4, 32, 1), (4, 32, 2)])
def test_sizes_that_divide_and_a_batch_below_the_minibatch(batch, minibatch, processes):
    check_sizes(PPOSettings(batch_size=batch, minibatch_size=minibatch), processes)
