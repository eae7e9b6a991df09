"""BLEU against hand-computed numbers and against nltk."""

import random

import pytest
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
from reward_dialogues import sample

from ecr_engine.rewards.component import COMPONENTS
from ecr_engine.rewards.components.bleu import bleu_2
from ecr_engine.rewards.resources import Resources


def test_a_hand_computed_score():
    # 2 of 3 words, 1 of 2 pairs, brevity exp(1 - 4/3): 0.716531 * sqrt(2/3 * 1/2)
    assert bleu_2(["i", "love", "this", "movie"], ["i", "love", "it"]) == pytest.approx(0.4136895, abs=1e-6)


def test_no_shared_pair_counts_a_tenth_of_one():
    # words 2/2, pairs 0.1/1, no brevity loss at equal length: exp(0) * sqrt(0.1)
    assert bleu_2(["a", "b"], ["b", "a"]) == pytest.approx(0.3162278, abs=1e-6)


def test_equal_to_nltk_on_random_pairs():
    rng = random.Random(7)
    smoothing = SmoothingFunction().method1
    for _ in range(600):
        reference = rng.choices("abcdefg", k=rng.randint(1, 14))
        response = rng.choices("abcdefgh", k=rng.randint(1, 14))
        theirs = sentence_bleu([reference], response, weights=(0.5, 0.5), smoothing_function=smoothing)
        assert bleu_2(reference, response) == pytest.approx(theirs, abs=1e-9)


def test_equal_to_nltk_where_pairs_come_again_and_again():
    rng = random.Random(8)
    smoothing = SmoothingFunction().method1
    for _ in range(600):
        reference = rng.choices("ab", k=rng.randint(1, 60))
        response = rng.choices("abc", k=rng.randint(1, 60))
        theirs = sentence_bleu([reference], response, weights=(0.5, 0.5), smoothing_function=smoothing)
        assert bleu_2(reference, response) == pytest.approx(theirs, abs=1e-9)


def test_pairs_count_as_often_as_in_the_reference():
    # words 3/4: the third "a" has no partner; pairs 2/3: "a a" once and "a b"; no brevity loss
    assert bleu_2(["a", "a", "b"], ["a", "a", "a", "b"]) == pytest.approx((3 / 4 * 2 / 3) ** 0.5)


def test_no_reference_does_not_apply_and_no_response_is_zero():
    bleu = COMPONENTS.build("bleu", Resources())
    batch = [sample("fine", reference=" "), sample("", reference="fine"), sample("Fine.", reference="fine .")]
    assert bleu.score(batch) == [None, 0.0, 1.0]
