"""The rubric: points worked out by hand from the table in `ecr_engine.scoring.rules`."""

from dataclasses import replace

import pytest

from ecr_engine.data.schema import Example, Role, Sample, Turn
from ecr_engine.scoring.judge import DIMENSIONS, JUDGES, Judgement


def sample(response: str, *context: str) -> Sample:
    """A response to turns that alternate and end with the seeker."""
    roles = (Role.SEEKER, Role.RECOMMENDER)
    turns = tuple(Turn(roles[i % 2], text, text) for i, text in enumerate(context))
    example = Example("7:1", "7", len(turns), turns, "a reference", (), (), (), "here", 1)
    return Sample(example, response, True, 5)


def judge(response: str, *context: str) -> Judgement:
    return next(JUDGES.build("rubric").judge([sample(response, *context)]))


ASKS = "I am looking for a pirate movie"


@pytest.mark.parametrize(
    ("response", "context", "expected"),
    [
        # empathy: answer 0.1, capped nowhere; one slot 0.2; wanted, no tie 0.7; 2 words, invites nothing, new 0.2
        ("Maybe <movie>.", (ASKS,), (0.1, 0.2, 0.7, 0.2)),
        # empathy 0.1 + frame 0.3 + question 0.2; slot 0.2, genre 0.2, together 0.2; tied to "pirate"; all of engagement
        (
            "If you like a pirate, <movie> is a comedy for you. Do you like funny pirates?",
            (ASKS,),
            (0.6, 0.8, 1.0, 1.0),
        ),
        # leave-taking: 0.1 + 0.4; no facts; kind and without a slot; no question, 2 words, "you" is not said, new
        ("My pleasure!", ("Thank you, bye",), (0.5, 0.0, 1.0, 0.2)),
        ("<movie> is on.", ("Thank you, bye",), (0.1, 0.2, 0.5, 0.35)),
        # opening: weak politeness 0.2 and strong question 0.2; asks first; 8 words
        ("Hi, what kind of movies do you like?", ("Hello",), (0.5, 0.0, 1.0, 1.0)),
        ("Good that it rains.", ("Hello",), (0.1, 0.0, 0.3, 0.35)),
        # nothing wanted is named
        ("It rains a lot here.", (ASKS,), (0.1, 0.0, 0.1, 0.35)),
        ("", (ASKS,), (0.0, 0.0, 0.0, 0.0)),
        ("<movie> <movie> <movie> <movie> <movie>", (ASKS,), (0.0, 0.0, 0.0, 0.0)),
    ],
)
def test_scores(response, context, expected):
    scores = judge(response, *context).scores
    assert tuple(scores[dimension] for dimension in DIMENSIONS) == pytest.approx(expected)
    assert scores["overall"] == pytest.approx(sum(expected) / 4)


def test_a_feeling_that_does_not_fit_loses():
    assert judge("I'm sorry to hear that.", "I loved the parrot!").scores["empathy"] == 0.0
    assert judge("I'm sorry to hear that.", "I am sad, my parrot passed away").scores["empathy"] == pytest.approx(0.5)


def test_what_could_be_said_to_anyone_is_capped():
    # 0.1 + reaction 0.4 + agreement 0.15 = 0.65, cut to 0.5
    found = judge("I'm glad to hear that. I agree with you.", "I loved the parrot!")
    assert found.scores["empathy"] == pytest.approx(0.5)
    assert found.reasons["empathy"].endswith("could be said to anyone")


def test_repeating_the_previous_turn_costs_engagement():
    before = "Have you seen the one with the old ship"
    again = judge(before, ASKS, before, "yes")
    fresh = judge(before, ASKS, "Ahoy", "yes")
    assert fresh.scores["engagement"] - again.scores["engagement"] == pytest.approx(0.2)
    assert "repeats an earlier turn" in again.reasons["engagement"]


def test_word_salad_is_scaled_by_coherence():
    # 4 of 9 words stand in a sentence: 0.7 * 4 / 9
    found = judge("<movie> is the best. Dog cat cow hen pig.", ASKS)
    assert found.scores["recommendation"] == pytest.approx(0.7 * 4 / 9)
    assert found.reasons["recommendation"] == "slots: 1; no reason given; coherence 0.44"


def test_facts_are_named():
    found = judge("<movie> stars Orlando Bloom, it came out in 2003 and won an oscar.", ASKS)
    assert found.reasons["informativeness"] == "slots: 1; facts: people, quality, time; says why"
    assert found.scores["informativeness"] == pytest.approx(1.0)


def test_the_reference_is_not_looked_at():
    row = sample("<movie> is a pirate story.", ASKS)
    other = replace(row, example=replace(row.example, target="entirely different"))
    judge_ = JUDGES.build("rubric")
    assert list(judge_.judge([row])) == list(judge_.judge([other]))


def test_one_judgement_a_row_in_order_with_a_reason_for_each_score():
    rows = [
        replace(sample("Hi", "Hello"), example=replace(sample("", "Hello").example, example_id=str(n)))
        for n in range(3)
    ]
    found = list(JUDGES.build("rubric").judge(rows))
    assert [one.example_id for one in found] == ["0", "1", "2"]
    assert all(set(one.scores) == set(one.reasons) == {*DIMENSIONS, "overall"} for one in found)
    assert all(reason for one in found for reason in one.reasons.values())
    assert all(one.failure is None for one in found)
