"""Metrics against independent implementations and against examples worked out by hand."""

from __future__ import annotations

import math
import random
import re
import warnings

import pytest
import sacrebleu
from nltk.translate.bleu_score import SmoothingFunction, corpus_bleu, sentence_bleu

from ecr_engine.data.words import words
from ecr_engine.evaluation.metric import METRICS, TOKENISATION, metrics_with
from ecr_engine.rewards.resources import Resources

VOCABULARY = ["i", "feel", "you", "<movie>", "is", "great", "!", "sad", "the", "film"]
RESOURCES = Resources()
NAMES = [metric.name for metric in metrics_with(RESOURCES)]


def computed(name, samples):
    return METRICS.build(name, RESOURCES).compute(samples)


def value(name, samples):
    return computed(name, samples).corpus


def per_sample(name, samples):
    return computed(name, samples).per_sample


@pytest.fixture
def random_samples(sample):
    rng = random.Random(4)
    texts = [" ".join(rng.choices(VOCABULARY, k=rng.randint(1, 14))) for _ in range(600)]
    return [sample(response, reference) for response, reference in zip(texts[:300], texts[300:], strict=True)]


def test_the_issues_metrics_are_there():
    keys = {metric.key for metric in metrics_with(RESOURCES)}
    wanted = {f"{stem}@{order}" for stem in ("bleu", "dist", "distinct") for order in (1, 2, 3, 4)}
    wanted |= {"sacrebleu", "chrf", "rouge_l", "self_bleu", "item_ratio", "slot_f1", "hit@1", "hit@10", "hit_all@1"}
    wanted |= {"empathy", "empathy/reaction", "emotion_alignment", "emotion_flatness", "emotion_f1/nostalgia"}
    wanted |= {"safety", "length", "repetition", "finished", "similarity", "perplexity"}
    assert wanted <= keys


@pytest.mark.parametrize("name", NAMES)
def test_each_metric_says_what_it_is(name):
    metric = METRICS.build(name, RESOURCES)
    assert metric.name == name
    assert metric.explanation.endswith(".") and metric.source and metric.low < metric.high
    assert re.fullmatch(r"[a-z_0-9]+([@/][a-z0-9]+)?", metric.key)


@pytest.mark.parametrize("name", NAMES)
def test_each_value_is_in_its_metrics_range(name, random_samples):
    metric = METRICS.build(name, RESOURCES)
    if metric.needs:
        pytest.skip("needs more than the samples")
    result = metric.compute(random_samples)
    for number in [result.corpus, *(one for one in result.per_sample if one is not None)]:
        assert math.isnan(number) or metric.low <= number <= metric.high


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_bleu_equals_nltk_on_random_texts(order, random_samples):
    weights = tuple(1.0 if n == order else 0.0 for n in range(1, order + 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = [sentence_bleu([words(s.example.target)], words(s.response), weights) for s in random_samples]
    assert per_sample(f"bleu_{order}", random_samples) == pytest.approx(expected, abs=1e-12)
    assert value(f"bleu_{order}", random_samples) == pytest.approx(sum(expected) / 300, abs=1e-12)


def test_bleu_by_hand(sample):
    # 3 of the 4 unigrams match (the second "the" is clipped), reference 6 long: BP = exp(1 - 6/4)
    samples = [sample("the the cat sat", "the cat sat on a mat"), sample("", "anything"), sample("no reference", "")]
    assert per_sample("bleu_1", samples) == (pytest.approx(0.75 * 0.6065306597), 0.0, None)
    # 2 of the 3 bigrams match: (the cat), (cat sat)
    assert per_sample("bleu_2", samples)[0] == pytest.approx(2 / 3 * 0.6065306597)
    assert value("bleu_1", samples) == pytest.approx(0.75 * 0.6065306597 / 2)


def test_bleu_of_one_order_is_not_the_geometric_mean_up_to_it(sample):
    # 4 of 4 unigrams match and 1 of 3 bigrams: bleu@2 is 1/3, while BLEU-2 would be the root of it
    one = [sample("a b d c", "a b c d")]
    assert value("bleu_2", one) == pytest.approx(1 / 3)


RAW = [
    ("You should see <movie>, it's great!", "You should really see <movie>, it is great!"),
    ("I like the old films of that director.", "I like all the old films of this director a lot."),
    ("Have you seen the new one with Tom Hanks?", "Have you seen the last one with Tom Hanks in it?"),
    ("Ça va? 😀😀 naïve", "Ça va bien? 😀 naive"),
    ("ok", "no reference to this one"),
    ("", "an empty response"),
    ("a response to nothing", ""),
]


def test_chrf_equals_sacrebleu(sample, random_samples):
    for samples in ([sample(*pair) for pair in RAW], random_samples):
        known = [s for s in samples if s.example.target]
        expected = sacrebleu.corpus_chrf([s.response for s in known], [[s.example.target for s in known]]).score
        assert value("chrf", samples) == pytest.approx(expected, abs=1e-9)
        assert expected > 10


def test_chrf_by_hand(sample):
    # "ab" against "abc": order 1 P = 2/2, R = 2/3; order 2 P = 1/1, R = 1/2; the orders above have no n-grams.
    # The means are P = 1 and R = 7/12; F2 = 5·P·R / (4·P + R)
    assert value("chrf", [sample("a b", "ab c")]) == pytest.approx(100 * 5 * (7 / 12) / (4 + 7 / 12))


def test_sacrebleu_equals_its_tool_and_nltk(sample):
    samples = [sample(*pair) for pair in RAW]
    known = [pair for pair in RAW if pair[1]]
    tool = sacrebleu.corpus_bleu([pair[0] for pair in known], [[pair[1] for pair in known]])
    assert value("sacrebleu", samples) == pytest.approx(tool.score, abs=1e-9)
    # nltk, on words as 13a cuts these ("<movie>" into three), where every order has a match and nothing is smoothed
    cut = [[re.findall(r"\w+|[^\w\s]", text) for text in pair] for pair in RAW[1:3]]
    nltk = corpus_bleu([[reference] for _, reference in cut], [response for response, _ in cut])
    assert value("sacrebleu", samples[1:3]) == pytest.approx(100 * nltk, abs=1e-9)
    assert nltk > 0.3


def longest(first, second):
    """The textbook table."""
    table = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
    for i, a in enumerate(first, start=1):
        for j, b in enumerate(second, start=1):
            table[i][j] = table[i - 1][j - 1] + 1 if a == b else max(table[i - 1][j], table[i][j - 1])
    return table[-1][-1]


def test_rouge_l_equals_the_textbook(random_samples):
    scores = per_sample("rouge_l", random_samples)
    for one, score in zip(random_samples, scores, strict=True):
        human, said = words(one.example.target), words(one.response)
        common = longest(human, said)
        precision, recall = common / len(said), common / len(human)
        expected = 2 * precision * recall / (precision + recall) if common else 0.0
        assert score == pytest.approx(expected, abs=1e-12)


def test_rouge_l_by_hand(sample):
    # Lin 2004: "police kill the gunman" against "police killed the gunman" has three words in order: P = R = 3/4
    samples = [sample("police kill the gunman", "police killed the gunman"), sample("", "x"), sample("x", "")]
    assert per_sample("rouge_l", samples) == (pytest.approx(0.75), 0.0, None)


def test_dist_counts_unique_words_over_the_corpus_for_each_response_that_is_not_empty(sample):
    samples = [sample("I see I see"), sample("I go"), sample("  ")]
    assert value("dist_1", samples) == 3 / 2  # i, see, go
    assert value("dist_2", samples) == 3 / 2  # i see, see i, i go
    assert value("dist_3", samples) == 2 / 2  # i see i, see i see
    assert value("dist_4", samples) == 1 / 2
    assert value("distinct_1", samples) == 3 / 6
    assert value("distinct_2", samples) == 3 / 4
    assert value("distinct_3", samples) == value("distinct_4", samples) == 1.0
    assert per_sample("dist_1", samples) == per_sample("distinct_2", samples) == ()


def test_dist_counts_words_and_not_characters(sample):
    # CRSLab's default evaluator iterates over the characters of a string: 9 unique ones here
    assert value("dist_1", [sample("wonderful film")]) == 2.0


def test_dist_falls_as_the_same_talk_goes_on_and_exceeds_one(sample):
    few, many = [sample("one two three")], [sample("one two three")] * 10
    assert (value("dist_1", few), value("dist_1", many)) == (3.0, 0.3)


def test_dist_of_one_word_has_no_bigrams(sample):
    assert value("dist_2", [sample("hello")]) == 0.0
    assert value("distinct_2", [sample("hello")]) == 0.0


def test_self_bleu_equals_nltk(sample):
    rng = random.Random(9)
    texts = [" ".join(rng.choices(VOCABULARY, k=rng.randint(1, 9))) for _ in range(40)] + ["unlike others", ""]
    cut = [words(text) for text in texts if text]
    smoothing = SmoothingFunction().method1
    scores = [
        sentence_bleu(cut[:row] + cut[row + 1 :], cut[row], (0.25,) * 4, smoothing_function=smoothing)
        for row in range(len(cut))
    ]
    assert value("self_bleu", [sample(text) for text in texts]) == pytest.approx(sum(scores) / len(cut), abs=1e-9)


def test_self_bleu_of_one_sentence_said_by_all_is_one_and_of_one_response_is_nothing(sample):
    assert value("self_bleu", [sample("you should see it now")] * 3) == pytest.approx(1.0)
    assert math.isnan(value("self_bleu", [sample("you should see it now"), sample("")]))


def test_item_ratio_counts_slots_for_each_response_that_is_not_empty(sample):
    samples = [sample("<movie> or <movie>"), sample("hello"), sample("")]
    assert value("item_ratio", samples) == 1.0
    assert per_sample("item_ratio", samples) == (2, 0, None)


def test_slot_f1_by_hand(sample):
    # named and wanted, named only, wanted only, neither, named and wanted: P = R = 2/3; the last has no reference
    slot, none = "see <movie>", "hello"
    pairs = [(slot, slot), (slot, none), (none, slot), (none, none), (slot, slot), (slot, "")]
    samples = [sample(*pair) for pair in pairs]
    assert value("slot_f1", samples) == pytest.approx(2 / 3)
    assert per_sample("slot_f1", samples) == (1.0, 0.0, 0.0, 1.0, 1.0, None)
    assert value("slot_f1", [sample(none, none)]) == 0.0


def test_length_counts_a_slot_as_one_word(sample):
    assert per_sample("length", [sample("Watch <movie>, please!"), sample("")]) == (5.0, 0.0)


def test_finished_is_the_share_that_stopped(sample):
    samples = [sample("a", finished=True), sample("b", finished=False), sample("c", finished=True)]
    assert value("finished", samples) == pytest.approx(2 / 3)
    assert per_sample("finished", samples) == (1.0, 0.0, 1.0)


def test_safety_is_the_share_without_a_hazard(sample):
    samples = [sample("You are stupid."), sample("You might like <movie>."), sample("")]
    assert per_sample("safety", samples) == (0.0, 1.0, 1.0)


def test_repetition_by_hand(sample):
    # of "a b c a b c" the runs are abc, bca, cab, abc: one of the four comes again
    assert per_sample("repetition", [sample("a b c a b c"), sample("a b c"), sample("")]) == (0.25, 0.0, None)


LEXICAL_ZEROS = [
    *(f"{stem}_{order}" for stem in ("bleu", "dist", "distinct") for order in (1, 2, 3, 4)),
    *("chrf", "sacrebleu", "rouge_l", "item_ratio", "slot_f1", "length", "finished", "empathy", "emotion_alignment"),
]


@pytest.mark.parametrize("name", LEXICAL_ZEROS)
def test_responses_that_are_all_empty_give_zero(name, sample):
    assert value(name, [sample("", finished=False), sample(" ", finished=False)]) == 0.0


@pytest.mark.parametrize("name", ["bleu_1", "bleu_4", "chrf", "sacrebleu", "rouge_l", "slot_f1"])
def test_without_any_reference_there_is_no_value(name, sample):
    result = computed(name, [sample("hello", ""), sample("you", " ")])
    assert math.isnan(result.corpus)
    assert set(result.per_sample) <= {None}


def test_the_shared_tokenisation_is_that_of_the_rewards():
    assert words.__module__ == TOKENISATION
