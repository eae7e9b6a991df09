"""Leave-one-out and group-relative advantages, by hand: two groups, uneven lengths, padding full of traps."""

import math

import pytest
import torch

from ecr_engine.rl.estimator import ESTIMATORS

# Rows 0, 2 and 4 answer one prompt, rows 1, 3 and 5 another.
GROUPS = torch.tensor([7, 9, 7, 9, 7, 9])
LENGTHS = [3, 1, 2, 3, 1, 2]
MASK = torch.tensor([[1] * length + [0] * (3 - length) for length in LENGTHS])
# What stands behind a response's last token is not part of its reward.
REWARDS = torch.tensor(
    [[0.5, 0.5, 0.0], [4.0, 99.0, 99.0], [1.0, 2.0, 99.0], [1.0, 1.0, 2.0], [8.0, 99.0, 99.0], [-1.0, 2.0, 99.0]]
)
# Rewards of the responses: 1, 3 and 8; and 4, 4 and 1.
LEAVE_ONE_OUT = [1 - 5.5, 4 - 2.5, 3 - 4.5, 4 - 2.5, 8 - 2.0, 1 - 4.0]
# Mean 4, squared differences 9 + 1 + 16 over 2; mean 3, squared differences 1 + 1 + 4 over 2.
GROUP_RELATIVE = [-3 / 13**0.5, 1 / 3**0.5, -1 / 13**0.5, 1 / 3**0.5, 4 / 13**0.5, -2 / 3**0.5]


def found(name, rewards=REWARDS, groups=GROUPS):
    return ESTIMATORS.build(name).advantages(rewards, torch.zeros(6, 3), MASK, groups, gamma=0.5, lam=0.5)


@pytest.mark.parametrize(("name", "wanted"), [("rloo", LEAVE_ONE_OUT), ("grpo", GROUP_RELATIVE)])
def test_each_token_has_its_responses_advantage(name, wanted):
    advantages, returns = found(name)
    for row, length in enumerate(LENGTHS):
        assert advantages[row, :length].tolist() == pytest.approx([wanted[row]] * length, abs=1e-3)
        assert advantages[row, length:].tolist() == [0.0] * (3 - length)
    assert not returns.any()


def test_leave_one_out_is_unchanged_by_what_all_of_a_group_have():
    wanted = found("rloo").advantages
    # 10 more for each response to the second prompt, on its first token.
    more = torch.tensor([[0.0], [10.0]] * 3) * torch.tensor([[1.0, 0.0, 0.0]])
    assert torch.allclose(found("rloo", REWARDS + more).advantages, wanted, atol=1e-5)


def test_group_relative_is_unchanged_by_the_scale():
    assert torch.allclose(found("grpo", 50 * REWARDS).advantages, found("grpo").advantages, atol=1e-3)


@pytest.mark.parametrize("name", ["rloo", "grpo"])
def test_equal_rewards_give_exactly_0(name):
    # 0.1 + 0.2 has rounding in it; that of all is the same.
    rewards = torch.tensor([[0.1, 0.2, 0.0]]).expand(6, 3)
    full = torch.ones(6, 3, dtype=torch.long)
    made = ESTIMATORS.build(name).advantages(rewards, torch.zeros(6, 3), full, GROUPS, gamma=1.0, lam=1.0)
    assert not made.advantages.any()


@pytest.mark.parametrize("name", ["rloo", "grpo"])
def test_the_order_of_the_rows_decides_nothing(name):
    order = torch.tensor([5, 0, 3, 2, 4, 1])
    made = ESTIMATORS.build(name).advantages(
        REWARDS[order], torch.zeros(6, 3), MASK[order], GROUPS[order], gamma=1.0, lam=1.0
    )
    assert torch.allclose(made.advantages, found(name).advantages[order], atol=1e-6)


def test_two_responses_are_one_spread_apart():
    groups, mask = torch.tensor([0, 0]), torch.ones(2, 1, dtype=torch.long)
    made = ESTIMATORS.build("grpo").advantages(
        torch.tensor([[0.2], [0.8]]), torch.zeros(2, 1), mask, groups, gamma=1.0, lam=1.0
    )
    # Their standard deviation is 0.6 / sqrt 2, and each is 0.3 from the mean.
    assert made.advantages.flatten().tolist() == pytest.approx([-math.sqrt(0.5), math.sqrt(0.5)], abs=1e-3)


def test_what_each_estimator_needs():
    needs = {name: ESTIMATORS.build(name) for name in ESTIMATORS.names()}
    assert {name: (e.needs_values, e.needs_group) for name, e in needs.items()} == {
        "gae": (True, False),
        "rloo": (False, True),
        "grpo": (False, True),
    }
    assert all(estimator.name == name for name, estimator in needs.items())
