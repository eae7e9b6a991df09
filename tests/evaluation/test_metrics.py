"""Metrics against nltk and against examples worked out by hand."""

from __future__ import annotations

import random
import warnings

import pytest
from nltk.translate.bleu_score import sentence_bleu

from ecr_engine.data.words import words
from ecr_engine.evaluation.metric import METRICS

VOCABULARY = ["i", "feel", "you", "<movie>", "is", "great", "!", "sad", "the", "film"]
KEYS = {
    "bleu_1": "bleu@1",
    "bleu_2": "bleu@2",
    "dist_1": "dist@1",
    "dist_2": "dist@2",
    "distinct_1": "distinct@1",
    "distinct_2": "distinct@2",
    "finished": "finished",
    "item_ratio": "item_ratio",
    "length": "length",
    "slot_f1": "slot_f1",
}


def value(name, samples):
    return METRICS.build(name).compute(samples).corpus


def per_sample(name, samples):
    return METRICS.build(name).compute(samples).per_sample


@pytest.mark.parametrize(("name", "key"), KEYS.items())
def test_each_metric_is_registered_under_its_key_with_a_definition(name, key):
    metric = METRICS.build(name)
    assert (metric.name, metric.key) == (name, key)
    assert metric.explanation.endswith(".") and metric.source and metric.low < metric.high


@pytest.mark.parametrize("order", [1, 2])
def test_bleu_equals_nltk_on_random_texts(order, sample):
    rng = random.Random(order)
    weights = tuple(1.0 if n == order else 0.0 for n in range(1, order + 1))
    samples = [
        sample(
            " ".join(rng.choices(VOCABULARY, k=rng.randint(1, 14))),
            " ".join(rng.choices(VOCABULARY, k=rng.randint(1, 14))),
        )
        for _ in range(300)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = [sentence_bleu([words(s.example.target)], words(s.response), weights) for s in samples]
    assert per_sample(f"bleu_{order}", samples) == pytest.approx(expected, abs=1e-12)
    assert value(f"bleu_{order}", samples) == pytest.approx(sum(expected) / 300, abs=1e-12)


def test_bleu_by_hand(sample):
    # 3 of the 4 unigrams match (the second "the" is clipped), reference 6 long: BP = exp(1 - 6/4)
    samples = [sample("the the cat sat", "the cat sat on a mat"), sample("", "anything"), sample("no reference", "")]
    assert per_sample("bleu_1", samples) == (pytest.approx(0.75 * 0.6065306597), 0.0, None)
    # 2 of the 3 bigrams match: (the cat), (cat sat)
    assert per_sample("bleu_2", samples)[0] == pytest.approx(2 / 3 * 0.6065306597)
    assert value("bleu_1", samples) == pytest.approx(0.75 * 0.6065306597 / 2)


def test_dist_counts_unique_words_over_the_corpus_for_each_response_that_is_not_empty(sample):
    samples = [sample("I see I see"), sample("I go"), sample("  ")]
    assert value("dist_1", samples) == 3 / 2  # i, see, go
    assert value("dist_2", samples) == 3 / 2  # i see, see i, i go
    assert value("distinct_1", samples) == 3 / 6
    assert value("distinct_2", samples) == 3 / 4
    assert per_sample("dist_1", samples) == per_sample("distinct_2", samples) == ()


def test_dist_counts_words_and_not_characters(sample):
    # CRSLab's default evaluator iterates over the characters of a string: 9 unique ones here
    assert value("dist_1", [sample("wonderful film")]) == 2.0


def test_dist_of_one_word_has_no_bigrams(sample):
    assert value("dist_2", [sample("hello")]) == 0.0
    assert value("distinct_2", [sample("hello")]) == 0.0


def test_item_ratio_counts_slots_for_each_response_that_is_not_empty(sample):
    samples = [sample("<movie> or <movie>"), sample("hello"), sample("")]
    assert value("item_ratio", samples) == 1.0
    assert per_sample("item_ratio", samples) == (2, 0, None)


def test_slot_f1_by_hand(sample):
    # named and wanted, named only, wanted only, neither: precision 1/2, recall 1/2
    with_slot, without = "see <movie>", "hello"
    samples = [
        sample(with_slot, with_slot),
        sample(with_slot, without),
        sample(without, with_slot),
        sample(without, without),
        sample(with_slot, with_slot),
    ]
    assert value("slot_f1", samples) == pytest.approx(2 / 3)  # P = 2/3, R = 2/3
    assert per_sample("slot_f1", samples) == (1.0, 0.0, 0.0, 1.0, 1.0)
    assert value("slot_f1", [sample(without, without)]) == 0.0


def test_length_counts_a_slot_as_one_word(sample):
    assert per_sample("length", [sample("Watch <movie>, please!"), sample("")]) == (5.0, 0.0)


def test_finished_is_the_share_that_stopped(sample):
    samples = [sample("a", finished=True), sample("b", finished=False), sample("c", finished=True)]
    assert value("finished", samples) == pytest.approx(2 / 3)
    assert per_sample("finished", samples) == (1.0, 0.0, 1.0)


@pytest.mark.parametrize("name", KEYS)
def test_responses_that_are_all_empty_give_zero(name, sample):
    samples = [sample("", finished=False)]
    assert value(name, samples) == 0.0
