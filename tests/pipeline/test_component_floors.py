"""When a component counts as given up on validation."""

from __future__ import annotations

import pytest

from ecr_engine.pipeline.stages.rl import floor, mean


def test_the_floor_is_the_end_of_the_interval():
    # mean 0.5, standard deviation sqrt(0.5), standard error sqrt(0.5) / sqrt(2) = 0.5
    assert floor([0.0, None, 1.0]) == pytest.approx(0.5 - 1.96 * 0.5)


def test_equal_scores_have_some_room_too():
    assert floor([0.25, 0.25, 0.25]) == pytest.approx(0.245)


def test_scores_that_do_not_apply_are_left_out():
    assert mean([None, 0.25, 0.75]) == 0.5
    assert mean([None]) == 0.0
    assert floor([0.5]) == pytest.approx(0.495)
