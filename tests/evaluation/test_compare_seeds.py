"""Several seeds a side, and more than two sides."""

from __future__ import annotations

import numpy as np
import pytest
from sides import contender, samples, scored, turns

from ecr_engine.errors import UsageError
from ecr_engine.evaluation.compare import Resampling, compare, compare_all, compare_contenders
from ecr_engine.evaluation.contenders import Contender
from ecr_engine.evaluation.draws import Draws
from ecr_engine.evaluation.statistics import paired_comparison

RESAMPLING = Resampling(2000, 0.95, 0)


def paired(a, b, clusters):
    [found], _ = paired_comparison(a[..., None], b[..., None], clusters, resamples=4000, confidence=0.95, seed=0)
    return found


def each(n):
    return [str(place) for place in range(n)]


def test_the_value_of_a_side_is_the_mean_of_its_seeds(evaluation):
    first = [evaluation(f"a{n}", [0.1 * n, 0.2, 0.3, 0.4]) for n in (1, 2, 3)]
    second = [evaluation("b1", [0.5, 0.6, 0.7, 0.8])]
    [found] = compare_all([first, second], RESAMPLING, names=["old", "new"])
    reward = found.metrics["reward"]
    assert reward.runs_a == (pytest.approx(0.25), pytest.approx(0.275), pytest.approx(0.3))
    assert (reward.a, reward.b, reward.runs_b) == (pytest.approx(0.275), pytest.approx(0.65), (pytest.approx(0.65),))
    # By turn the means of the seeds are 0.2, 0.2, 0.3, 0.4: all four turns gained.
    assert (reward.n, reward.wins, reward.losses) == (4, 4, 0)
    assert [run.folder for run in found.a.runs] == [str(folder) for folder in first]
    assert [run.seed for run in found.a.runs] == [3, 3, 3]
    assert (found.a.name, found.b.name) == ("old", "new")


def test_seeds_that_differ_widen_the_interval():
    rng = np.random.default_rng(0)
    turn = rng.normal(size=(1, 400))
    noise = [rng.normal(0, 0.1, size=(3, 400)) for _ in range(2)]
    # The seeds of a side are 0.5 apart, far more than 400 turns are unsure of.
    spread = np.array([[-0.5], [0.0], [0.5]])
    alike = paired(turn + noise[0], turn + noise[1] + 0.2, each(400))
    apart = paired(turn + noise[0] + spread, turn + noise[1] + spread + 0.2, each(400))
    assert alike.difference == pytest.approx(apart.difference)
    assert alike.interval.low > 0.15
    assert alike.p < 0.001
    # Means of three seeds drawn anew from {-0.5, 0, 0.5}: variance 0.5/3/3 a side, 0.333 the standard error of both.
    assert apart.interval.high - apart.interval.low == pytest.approx(2 * 1.96 * 1 / 3, rel=0.1)
    assert apart.interval.low < 0 < apart.interval.high
    assert apart.p > 0.3


def test_one_seed_against_itself_twice_is_no_difference():
    values = np.random.default_rng(1).random((1, 50))
    found = paired(np.vstack([values, values]), values, each(50))
    assert (found.difference, found.p) == (0.0, 1.0)
    assert (found.interval.low, found.interval.high) == (pytest.approx(0.0, abs=1e-12),) * 2


def test_both_sides_draw_their_seeds_independently():
    draws = Draws(each(5), 1000, 0)
    values = np.tile([0.0, 1.0], (1000, 1))
    first, second = draws.averaged(values, 0), draws.averaged(values, 1)
    assert set(first) == {0.0, 0.5, 1.0}
    assert np.mean(first) == pytest.approx(0.5, abs=0.03)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.1


def test_a_turn_counts_where_every_seed_has_a_value(evaluation):
    first = [evaluation("a1", [0.1, None, 0.3, 0.5]), evaluation("a2", [0.1, 0.2, 0.3, 0.5])]
    second = [evaluation("b1", [0.2, 0.3, 0.4, None])]
    [found] = compare_all([first, second], RESAMPLING, names=[None, None])
    assert (found.metrics["reward"].n, found.metrics["reward"].difference) == (2, pytest.approx(0.1))


def test_corpus_metrics_average_the_seeds_too():
    examples = turns(6, per_dialogue=1)
    said = [["one"] * 6, [f"w{n}" for n in range(6)], ["one"] * 6]

    def side(name, which):
        seeds = [
            contender(
                name, scored(samples(examples, said[n]), {"length": [1.0] * 6}), {"dist@1": len(set(said[n])) / 6}
            )
            for n in which
        ]
        return Contender(
            name,
            tuple(one.folders[0] for one in seeds),
            tuple(one.result for one in seeds),
            tuple(one.rows[0] for one in seeds),
        )

    [found] = compare_contenders(side("a", [0, 2]), [side("b", [0, 1])], RESAMPLING)
    dist = found.metrics["dist@1"]
    assert (dist.runs_a, dist.runs_b) == ((1 / 6, 1 / 6), (1 / 6, 1.0))
    assert dist.difference == pytest.approx((1 / 6 + 1) / 2 - 1 / 6)
    assert dist.method == "jackknife"
    # One seed of b is as poor as a: with a spread like this nothing can be claimed.
    assert dist.interval.low < 0 < dist.interval.high


def test_seeds_of_one_side_have_to_answer_the_same_turns(evaluation):
    first = [evaluation("a1", [0.1, 0.2]), evaluation("a2", [0.1, 0.2], split_fingerprint="other")]
    with pytest.raises(UsageError) as error:
        compare_all([first, [evaluation("b1", [0.1, 0.2])]], RESAMPLING, names=[None, None])
    assert error.value.problems[0].what == (
        "these evaluations can't be compared: they answer different turns (test, 2 turns; test, 2 turns)"
    )


def test_each_of_several_sides_is_compared_with_the_first(evaluation):
    rng = np.random.default_rng(2)
    base = list(rng.uniform(0.2, 0.6, size=60))
    folders = [
        evaluation(name, [value + gain for value in base])
        for name, gain in (("base", 0.0), ("good", 0.1), ("bad", -0.1))
    ]
    good, bad = compare_all([[folder] for folder in folders], RESAMPLING, names=[None] * 3)
    assert (good.a.name, good.b.name, bad.a.name, bad.b.name) == ("base", "good", "base", "bad")
    assert good.metrics["reward"].difference == pytest.approx(0.1)
    assert bad.metrics["reward"].difference == pytest.approx(-0.1)
    # Two tests were made, so that Holm's correction doubles both p values; each alone is left as it is.
    assert good.metrics["reward"].p_holm == pytest.approx(2 * good.metrics["reward"].p)
    alone = compare(folders[0], folders[1], resamples=2000, confidence=0.95, seed=0)
    assert alone.metrics["reward"].p_holm == alone.metrics["reward"].p == good.metrics["reward"].p
