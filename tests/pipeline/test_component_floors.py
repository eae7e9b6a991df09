"""When a component counts as given up on validation."""

from __future__ import annotations

import pytest

from ecr_engine.pipeline.stages.rl import floor, mean


def test_the_floor_is_half_a_standard_error_below_the_mean():
    # mean 0.5, standard deviation sqrt(0.5), standard error sqrt(0.5) / sqrt(2) = 0.5
    assert floor([0.0, None, 1.0]) == pytest.approx(0.5 - 0.25)


def test_scores_that_do_not_apply_are_left_out():
    assert mean([None, 0.25, 0.75]) == 0.5
    assert mean([None]) == 0.0
    assert floor([0.5]) == 0.5
