"""The credit for phrases that other responses do not use; numbers by hand."""

import math
from statistics import fmean

import pytest
import torch
from rl_toys import timeless, toy
from tiny_models import example

from ecr_engine.rl.diversity import SMOOTHING, Diversity, TokenPrior, diversity_of, token_prior
from ecr_engine.rl.types import Episode, Prompts

EVEN = TokenPrior(torch.full((4,), 0.25), frozenset({3}))


def episode(example, response):
    empty = torch.empty(0)
    return Episode(example, example, [1], response, True, "", empty, empty, empty, empty, 0.0, 0.0, {})


def test_the_prior_counts_each_token_once_more_than_it_occurs():
    made = token_prior([[0, 0, 1], [0]], 4, [3])
    assert made.shares.tolist() == pytest.approx([4 / 8, 2 / 8, 1 / 8, 1 / 8])
    assert made.silent == {3}


def test_a_token_is_as_unexpected_as_the_other_responses_make_it():
    found = Diversity(EVEN).surprisals([(0, [0, 1, 3]), (1, [0, 0, 3])])
    # For the first row the other one is 0 0 3: q(0) = (2 + 3/4) / 6, q(1) = (0 + 3/4) / 6. For the second: 0 1 3.
    assert found[0] == [pytest.approx(-math.log(2.75 / 6)), pytest.approx(-math.log(0.75 / 6)), None]
    assert found[1] == [pytest.approx(-math.log(1.75 / 6)), pytest.approx(-math.log(1.75 / 6)), None]


def test_responses_to_one_prompt_do_not_count_for_each_other():
    found = Diversity(EVEN).surprisals([(0, [0]), (0, [0]), (1, [1])])
    # The first two see only the 1; the third sees two 0s.
    assert found == [[pytest.approx(-math.log(q))] for q in (0.25 / 2, 0.25 / 2, 0.5 / 4)]
    assert Diversity(EVEN).surprisals([(0, [0]), (0, [1])]) == [[None], [None]]


def test_what_was_said_before_counts_but_not_what_was_said_to_the_same_prompt():
    diversity = Diversity(EVEN, recall=2)
    diversity.remember([episode(5, [2]), episode(0, [0]), episode(7, [1])])
    # Two are remembered; the one of example 0 is its own.
    assert diversity.surprisals([(0, [1])]) == [[pytest.approx(-math.log(1.25 / 2))]]
    assert diversity.surprisals([(5, [1])]) == [[pytest.approx(-math.log(1.5 / 4))]]


def test_a_pair_is_as_unexpected_as_its_first_token_makes_the_second():
    found = Diversity(EVEN, order=2).surprisals([(0, [0, 1, 2]), (1, [0, 1]), (2, [0, 0])])
    alone = [(3 + 4 / 4) / 8, (1 + 4 / 4) / 8, (0 + 4 / 4) / 8]
    # Both others begin with 0; a 0 is followed by 1 and by 0; nothing follows a 1.
    pairs = [(2 + SMOOTHING * alone[0]) / (2 + SMOOTHING), (1 + SMOOTHING * alone[1]) / (2 + SMOOTHING), alone[2]]
    assert found[0] == [pytest.approx(-math.log(q)) for q in pairs]


def test_the_first_token_of_a_phrase_answers_for_the_phrase():
    diversity = Diversity(EVEN, order=2)
    episodes = [episode(0, [0, 1, 2]), episode(1, [0, 1]), episode(2, [0, 3, 0])]
    found = [[value for value in row if value is not None] for row in diversity.surprisals(_pairs(episodes))]
    windows = [
        [fmean(found[0][:2]), fmean(found[0][1:]), found[0][2]],
        [fmean(found[1]), found[1][1]],
        # The token in between has no surprisal.
        [found[2][0], 0.0, found[2][1]],
    ]
    mean = fmean([*windows[0], *windows[1], windows[2][0], windows[2][2]])
    credit = diversity.credit(episodes).tokens
    assert credit[0].tolist() == pytest.approx([value - mean for value in windows[0]])
    assert credit[1].tolist() == pytest.approx([*(value - mean for value in windows[1]), 0.0])
    assert credit[2].tolist() == pytest.approx([windows[2][0] - mean, 0.0, windows[2][2] - mean])


def _pairs(episodes):
    return [(one.example, one.response) for one in episodes]


def test_credits_have_mean_zero_and_leave_out_stops_and_slots():
    diversity = Diversity(EVEN)
    episodes = [episode(0, [0, 1, 3]), episode(1, [0, 0])]
    found = [-math.log(2.5 / 4), -math.log(0.5 / 4), -math.log((1 + 3 / 4) / 6), -math.log((1 + 3 / 4) / 6)]
    mean = math.fsum(found) / 4
    assert diversity.credit(episodes).mean == pytest.approx(mean)
    tokens = diversity.credit(episodes).tokens
    assert tokens[0].tolist() == pytest.approx([found[0] - mean, found[1] - mean, 0.0], abs=1e-6)
    assert tokens[1].tolist() == pytest.approx([found[2] - mean, found[3] - mean, 0.0], abs=1e-6)
    assert diversity.credit([episode(0, [3]), episode(1, [3])]).tokens.tolist() == [[0.0], [0.0]]
    assert diversity.credit([episode(0, [3])]).mean == 0.0


def test_a_pair_that_the_response_has_said_before_surprises_nobody():
    found = Diversity(EVEN, order=2).surprisals([(0, [1, 2, 1, 2, 1, 0]), (1, [0])])
    plain = -math.log((1 / 4) / 2)
    # The other response begins with 0; nothing of it follows a 1 or a 2.
    first = -math.log(SMOOTHING / 8 / (1 + SMOOTHING))
    last = -math.log((1 + 1 / 4) / 2)
    assert found[0] == [*(pytest.approx(value) for value in (first, plain, plain)), 0.0, 0.0, pytest.approx(last)]


def test_a_cap_makes_odd_words_worth_no_more_than_unusual_ones():
    episodes = [episode(0, [0, 1]), episode(1, [0, 0]), episode(2, [0, 2])]
    free, capped = Diversity(EVEN).credit(episodes), Diversity(EVEN, cap=1.2).credit(episodes)
    found = Diversity(EVEN).surprisals(_pairs(episodes))
    values = [[min(value, 1.2) for value in row] for row in found]
    mean = fmean(value for row in values for value in row)
    assert max(max(row) for row in found) > 1.2 > min(min(row) for row in found)
    assert capped.tokens.flatten().tolist() == pytest.approx([value - mean for row in values for value in row])
    # The measured variety stays what it is.
    assert capped.mean == free.mean


class Letters:
    """A tokenizer of single characters, with the slot as one token and 0 as the stop."""

    eos_token_id = 0

    def __len__(self):
        return 5

    def encode(self, text, add_special_tokens):
        assert not add_special_tokens
        return [{"a": 1, "b": 2, "c": 3, "M": 4}[letter] for letter in text.replace("<movie>", "M")]


def test_expected_are_the_words_of_the_human_responses_and_silent_are_stop_and_slot():
    examples = (example("0:1", target="aab"), example("1:1", target="a<movie>"))
    made = diversity_of(Prompts(examples, ((1,), (1,)), 8), Letters(), 3, 2.0)
    assert made.prior.silent == {0, 4}
    # Each once more than it occurs: stop, a, b, c, slot of 10.
    assert made.prior.shares.tolist() == pytest.approx([0.1, 0.4, 0.2, 0.1, 0.2])
    assert made.order == 3


VARIED = {
    "estimator": "rloo",
    "samples_per_prompt": 2,
    "batch_size": 32,
    "minibatch_size": 16,
    "micro_batch_size": 16,
    "kl_coefficient": 0.0,
}


@pytest.mark.parametrize("order", [1, 3])
def test_with_it_a_policy_does_not_give_everyone_the_one_word_that_is_paid(order):
    def trained(coefficient):
        made = toy(**VARIED, max_steps=40, diversity_coefficient=coefficient, diversity_order=order)
        made.steps(40)
        return made

    plain, varied = trained(0.0), trained(0.2)
    assert fmean(plain.series("objective/reward")[-3:]) > 0.9
    assert fmean(varied.series("objective/reward")[-3:]) < 0.8
    assert fmean(varied.series("objective/diversity")[-3:]) > 1.5
    assert "objective/diversity" not in plain.recorder.of("step")[-1][1]


def test_a_training_takes_the_order_and_the_cap_of_its_settings():
    settings = {"diversity_coefficient": 0.1, "diversity_order": 3}
    said = [episode(0, [4, 5, 6]), episode(1, [4, 7])]
    # All tokens surprise by more than a thousandth of a nat: with all at the cap, no credit is left.
    capped = toy(**VARIED, **settings, diversity_cap=0.001).trainer.diversity
    assert capped.order == 3
    assert capped.credit(said).tokens.tolist() == [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    assert toy(**VARIED, **settings).trainer.diversity.credit(said).tokens.abs().max() > 0.1


def test_what_was_said_is_taken_up_with_the_training(tmp_path):
    def made():
        return toy(**VARIED, max_steps=4, diversity_coefficient=0.1, diversity_order=2)

    whole = made().steps(4)
    first = made().steps(2)
    first.trainer.write_state(tmp_path / "saved")
    second = made()
    second.trainer.restore(tmp_path / "saved")
    assert second.trainer.diversity.recent == first.trainer.diversity.recent
    assert len(second.trainer.diversity.recent) == 64
    second.steps(2)
    assert timeless(second.recorder) == timeless(whole.recorder)[-len(timeless(second.recorder)) :]
