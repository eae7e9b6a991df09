"""Hits among the movies that responses name, with and without those already mentioned."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from ecr_engine.data.schema import Item, Role, Turn
from ecr_engine.evaluation.metric import METRICS
from ecr_engine.evaluation.metrics._hits import _names, hit
from ecr_engine.rewards.resources import Resources

HEAT, ALIEN = Item("11", "Heat (1995)"), Item("22", "Alien (1979)")


@pytest.fixture
def turns(sample):
    """Builds samples whose references name movies; Heat is mentioned in every context."""

    def build(*pairs):
        made = [sample(response, conversation=str(place)) for place, (response, _) in enumerate(pairs)]
        return [
            replace(one, example=replace(one.example, items=items)) for one, (_, items) in zip(made, pairs, strict=True)
        ]

    return build


def scores(name, samples):
    result = METRICS.build(name, Resources()).compute(samples)
    return result.corpus, result.per_sample


def test_a_hit_is_among_the_first_k():
    ranked = [("1",), ("2", "3"), ("4",)]
    assert [hit(ranked, ["3"], [], k) for k in (1, 2, 3)] == [0.0, 1.0, 1.0]
    assert hit(ranked, ["3"], ["1"], 1) == 1.0  # the first is taken out, so the second is first
    assert hit(ranked, ["3"], ["3"], 3) is None
    assert hit([], ["3"], [], 3) == 0.0


def test_hits_by_hand(turns):
    samples = turns(
        ("Try Alien (1979).", (ALIEN,)),
        ("Try Heat (1995) or Alien (1979).", (ALIEN,)),
        ("Try <movie>.", (ALIEN,)),
        ("Try Alien (1979).", ()),
    )
    assert scores("hit_all_1", samples) == (pytest.approx(1 / 3), (1.0, 0.0, 0.0, None))
    assert scores("hit_all_10", samples) == (pytest.approx(2 / 3), (1.0, 1.0, 0.0, None))
    assert scores("hit_1", samples) == (pytest.approx(2 / 3), (1.0, 1.0, 0.0, None))  # Heat was mentioned


def test_repeating_what_was_mentioned_earns_nothing_once_it_is_removed(turns):
    parrot = turns(("You said Heat (1995).", (HEAT,)), ("You said Heat (1995).", (HEAT, ALIEN)))
    assert scores("hit_all_1", parrot) == (1.0, (1.0, 1.0))
    assert scores("hit_1", parrot) == (0.0, (None, 0.0))


def test_slots_alone_have_no_value(turns):
    corpus, values = scores("hit_1", turns(("Try <movie>.", (ALIEN,)), ("Hi", (ALIEN,))))
    assert math.isnan(corpus)
    assert values == (None, None)


def test_names_stand_in_a_turns_text_where_its_slots_are():
    slots = "Saw <movie>, and <movie> too"
    turn = Turn(Role.SEEKER, "Saw Up (2009), and Coco (2017) too", slots, ("5", "6"))
    assert _names(turn) == [("5", "Up (2009)"), ("6", "Coco (2017)")]
    assert _names(Turn(Role.SEEKER, "Up (2009)Coco (2017)", "<movie><movie>", ("5", "6"))) == []
