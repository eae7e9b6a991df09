"""Generalised advantage estimation against its definition, term by term, and its closed forms."""

import pytest
import torch

from ecr_engine.errors import UsageError
from ecr_engine.rl.estimator import ESTIMATORS

LENGTHS = [5, 1, 3]
GROUPS = torch.arange(3)
MASK = torch.tensor([[1] * length + [0] * (5 - length) for length in LENGTHS])


def numbers(seed=0):
    torch.manual_seed(seed)
    return torch.randn(3, 5), torch.randn(3, 5)


def gae(rewards, values, gamma, lam):
    return ESTIMATORS.build("gae").advantages(rewards, values, MASK, GROUPS, gamma=gamma, lam=lam)


def definition(rewards, values, gamma, lam):
    """A_t = sum over k of (gamma lambda)^k delta_{t+k}, a loop in a loop, over each row's own tokens."""
    found = torch.zeros(3, 5)
    for row, length in enumerate(LENGTHS):
        r = [float(x) for x in rewards[row, :length]]
        v = [float(x) for x in values[row, :length]] + [0.0]
        for t in range(length):
            terms = ((gamma * lam) ** k * (r[t + k] + gamma * v[t + k + 1] - v[t + k]) for k in range(length - t))
            found[row, t] = sum(terms)
    return found


@pytest.mark.parametrize(("gamma", "lam"), [(1.0, 0.95), (0.9, 0.8), (0.5, 1.0), (1.0, 0.0)])
def test_against_the_definition(gamma, lam):
    rewards, values = numbers()
    assert torch.allclose(
        gae(rewards, values, gamma, lam).advantages, definition(rewards, values, gamma, lam), atol=1e-5
    )


def test_by_hand():
    rewards = torch.tensor([[1.0, 0.0, 2.0, 0.0, 0.0]]).expand(3, 5)
    values = torch.tensor([[0.5, 1.0, -1.0, 0.0, 0.0]]).expand(3, 5)
    found = gae(rewards, values, 0.5, 0.5)
    # Row 3 has 3 tokens: deltas 1 + 0.5 - 0.5 = 1, 0 - 0.5 - 1 = -1.5, 2 + 0 + 1 = 3.
    assert found.advantages[2].tolist() == [1 - 0.375 + 0.1875, -1.5 + 0.75, 3.0, 0.0, 0.0]
    # Row 2 ends after its first: 1 - 0.5.
    assert found.advantages[1].tolist() == [0.5, 0.0, 0.0, 0.0, 0.0]
    assert found.returns[2].tolist() == [1.3125, 0.25, 2.0, 0.0, 0.0]


def test_lambda_0_is_the_one_step_error():
    rewards, values = numbers(1)
    found = gae(rewards, values, 0.9, 0.0).advantages
    for row, length in enumerate(LENGTHS):
        for t in range(length):
            following = float(values[row, t + 1]) if t + 1 < length else 0.0
            wanted = float(rewards[row, t]) + 0.9 * following - float(values[row, t])
            assert float(found[row, t]) == pytest.approx(wanted, abs=1e-5)


def test_lambda_1_is_the_discounted_reward_to_come_less_the_value():
    rewards, values = numbers(2)
    found = gae(rewards, values, 0.9, 1.0)
    for row, length in enumerate(LENGTHS):
        for t in range(length):
            to_come = sum(0.9 ** (k - t) * float(rewards[row, k]) for k in range(t, length))
            assert float(found.returns[row, t]) == pytest.approx(to_come, abs=1e-5)
            assert float(found.advantages[row, t]) == pytest.approx(to_come - float(values[row, t]), abs=1e-5)


def test_what_stands_in_the_padding_contributes_nothing():
    rewards, values = numbers()
    wanted = gae(rewards, values, 0.9, 0.8)
    behind = MASK == 0
    found = gae(rewards.masked_fill(behind, 1e6), values.masked_fill(behind, -1e6), 0.9, 0.8)
    assert torch.equal(found.advantages, wanted.advantages)
    assert torch.equal(found.returns, wanted.returns)
    assert torch.all(found.advantages[behind] == 0)
    assert torch.all(found.returns[behind] == 0)


def test_returns_are_advantages_plus_values():
    rewards, values = numbers()
    found = gae(rewards, values, 0.9, 0.8)
    assert torch.allclose(found.returns, (definition(rewards, values, 0.9, 0.8) + values) * MASK, atol=1e-5)


def test_an_unknown_estimator():
    with pytest.raises(UsageError, match="unknown estimator 'gea'") as caught:
        ESTIMATORS.build("gea")
    assert caught.value.problems[0].fix == "did you mean 'gae'?"
    assert ESTIMATORS.names() == ["gae", "grpo", "rloo"]
