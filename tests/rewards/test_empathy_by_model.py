"""The empathy component with a trained recogniser: its levels count, and the guards stay."""

from __future__ import annotations

from dataclasses import replace

import pytest
from reward_dialogues import sample

from ecr_engine.emotion.empathy import EmpathyLevels
from ecr_engine.rewards.component import COMPONENTS
from ecr_engine.rewards.resources import Resources

SAD = "I feel sad, it was a rough day."
ASKED = "Can you recommend a good horror movie?"


class Told:
    """A recogniser that says what it is told to say, and notes what it was asked."""

    name = "told"
    explanation = "levels made up for the test"

    def __init__(self, *levels: tuple[int, int, int]) -> None:
        self.given = [EmpathyLevels(*found) for found in levels]
        self.asked: list[list[tuple[str, str]]] = []

    def levels(self, pairs):
        self.asked.append(list(pairs))
        return self.given * (len(pairs) // len(self.given))


def score(recogniser: Told, *samples) -> list[float | None]:
    return COMPONENTS.build("empathy", Resources(empathy=recogniser)).score(list(samples))


@pytest.mark.parametrize(
    ("levels", "last", "response", "expected"),
    [
        # the rules find nothing in it; sadness calls for 0.5, 0.3 and 0.2: 0.15 + 0.85 · 0.5 / 0.6
        ((2, 0, 0), SAD, "That is hard on you.", 0.858333),
        # a weak level is worth 0.4: 0.15 + 0.85 · 0.3 · 0.4 / 0.6
        ((0, 1, 0), SAD, "That is hard on you.", 0.32),
        ((0, 0, 0), SAD, "I'm so sorry to hear that.", 0.15),
        # could be said to anyone: the level is 0.1 at most, 0.15 + 0.85 · 0.1
        ((2, 2, 2), ASKED, "<movie> came out last year.", 0.235),
        # takes up their word: all of it
        ((2, 2, 2), ASKED, "<movie> is a horror of last year.", 1.0),
        # gladness to sorrow: 0.15 + 0.85 - 0.3
        ((2, 2, 2), SAD, "I'm so glad to hear that.", 0.7),
        # no sentence, and words that are all copied
        ((2, 2, 2), SAD, "sorry sorry sorry sorry", 0.0),
        ((2, 2, 2), SAD, "it was a rough day.", 0.0),
        ((2, 2, 2), SAD, "", 0.0),
    ],
)
def test_scores_by_hand(levels, last, response, expected) -> None:
    assert score(Told(levels), sample(response, last)) == [pytest.approx(expected, abs=1e-6)]


def test_a_long_response_loses_in_proportion() -> None:
    sentence = "That is hard on you, and it will take some of the time that you have got. "
    once = score(Told((2, 2, 2)), sample(sentence, SAD))
    assert once == [1.0]
    parts = [sentence.replace("hard", word) for word in ("bad", "odd", "sad", "mad", "new", "old", "raw", "low")]
    assert score(Told((2, 2, 2)), sample("".join(parts), SAD)) == [pytest.approx(60 / (8 * 17))]


def test_the_whole_batch_is_graded_at_once() -> None:
    told = Told((2, 0, 0), (0, 0, 0))
    found = score(told, sample("That is hard on you.", SAD), sample("That is hard on you.", SAD))
    assert found == [pytest.approx(0.858333, abs=1e-6), pytest.approx(0.15)]
    assert told.asked == [[(SAD, "That is hard on you.")] * 2]


def test_the_rules_are_used_as_ever_with_the_lexical_recogniser() -> None:
    component = COMPONENTS.build("empathy", Resources())
    assert component.score([sample("If you like horror you should see <movie>.", ASKED)]) == [
        pytest.approx(0.645833, abs=1e-6)
    ]
    # The annotated emotion decides, which a recogniser of two texts can't know: 0.15 + 0.85 · 0.5 / 0.6
    said = sample("I'm so sorry to hear that.", "My team lost the match.")
    sad = replace(said, example=replace(said.example, emotions=("negative",)))
    assert component.score([said, sad]) == [0.0, pytest.approx(0.858333, abs=1e-6)]
