"""How often a comparison claims what is not there, and how often it finds what is."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest
from sides import contender, samples, scored, talk, text, turns, write_measured

from ecr_engine.evaluation.compare import Resampling, compare, compare_contenders
from ecr_engine.evaluation.corpus import Corpus
from ecr_engine.evaluation.metric import select
from ecr_engine.evaluation.verdict import is_significant
from ecr_engine.rewards.resources import Resources

BY_TURN = ("bleu_1", "bleu_2", "bleu_3", "rouge_l", "length", "item_ratio")
OVER_ALL = ("dist_1", "dist_2", "dist_3", "distinct_1", "distinct_2", "distinct_3", "slot_f1")
DRAWS = 200


def built(names):
    return select(list(names), Resources(), losses=False)


def side(name, said, columns):
    """A side with real metrics; those over the corpus are measured on the responses that it has."""
    corpus = Corpus(said)
    return contender(
        name, scored(said, columns), {metric.key: metric.compute(corpus).corpus for metric in built(OVER_ALL)}
    )


def shuffled_copies(seed, examples, pool, values):
    """Two sides that share the two answers to each turn by the toss of a coin for each dialogue."""
    rng = random.Random(seed)
    first = {example.conversation_id: rng.random() < 0.5 for example in examples}
    sides = []
    for name, flipped in (("a", False), ("b", True)):
        of = [int(first[example.conversation_id] != flipped) for example in examples]
        said = [pool[which][n] for n, which in enumerate(of)]
        columns = {key: [both[which][n] for n, which in enumerate(of)] for key, both in values.items()}
        sides.append(side(name, said, columns))
    return sides


def test_on_shuffled_copies_it_cries_wolf_no_more_often_than_it_says():
    examples = turns(150)
    pool = [talk(examples, seed) for seed in (1, 2)]
    values = {metric.key: [metric.compute(said).per_sample for said in pool] for metric in built(BY_TURN)}
    family, alone = 0, Counter()
    for draw in range(DRAWS):
        a, b = shuffled_copies(draw, examples, pool, values)
        [found] = compare_contenders(a, [b], Resampling(400, 0.95, draw))
        family += any(metric.p_holm < 0.05 for metric in found.metrics.values())
        alone.update(key for key, metric in found.metrics.items() if metric.p < 0.05)
    assert len(found.metrics) == len(BY_TURN) + len(OVER_ALL)
    assert family <= 0.05 * DRAWS
    # Each metric by itself at 5 %: 10 of 200 are expected, and more than 20 come up once in a thousand times.
    assert max(alone.values()) <= 20
    assert 0.02 <= sum(alone.values()) / (DRAWS * len(found.metrics)) <= 0.07


def test_copies_whose_lines_stand_in_another_order_are_the_same(tmp_path):
    examples = turns(60)
    said = talk(examples, 1)
    order = list(range(60))
    random.Random(1).shuffle(order)
    a = write_measured(tmp_path / "a", said, [*BY_TURN, *OVER_ALL])
    b = write_measured(tmp_path / "b", [said[n] for n in order], [*BY_TURN, *OVER_ALL])
    found = compare(a, b, resamples=500, confidence=0.95, seed=0)
    assert len(found.metrics) == len(BY_TURN) + len(OVER_ALL)
    for metric in found.metrics.values():
        assert metric.difference == pytest.approx(0.0, abs=1e-12)
        assert (metric.p, metric.p_holm) == (1.0, 1.0)


def test_on_itself_every_metric_is_exactly_zero(tmp_path):
    a = write_measured(tmp_path / "a", talk(turns(60), 1), [*BY_TURN, *OVER_ALL, "chrf", "self_bleu"])
    found = compare(a, a, resamples=500, confidence=0.95, seed=0)
    for key, metric in found.metrics.items():
        assert (metric.difference, metric.relative) == (0.0, 0.0), key
        if key in ("chrf", "self_bleu"):
            assert (metric.interval, metric.p, metric.method) == (None, None, "none")
        else:
            assert (metric.interval.low, metric.interval.high) == (0.0, 0.0), key
            assert (metric.p, metric.p_holm) == (1.0, 1.0), key
    assert found.metrics["bleu@1"].method == found.metrics["slot_f1"].method == "bootstrap"
    assert found.metrics["dist@2"].method == found.metrics["distinct@1"].method == "jackknife"


def test_a_planted_gain_of_a_twentieth_is_found():
    # 1,000 turns of 250 dialogues, a mean of 0.4, differences of turns that spread by 0.15: a standard error of at most
    # 0.0047 for a gain of 0.02, which a test at 5 % has a power of 0.99 to find.
    examples = turns(1000, per_dialogue=4)
    said = samples(examples, ["yes"] * 1000)
    found = 0
    for draw in range(50):
        rng = np.random.default_rng(draw)
        base = rng.normal(0.4, 0.2, size=1000)
        better = base * 1.05 + rng.normal(0.0, 0.15, size=1000)
        # Nine metrics beside it, on which nothing happened: Holm's correction has to leave it standing.
        noise = {f"other/{n}": rng.normal(size=(2, 1000)) for n in range(9)}
        a, b = (
            contender(name, scored(said, {"reward": list(own), **{key: list(both[n]) for key, both in noise.items()}}))
            for n, (name, own) in enumerate((("a", base), ("b", better)))
        )
        [outcome] = compare_contenders(a, [b], Resampling(500, 0.95, draw))
        reward = outcome.metrics["reward"]
        found += is_significant(reward, 0.95) and reward.difference > 0
    assert found >= 0.9 * 50


def test_more_kinds_of_words_are_found():
    # The second side says a word of its own in every third turn; the first repeats itself.
    examples = turns(300)
    rng = random.Random(3)
    plain = [text(rng) for _ in examples]
    rich = [f"{said} z{n}" if n % 3 == 0 else said for n, said in enumerate(plain)]
    sides = []
    for name, responses in (("a", plain), ("b", rich)):
        said = samples(examples, responses)
        sides.append(side(name, said, {"finished": [1.0] * len(said)}))
    [outcome] = compare_contenders(sides[0], [sides[1]], Resampling(500, 0.95, 0))
    dist = outcome.metrics["dist@1"]
    assert dist.difference == pytest.approx(100 / 300)
    assert 0.2 < dist.interval.low < 1 / 3 < dist.interval.high < 0.5
    assert dist.p_holm < 0.001
