"""Ranges that a component may have, and what it gives that can't be shown, counted or weighed."""

from __future__ import annotations

import itertools
import sys
from fractions import Fraction
from textwrap import dedent

import pytest
from reward_dialogues import sample

from ecr_engine.errors import EcrError, UsageError
from ecr_engine.rewards.composition import Composer
from ecr_engine.rewards.custom import build_component
from ecr_engine.rewards.resources import Resources


class Giving:
    """Gives what it is told."""

    name, explanation = "giving", "gives what it is told"

    def __init__(self, give, low=0.0, high=1.0):
        self.give, self.low, self.high = give, low, high

    def score(self, batch):
        return self.give(batch)


def problem(error):
    [found] = error.value.problems
    return found.what, found.at, found.fix


def fault(give, count=2):
    """What is wrong with scores."""
    with pytest.raises(EcrError) as caught:
        Composer({"giving": 1.0}, {"giving": Giving(give)}).score([sample("hello")] * count)
    return problem(caught)


FIX = "scale its scores: a reward gives 0 to 1, a penalty -1 to 0"


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [
        (-5, 5, "[-5, 5]"),
        (0, 5, "[0, 5]"),
        (-0.25, 1, "[-0.25, 1]"),
        (-2, 0, "[-2, 0]"),
        (-1, -0.5, "[-1, -0.5]"),
        (0.5, 1.5, "[0.5, 1.5]"),
    ],
)
def test_a_range_that_would_take_the_total_out_of_its_own(tmp_path, monkeypatch, low, high, shown):
    wanted = f"the range of reward component '{{}}' is {shown}", "rewards.{}", FIX
    with pytest.raises(UsageError) as given:
        Composer({"giving": 1.0}, {"giving": Giving(list, low, high)})
    assert problem(given) == tuple(text.format("giving") for text in wanted)

    code = f"""
        class Wide:
            name, low, high, explanation = "wide", {low}, {high}, "has a wide range"

            def score(self, batch):
                return [0.5] * len(batch)
    """
    (tmp_path / "wide_rewards.py").write_text(dedent(code))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "wide_rewards", raising=False)
    with pytest.raises(UsageError) as built:
        build_component("wide_rewards:Wide", Resources())
    assert problem(built) == tuple(text.format("wide_rewards:Wide") for text in wanted)
    monkeypatch.delitem(sys.modules, "wide_rewards", raising=False)


@pytest.mark.parametrize(
    ("low", "high", "given", "total"), [(0, 1, 0.5, 0.5), (0.25, 0.75, 0.5, 0.5), (-0.5, 0, -0.5, -0.25)]
)
def test_ranges_that_are_right(low, high, given, total):
    composed = Composer({"giving": 1.0}, {"giving": Giving(lambda batch: [given] * len(batch), low, high)})
    assert composed.score([sample("hello")]).total == (pytest.approx(total),)


def test_a_component_that_is_switched_off_may_have_any_range():
    assert Composer({"giving": 0.0}, {"giving": Giving(list, -5, 5)}).weights == {"giving": 0.0}


class Mute:
    """Can't be shown."""

    def __repr__(self):
        raise ValueError("no words")


def test_a_score_that_can_not_be_shown_is_an_error_like_any_other():
    what, at, fix = fault(lambda batch: [Mute()] * 2)
    assert what.startswith("reward component 'giving' gave ")
    assert what.endswith(", of type Mute")
    assert "no words" not in what
    assert at.startswith("example ")
    assert fix == "return a number, such as float(score), or None"


def test_a_number_of_more_digits_than_python_writes():
    what, at, _ = fault(lambda batch: [10**5000] * 2)
    assert what.startswith("reward component 'giving' gave ")
    assert what.endswith("of type int")
    assert len(what) < 120
    assert at.startswith("example ")


@pytest.mark.parametrize(
    ("give", "many"),
    [
        (lambda batch: itertools.repeat(0.5), "more than 2"),
        (lambda batch: (0.5 for _ in itertools.count()), "more than 2"),
        (lambda batch: [0.5] * 7, "more than 2"),
        (lambda batch: iter([0.5]), "1"),
    ],
)
def test_too_many_scores_and_scores_without_end(give, many):
    what, at, fix = fault(give)
    assert what == f"reward component 'giving' gave {many} scores for 2 samples"
    assert at.startswith("batch that begins with example ")
    assert fix == "return one score, or None, for each sample"


@pytest.mark.parametrize(
    ("weight", "shown"),
    [
        ("1", "'1'"),
        (None, "None"),
        ([1.0], "[1.0]"),
        (1j, "1j"),
        (True, "True"),
        (-0.5, "-0.5"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
    ],
)
def test_a_weight_that_is_no_number_of_0_or_more(weight, shown):
    composed = Composer({"giving": 0.25}, {"giving": Giving(lambda batch: [1.0])})
    with pytest.raises(UsageError) as caught:
        composed.update_weights({"giving": weight})
    assert problem(caught) == (
        f"the weight of reward component 'giving' is {shown}",
        "rewards.giving",
        "give a number that is 0 or more",
    )
    assert composed.weights == {"giving": 0.25}


def test_a_weight_that_no_float_can_hold():
    with pytest.raises(UsageError, match=r"^the weight of reward component 'giving' is .{1,70}$"):
        Composer({"giving": 10**5000}, {"giving": Giving(lambda batch: [1.0])})


def test_a_weight_may_be_any_real_number():
    composed = Composer({"giving": Fraction(1, 2)}, {"giving": Giving(lambda batch: [1.0])})
    assert composed.score([sample("hello")]).total == (1.0,)
