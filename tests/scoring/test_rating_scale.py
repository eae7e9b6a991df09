"""How tokenizers spell ratings, and what logits at the spellings come to."""

import math

import pytest
import torch

from ecr_engine.errors import UnavailableError
from ecr_engine.scoring.local.scale import Scale, read_scale


def encoder(table):
    """A tokenizer that knows these texts only."""
    return lambda text: table[text]


def test_a_blank_and_a_digit_in_one_token_or_the_digit_alone():
    # Byte-level BPE such as GPT-2's: both are one token each, and both are looked at.
    table = {"R:": [7], "R: 1": [7, 11], "R: 2": [7, 12], "1": [21], "2": [22]}
    scale = read_scale(encoder(table), (1, 2), "R:", "m")
    assert (scale.lead, scale.nodes, scale.tokens(())) == ((), ((),), (11, 12, 21, 22))
    # Weights 1, 2 for "1" and 3, 6 for "2" in either spelling: chances 4/12 and 8/12.
    logits = {(): torch.tensor([[math.log(1), math.log(2), math.log(3), math.log(6)]])}
    assert scale.distribution(logits).tolist() == [pytest.approx([4 / 12, 8 / 12])]
    assert scale.expectation(logits).tolist() == pytest.approx([20 / 12])


def test_a_blank_of_its_own_belongs_to_the_question():
    # SentencePiece such as Llama 2's.
    table = {"R:": [7], "R: 0": [7, 3, 10], "R: 1": [7, 3, 11], "0": [5, 10], "1": [5, 11]}
    scale = read_scale(encoder(table), (0, 1), "R:", "m")
    assert (scale.lead, scale.spellings) == ((3,), (((10,), 0), ((11,), 1)))


def test_spellings_of_different_lengths_are_followed_to_their_ends():
    # " 1" is a token, " 2" and " 3" are a blank and a digit.
    table = {"R:": [7], "R: 1": [7, 11], "R: 2": [7, 4, 12], "R: 3": [7, 4, 13], "1": [21], "2": [12], "3": [13]}
    scale = read_scale(encoder(table), (1, 2, 3), "R:", "m")
    assert (scale.lead, scale.nodes) == ((), ((), (4,)))
    assert (scale.tokens(()), scale.tokens((4,))) == ((4, 11), (12, 13))
    # 3/4 for the blank and 1/4 for " 1"; behind the blank 1/3 and 2/3: chances 1/4, 1/4 and 1/2.
    logits = {(): torch.tensor([[math.log(3), 0.0]]), (4,): torch.tensor([[0.0, math.log(2)]])}
    assert scale.distribution(logits).tolist() == [pytest.approx([0.25, 0.25, 0.5])]
    assert scale.expectation(logits).tolist() == pytest.approx([2.25])


def test_where_the_lead_and_the_rating_melt_the_rating_stands_alone():
    table = {"R:": [7], "R: 1": [71], "R: 2": [72], "1": [21], "2": [22]}
    scale = read_scale(encoder(table), (1, 2), "R:", "m")
    assert (scale.lead, scale.spellings) == ((), (((21,), 0), ((22,), 1)))


def test_logits_that_are_not_finite_give_no_number():
    scale = Scale((1, 2), (), (((11,), 0), ((12,), 1)))
    found = scale.expectation({(): torch.tensor([[0.0, math.nan], [0.0, 0.0], [math.inf, 0.0]])})
    assert math.isnan(found[0]) and math.isnan(found[2])
    assert float(found[1]) == pytest.approx(1.5)


def test_ratings_that_look_alike_are_refused():
    table = {"R:": [7], "R: 1": [7, 9], "R: 2": [7, 9], "1": [9], "2": [9]}
    with pytest.raises(UnavailableError) as caught:
        read_scale(encoder(table), (1, 2), "R:", "odd")
    problem = caught.value.problems[0]
    assert problem.what == "the tokenizer of 'odd' can't tell the ratings 1 to 2 apart"
    assert (problem.at, problem.fix) == ("judge.name", "name a model whose tokenizer knows digits")
