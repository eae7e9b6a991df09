"""The credit for words that other responses do not use; numbers by hand."""

import math
from statistics import fmean

import pytest
import torch
from rl_toys import toy

from ecr_engine.rl.diversity import Diversity, TokenPrior, surprisals, token_prior
from ecr_engine.rl.types import Episode

EVEN = TokenPrior(torch.full((4,), 0.25), frozenset({3}))


def episode(index, response):
    empty = torch.empty(0)
    return Episode(index, index, [1], response, True, "", empty, empty, empty, empty, 0.0, 0.0, {})


def test_the_prior_counts_each_token_once_more_than_it_occurs():
    made = token_prior([[0, 0, 1], [0]], 4, [3])
    assert made.shares.tolist() == pytest.approx([4 / 8, 2 / 8, 1 / 8, 1 / 8])
    assert made.silent == {3}


def test_a_token_is_as_unexpected_as_the_other_responses_make_it():
    ids, mask = torch.tensor([[0, 1, 3], [0, 0, 0]]), torch.tensor([[1, 1, 1], [1, 1, 0]])
    found = surprisals(ids, mask, torch.tensor([0, 1]), EVEN)
    # For the first row the other one is two 0s: q(0) = (2 + 2/4) / 4, q(1) = (0 + 2/4) / 4. For the second: 0 and 1.
    assert found[0].tolist() == pytest.approx([-math.log(2.5 / 4), -math.log(0.5 / 4), 0.0])
    assert found[1].tolist() == pytest.approx([-math.log(1.5 / 4), -math.log(1.5 / 4), 0.0])


def test_responses_to_one_prompt_do_not_count_for_each_other():
    ids, mask = torch.tensor([[0], [0], [1]]), torch.ones(3, 1)
    found = surprisals(ids, mask, torch.tensor([0, 0, 1]), EVEN)
    # The first two see only the 1; the third sees two 0s.
    assert found.squeeze(-1).tolist() == pytest.approx([-math.log(0.25 / 2), -math.log(0.25 / 2), -math.log(0.5 / 4)])
    assert surprisals(ids, mask, torch.tensor([0, 0, 0]), EVEN).tolist() == [[0.0]] * 3


def test_credits_have_mean_zero_and_leave_out_stops_and_slots():
    diversity = Diversity(EVEN, 1)
    episodes = [episode(0, [0, 1, 3]), episode(1, [0, 0])]
    found = [-math.log(2.5 / 4), -math.log(0.5 / 4), -math.log(1.5 / 4), -math.log(1.5 / 4)]
    mean = math.fsum(found) / 4
    assert diversity.mean(episodes) == pytest.approx(mean)
    assert diversity.credit(episodes)[0].tolist() == pytest.approx([found[0] - mean, found[1] - mean, 0.0])
    assert diversity.credit(episodes)[1].tolist() == pytest.approx([found[2] - mean, found[3] - mean, 0.0])
    assert diversity.credit([episode(0, [3]), episode(1, [3])]).tolist() == [[0.0], [0.0]]
    assert diversity.mean([episode(0, [3])]) == 0.0


def test_with_it_a_policy_does_not_give_everyone_the_one_word_that_is_paid():
    def trained(coefficient):
        made = toy(
            estimator="rloo",
            samples_per_prompt=2,
            batch_size=32,
            minibatch_size=16,
            micro_batch_size=16,
            kl_coefficient=0.0,
            max_steps=40,
            diversity_coefficient=coefficient,
        )
        made.steps(40)
        return made

    plain, varied = trained(0.0), trained(0.2)
    assert fmean(plain.series("objective/reward")[-3:]) > 0.9
    assert fmean(varied.series("objective/reward")[-3:]) < 0.8
    assert fmean(varied.series("objective/diversity")[-3:]) > 1.5
    assert "objective/diversity" not in plain.recorder.of("step")[-1][1]
