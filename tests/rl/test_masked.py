"""Masked statistics, by hand: padding neither adds nor dilutes."""

import pytest
import torch

from ecr_engine.rl.masked import masked_mean, whiten

VALUES = torch.tensor([[1.0, 3.0, 100.0], [5.0, -100.0, 7.0]])
MASK = torch.tensor([[1, 1, 0], [1, 0, 1]])


def test_the_mean():
    assert float(masked_mean(VALUES, MASK)) == 4.0


def test_advantages_get_mean_0_and_variance_1():
    found = whiten(VALUES, MASK, keep_mean=False)
    # 1, 3, 5, 7: mean 4, variance (9 + 1 + 1 + 9) / 3 = 20 / 3, and the root of it 2.5819889.
    wanted = [-1.1618950, -0.3872983, 0.3872983, 1.1618950]
    assert found[MASK.bool()].tolist() == pytest.approx(wanted, abs=1e-6)
    assert found[MASK == 0].tolist() == [0.0, 0.0]
    valid = found[MASK.bool()]
    assert float(valid.mean()) == pytest.approx(0.0, abs=1e-6)
    assert float(valid.var()) == pytest.approx(1.0, abs=1e-6)


def test_rewards_keep_their_mean():
    found = whiten(VALUES, MASK, keep_mean=True)
    assert found[MASK.bool()].tolist() == pytest.approx([2.8381050, 3.6127017, 4.3872983, 5.1618950], abs=1e-6)
    assert found[MASK == 0].tolist() == [0.0, 0.0]


def test_equal_values_and_a_single_one_become_0():
    assert whiten(torch.full((2, 3), 0.5), torch.ones(2, 3), keep_mean=False).tolist() == [[0.0] * 3] * 2
    assert whiten(torch.tensor([[3.0, 9.0]]), torch.tensor([[1, 0]]), keep_mean=False).tolist() == [[0.0, 0.0]]
