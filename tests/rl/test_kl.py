"""KL estimators, the shaped reward and the KL weight, against closed forms."""

import math

import pytest
import torch

from ecr_engine.rl.kl import KLController, k1, k3, shaped_rewards


def test_both_estimators_by_hand():
    policy, reference = torch.tensor([-1.0, -3.0, -2.0]), torch.tensor([-2.0, -1.0, -2.0])
    assert k1(policy, reference).tolist() == [1.0, -2.0, 0.0]
    # (r - 1) - log r with log r = -1, 2, 0.
    assert k3(policy, reference).tolist() == pytest.approx([math.exp(-1), math.exp(2) - 3, 0.0])


def test_both_estimate_the_same_divergence():
    policy, reference = torch.tensor([0.5, 0.25, 0.25]), torch.tensor([0.25, 0.5, 0.25])
    # sum p log(p / q) = 0.5 log 2 - 0.25 log 2
    for estimator in (k1, k3):
        assert float((policy * estimator(policy.log(), reference.log())).sum()) == pytest.approx(0.25 * math.log(2))


def test_an_impossible_token_makes_no_infinity():
    found = k3(torch.tensor([-500.0, 0.0]), torch.tensor([0.0, -500.0]))
    assert found.tolist() == pytest.approx([math.exp(20) - 21, math.exp(-20) + 19])


def test_the_score_sits_once_on_the_last_valid_token():
    kl = torch.tensor([[0.5, -1.0, 2.0], [3.0, 7.0, 7.0], [1.0, 1.0, 9.0]])
    mask = torch.tensor([[1, 1, 1], [1, 0, 0], [1, 1, 0]])
    found = shaped_rewards(torch.tensor([10.0, 20.0, -1.0]), kl, mask, 0.1)
    wanted = [[-0.05, 0.1, 9.8], [19.7, 0.0, 0.0], [-0.1, -1.1, 0.0]]
    assert found.tolist() == [pytest.approx(row) for row in wanted]


def test_a_row_sums_to_its_score_less_its_weighted_kl():
    torch.manual_seed(0)
    lengths = [1, 7, 4, 2]
    scores, kl = torch.randn(4), torch.randn(4, 7)
    mask = torch.tensor([[1] * length + [0] * (7 - length) for length in lengths])
    found = shaped_rewards(scores, kl, mask, 0.3).sum(-1)
    for row, length in enumerate(lengths):
        wanted = float(scores[row]) - 0.3 * sum(float(kl[row, place]) for place in range(length))
        assert float(found[row]) == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize(
    ("kl", "wanted"),
    [
        (6.0, 0.10064),  # error clipped to 0.2: 0.1 * (1 + 0.2 * 64 / 2000)
        (3.3, 0.10032),  # error 0.1
        (3.0, 0.1),
        (0.0, 0.09936),  # error clipped to -0.2
    ],
)
def test_the_adaptive_weight_follows_its_target(kl, wanted):
    controller = KLController(0.1, adaptive=True, target=3.0, horizon=2000.0)
    controller.update(kl, 64)
    assert controller.coefficient == pytest.approx(wanted, rel=1e-9)


def test_a_fixed_weight_stays():
    controller = KLController(0.1, adaptive=False, target=3.0, horizon=2000.0)
    controller.update(100.0, 64)
    assert controller.coefficient == 0.1
