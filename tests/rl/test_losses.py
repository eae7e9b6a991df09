"""The clipped losses, by hand, and which side of a clip has a gradient."""

import math

import pytest
import torch

from ecr_engine.rl.losses import policy_loss, value_loss

ONE = torch.tensor([[1.0]])


def surrogate(ratio, advantage, **changes):
    new = torch.tensor([[math.log(ratio)]], requires_grad=True)
    found = policy_loss(new, torch.zeros(1, 1), advantage * ONE, ONE, **{"epsilon": 0.2, "count": 1.0, **changes})
    found.loss.backward()
    return float(found.loss.detach()), float(new.grad), float(found.clipped.detach())


@pytest.mark.parametrize(
    ("ratio", "advantage", "loss", "gradient", "clipped"),
    [
        (1.5, 2.0, -2.4, 0.0, 1.0),  # min(3, 1.2 * 2): far enough, nothing more to gain
        (1.5, -2.0, 3.0, 3.0, 0.0),  # min(-3, -2.4): the mistake has its full gradient
        (0.5, 2.0, -1.0, -1.0, 0.0),  # min(1, 1.6)
        (0.5, -2.0, 1.6, 0.0, 1.0),  # min(-1, -1.6)
        (1.1, 2.0, -2.2, -2.2, 0.0),
    ],
)
def test_the_policy_clip(ratio, advantage, loss, gradient, clipped):
    assert surrogate(ratio, advantage) == (pytest.approx(loss), pytest.approx(gradient), clipped)


def test_sums_over_valid_tokens_are_divided_by_the_given_count():
    new = torch.log(torch.tensor([[1.5, 1.0, 9.0], [0.5, 9.0, 9.0]]))
    advantages = torch.tensor([[1.0, 3.0, 50.0], [-1.0, 50.0, 50.0]])
    mask = torch.tensor([[1, 1, 0], [1, 0, 0]])
    found = policy_loss(new, torch.zeros(2, 3), advantages, mask, epsilon=0.2, count=10.0)
    # -(1.2 + 3 - 0.8) / 10
    assert float(found.loss) == pytest.approx(-0.34)
    assert (found.clipped * mask).tolist() == found.clipped.tolist() == [[1, 0, 0], [1, 0, 0]]


def test_a_runaway_log_ratio_stays_finite():
    loss, _, _ = surrogate(1e30, -1.0)
    assert loss == pytest.approx(math.exp(20))


def value(now, before, target, clip):
    return float(value_loss(now * ONE, before * ONE, target * ONE, ONE, clip=clip, count=1.0))


def test_the_value_clip_takes_the_greater_error():
    # Clipped to 0.2 the error is 1.8, and unclipped it is 1: the greater one counts.
    assert value(1.0, 0.0, 2.0, 0.2) == pytest.approx(0.5 * 1.8**2)
    # Clipped to 0.2 the error is 0.2, and unclipped it is 1.
    assert value(1.0, 0.0, 0.0, 0.2) == pytest.approx(0.5)
    assert value(-1.0, 0.0, -2.0, 0.2) == pytest.approx(0.5 * 1.8**2)


def test_without_a_clip_it_is_half_the_squared_error():
    assert value(1.0, 0.0, 3.0, None) == 2.0


def test_a_value_that_left_its_clip_has_no_gradient_towards_its_target():
    now = torch.tensor([[1.0]], requires_grad=True)
    value_loss(now, 0 * ONE, 2 * ONE, ONE, clip=0.2, count=1.0).backward()
    assert float(now.grad) == 0.0
    now.grad = None
    value_loss(now, 0 * ONE, 2 * ONE, ONE, clip=None, count=1.0).backward()
    assert float(now.grad) == -1.0


def test_the_value_loss_leaves_padding_out():
    values = torch.tensor([[1.0, 5.0], [2.0, 99.0]])
    mask = torch.tensor([[1, 1], [1, 0]])
    found = value_loss(values, values, torch.zeros(2, 2), mask, clip=0.2, count=6.0)
    assert float(found) == pytest.approx(0.5 * (1 + 25 + 4) / 6)


@pytest.mark.parametrize(
    ("ratio", "advantage", "loss", "clipped"),
    [
        (1.25, 2.0, -2.5, 0.0),  # within the wider upper range
        (1.5, 2.0, -2.56, 1.0),  # min(3, 1.28 * 2)
        (0.5, -2.0, 1.6, 1.0),  # below 1 the range is as before: min(-1, -1.6)
        (0.9, -2.0, 1.8, 0.0),
    ],
)
def test_the_upper_range_of_the_policy_clip_may_be_wider(ratio, advantage, loss, clipped):
    found, _, was_clipped = surrogate(ratio, advantage, epsilon_high=0.28)
    assert (found, was_clipped) == (pytest.approx(loss), clipped)
