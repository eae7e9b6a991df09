"""Metrics over the corpus: intervals from what each turn adds, against worked examples and independent counts."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest
from sides import contender, result, samples, scored, talk, turns, value, write_measured

from ecr_engine.data.schema import ReferenceLoss
from ecr_engine.evaluation.compare import Resampling, compare, compare_contenders
from ecr_engine.evaluation.contenders import Contender
from ecr_engine.evaluation.corpus import Corpus
from ecr_engine.evaluation.corpus_values import sums_of, variety_behind
from ecr_engine.evaluation.statistics import Interval
from ecr_engine.evaluation.store import ScoredSample
from ecr_engine.evaluation.varieties import Variety, kinds_of, variety_uncertainty

SETTINGS = {"resamples": 2000, "confidence": 0.95, "seed": 0}


def test_kinds_that_one_dialogue_alone_has():
    # Kinds a b c d; a is in both dialogues, b (twice) in the first alone, c and d in the second alone.
    place = np.array([0, 0, 1])
    kinds, own = kinds_of([["a", "b"], ["b"], ["a", "c", "d"]], place, 2)
    assert kinds == 4
    assert own.tolist() == [1.0, 2.0]


def test_the_jackknife_by_hand():
    # 4 kinds in 3 responses; without dialogue 1: 3 kinds in 1; without dialogue 2: 2 kinds in 2. 3 and 1 have mean 2
    # and variance (2 - 1)/2 * (1 + 1) = 1, so the interval is 4/3 ± 1.959964 * 1.
    variety = Variety(4, np.array([1.0, 2.0]), np.array([2.0, 1.0]))
    nothing = Variety(0, np.zeros(2), np.array([2.0, 1.0]))
    found = variety_uncertainty([nothing], [variety], 0.95)
    assert found.interval == found.interval_b
    assert found.interval_a == Interval(0.0, 0.0)
    assert found.interval.low == pytest.approx(4 / 3 - 1.959964, abs=1e-6)
    assert found.interval.high == pytest.approx(4 / 3 + 1.959964, abs=1e-6)
    assert found.p == pytest.approx(2 * (1 - NormalDist().cdf(4 / 3)))


def test_seeds_add_their_own_spread_to_the_jackknife():
    # No dialogue differs from another, and the seeds' values are 1 and 2: 0.5 over 2 seeds, standard error 0.5.
    sure = [Variety(kinds, np.full(4, kinds / 4), np.ones(4)) for kinds in (4, 8)]
    found = variety_uncertainty(sure, [replace(sure[0])], 0.95)
    assert found.interval.high - found.interval.low == pytest.approx(2 * 1.959964 * 0.5, abs=1e-6)


def test_one_dialogue_says_nothing_of_kinds():
    alone = Variety(4, np.array([4.0]), np.array([2.0]))
    assert variety_uncertainty([alone], [alone], 0.95).interval is None


def test_every_corpus_metric_is_what_its_turns_give():
    said = [replace(one, reference_loss=ReferenceLoss(3.0 * n, n + 1)) for n, one in enumerate(talk(turns(30), 5))]
    corpus = Corpus([replace(said[0], response=""), *said[1:]])
    place = np.arange(30) // 3
    words = [sample.response.split() for sample in corpus]
    pairs = [gram for each in words for gram in itertools.pairwise(each)]
    assert variety_behind("dist@2", corpus, place, 10).value() == pytest.approx(len(set(pairs)) / 29)
    assert variety_behind("distinct@2", corpus, place, 10).value() == pytest.approx(len(set(pairs)) / len(pairs))
    nats, tokens = 3.0 * sum(range(30)), sum(range(1, 31))
    assert sums_of("perplexity", corpus).total() == pytest.approx(math.exp(nats / tokens))
    assert sums_of("chrf", corpus) is None
    assert variety_behind("dist@5", corpus, place, 10) is None


@pytest.mark.parametrize("responses", ["talk", "alien", "short", "empty", "some without a reference"])
def test_bleu_from_sums_is_what_sacrebleu_says(responses):
    from sacrebleu.metrics.bleu import BLEU

    examples = turns(40)
    if responses == "some without a reference":
        examples = [replace(one, target="" if n % 3 else one.target) for n, one in enumerate(examples)]
    said = {
        "alien": samples(examples, ["Nothing of that, sir!  you"] * 40),
        "short": samples(examples, ["you like"] * 40),
        "empty": samples(examples, [""] * 40),
    }.get(responses, talk(examples, 3))
    pairs = [(one.response, one.example.target) for one in said if one.example.target]
    theirs = BLEU().corpus_score([pair[0] for pair in pairs], [[pair[1] for pair in pairs]]).score
    assert sums_of("sacrebleu", Corpus(said)).total() == pytest.approx(theirs, abs=1e-9)


def test_perplexity_is_weighted_by_tokens_in_every_resample():
    # Dialogue 0 has loss 0 in 1 token, dialogue 1 loss ln 4 each of 3 tokens: a draw of both has 4 ** 0.75.
    examples = turns(2, per_dialogue=1)
    losses = (ReferenceLoss(0.0, 1), ReferenceLoss(3 * math.log(4), 3))
    said = [replace(one, reference_loss=loss) for one, loss in zip(samples(examples, "xy"), losses, strict=True)]
    a, b = (contender(name, scored(said, {}), {"perplexity": 4**0.75}) for name in "ab")
    [found] = compare_contenders(a, [b], Resampling(4000, 0.4, 0))
    metric = found.metrics["perplexity"]
    assert (metric.interval_a.low, metric.interval_a.high) == (pytest.approx(4**0.75), pytest.approx(4**0.75))
    [wide] = compare_contenders(a, [b], Resampling(4000, 0.9, 0))
    assert (wide.metrics["perplexity"].interval_a.low, wide.metrics["perplexity"].interval_a.high) == (1.0, 4.0)
    assert (metric.n, metric.method, metric.interval) == (2, "bootstrap", Interval(0.0, 0.0))


def test_slot_f1_has_the_p_value_of_all_exchanges_listed():
    # Six dialogues of one turn; the human names a movie in all, the first side in the last alone, the second in five.
    examples = [replace(example, target="see <movie>") for example in turns(6, per_dialogue=1)]
    sides = {"a": [0, 0, 0, 0, 0, 1], "b": [1, 1, 1, 1, 0, 1]}
    f1 = {name: 2 * sum(hits) / (sum(hits) + 6) for name, hits in sides.items()}
    a, b = (
        contender(
            name,
            scored(samples(examples, ["<movie>" if hit else "no" for hit in hits]), {"length": [1.0] * 6}),
            {"slot_f1": f1[name]},
        )
        for name, hits in sides.items()
    )
    extreme = 0
    for signs in itertools.product((0, 1), repeat=6):
        totals = [sum((sides["b"] if s != which else sides["a"])[n] for n, s in enumerate(signs)) for which in (0, 1)]
        first, second = (2 * total / (total + 6) for total in totals)
        extreme += abs(second - first) >= f1["b"] - f1["a"] - 1e-12
    [found] = compare_contenders(a, [b], Resampling(20_000, 0.95, 0))
    assert found.metrics["slot_f1"].p == pytest.approx(extreme / 64, abs=0.01)


def test_a_value_that_its_turns_do_not_give_has_no_interval(tmp_path):
    said = talk(turns(30), 1)
    folder = write_measured(tmp_path / "a", said, ["dist_1", "length"])
    whole = compare(folder, folder, **SETTINGS).metrics["dist@1"]
    assert whole.method == "jackknife"
    rows = [ScoredSample(one, {"length": 1.0}) for one in said]
    metrics = {"dist@1": value(whole.a + 0.01), "length": value(1.0)}
    other = Contender("b", (tmp_path,), (result("b", metrics, 30),), (tuple(rows),))
    [found] = compare_contenders(other, [other], Resampling(200, 0.95, 0))
    assert (found.metrics["dist@1"].method, found.metrics["dist@1"].interval) == ("none", None)
