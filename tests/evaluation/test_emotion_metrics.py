"""Metrics of empathy and emotion, with recognisers that say what a table says."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from ecr_engine.data.schema import Role, Turn
from ecr_engine.emotion.empathy import EmpathyLevels
from ecr_engine.evaluation.metric import METRICS
from ecr_engine.rewards.resources import Resources


class TableOfEmotions:
    """Says what the words of a text are."""

    name = "table"
    explanation = "the words are the emotions"
    labels = ("like", "happy", "negative", "neutral")

    def __init__(self):
        self.asked = 0

    def recognise(self, texts):
        self.asked += 1
        return [tuple((label, 1.0) for label in text.split()) for text in texts]


class TableOfLevels:
    """Grades a response by the digits in it."""

    name = "table"
    explanation = "three digits"

    def levels(self, pairs):
        return [EmpathyLevels(*map(int, response.split())) for _, response in pairs]


@pytest.fixture
def turns(sample):
    """Builds samples from what the seeker shows and what is answered; None: the seeker did not speak last."""

    def build(*pairs):
        made = []
        for place, (seeker, response) in enumerate(pairs):
            one = sample(response, conversation=str(place))
            last = Turn(Role.RECOMMENDER if seeker is None else Role.SEEKER, seeker or "", seeker or "")
            made.append(replace(one, example=replace(one.example, context=(last,), emotions=())))
        return made

    return build


def result(name, samples, **resources):
    return METRICS.build(name, Resources(**resources)).compute(samples)


def test_alignment_is_the_share_of_turns_that_share_an_emotion(turns):
    samples = turns(("happy like", "like"), ("happy", "negative"), ("happy", ""), (None, "happy"))
    found = result("emotion_alignment", samples, emotion=TableOfEmotions())
    assert found.per_sample == (1.0, 0.0, 0.0, None)
    assert found.corpus == pytest.approx(1 / 3)


def test_an_annotated_emotion_goes_before_a_recognised_one(turns):
    [one] = turns(("happy", "negative"))
    annotated = replace(one, example=replace(one.example, emotions=("negative",)))
    assert result("emotion_alignment", [annotated], emotion=TableOfEmotions()).corpus == 1.0


def test_flatness_is_asked_only_where_the_seeker_shows_something(turns):
    samples = turns(("happy", "neutral"), ("happy", "like"), ("happy", ""), ("neutral", "neutral"), (None, "neutral"))
    found = result("emotion_flatness", samples, emotion=TableOfEmotions())
    assert found.per_sample == (1.0, 0.0, 1.0, None, None)
    assert found.corpus == pytest.approx(2 / 3)


def test_f1_of_each_emotion_and_their_mean(turns):
    # happy: shown twice, wanted 3 times, both once: 2/5; like: shown once, wanted once, never together: 0
    samples = turns(("happy", "happy"), ("happy", "like"), ("happy like", ""), ("", "happy"))
    emotion = TableOfEmotions()
    assert result("emotion_f1_happy", samples, emotion=emotion).corpus == pytest.approx(0.4)
    assert result("emotion_f1_like", samples, emotion=emotion).corpus == 0.0
    assert math.isnan(result("emotion_f1_surprise", samples, emotion=emotion).corpus)
    assert result("emotion_f1", samples, emotion=emotion).corpus == pytest.approx(0.2)


def test_empathy_adds_the_three_mechanisms(turns):
    samples = turns(("x", "2 1 0"), ("x", "0 0 2"), (None, "2 2 2"))
    empathy = TableOfLevels()
    found = result("empathy", samples, empathy=empathy)
    assert found.per_sample == (0.5, pytest.approx(1 / 3), None)
    assert found.corpus == pytest.approx(5 / 12)
    assert result("empathy_reaction", samples, empathy=empathy).per_sample == (2.0, 0.0, None)
    assert result("empathy_interpretation", samples, empathy=empathy).corpus == 0.5
    assert result("empathy_exploration", samples, empathy=empathy).per_sample == (0.0, 2.0, None)


def test_a_warm_answer_to_sorrow_has_more_empathy_than_a_plain_one(sample):
    warm, plain = sample("I'm so sorry to hear that. It sounds like you feel low."), sample("There is a film about it.")
    scores = METRICS.build("empathy", Resources()).compute([warm, plain]).per_sample
    assert scores[0] > scores[1] == 0.0
