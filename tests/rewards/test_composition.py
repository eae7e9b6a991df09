"""The composite reward, with numbers worked out by hand."""

import math
import re
from dataclasses import dataclass, field, replace

import pytest
from reward_dialogues import sample

from ecr_engine.errors import EcrError, UsageError
from ecr_engine.rewards.composition import Composer, Row
from ecr_engine.rewards.statistics import ComponentStatistics, component_statistics


@dataclass
class Fixed:
    """A component that gives what it is told."""

    name: str
    scores: list
    low: float = 0.0
    high: float = 1.0
    explanation: str = "fixed"
    calls: list[int] = field(default_factory=list)

    def score(self, batch):
        self.calls.append(len(batch))
        return self.scores[: len(batch)]


def composer(weights, *fixed):
    return Composer(weights, {component.name: component for component in fixed})


GOOD = Fixed("good", [0.5, 1.0])
PART = Fixed("part", [1.0, None])
FINE = Fixed("fine", [-0.4, 0.0], low=-1.0, high=0.0)


def test_the_formula():
    reward = composer({"good": 2.0, "part": 1.0, "fine": 1.0}, GOOD, PART, FINE).score([sample("a"), sample("b")])
    # (2 * 0.5 + 1 * 1) / 3 - 0.5 * 0.4, and 2 * 1 / 2 where `part` does not apply
    assert reward.total == (pytest.approx(0.4666667), pytest.approx(1.0))
    assert reward.components == {"good": (0.5, 1.0), "part": (1.0, None), "fine": (-0.4, 0.0)}


def test_a_breakdown_sums_to_the_total():
    rows = composer({"good": 2.0, "part": 1.0, "fine": 1.0}, GOOD, PART, FINE).breakdown(sample("a"))
    assert rows == [
        Row("good", 0.5, 2.0, pytest.approx(1 / 3)),
        Row("part", 1.0, 1.0, pytest.approx(1 / 3)),
        Row("fine", -0.4, 1.0, pytest.approx(-0.2)),
    ]


def test_nothing_that_applies_is_zero():
    nothing = Fixed("nothing", [None])
    assert composer({"nothing": 1.0}, nothing).score([sample("a")]).total == (0.0,)
    assert composer({"nothing": 1.0}, nothing).score([]).total == ()


def test_weight_zero_is_not_computed_until_it_is_raised():
    off = Fixed("off", [1.0])
    composed = composer({"good": 1.0, "off": 0.0}, GOOD, off)
    assert list(composed.score([sample("a")]).components) == ["good"]
    assert off.calls == []
    composed.update_weights({"off": 3.0})
    assert composed.weights == {"good": 1.0, "off": 3.0}
    assert composed.score([sample("a")]).total == (pytest.approx(0.875),)  # (0.5 + 3) / 4
    assert off.calls == [1]


def test_an_unknown_component_names_the_nearest():
    with pytest.raises(UsageError) as caught:
        Composer({"empthy": 1.0})
    assert str(caught.value) == "unknown reward component 'empthy'"
    assert caught.value.problems[0].fix == "did you mean 'empathy'?"


@pytest.mark.parametrize("weight", [-1.0, math.nan, math.inf])
def test_a_bad_weight_changes_nothing(weight):
    composed = composer({"good": 1.0}, GOOD, PART)
    with pytest.raises(UsageError) as caught:
        composed.update_weights({"part": 2.0, "good": weight})
    assert str(caught.value) == f"the weight of reward component 'good' is {weight}"
    assert composed.weights == {"good": 1.0}


@pytest.mark.parametrize(("value", "shown"), [(math.nan, "nan"), (math.inf, "inf"), (1.5, "1.5"), (-0.1, "-0.1")])
def test_a_bad_score_names_the_component_and_the_sample(value, shown):
    with pytest.raises(EcrError) as caught:
        composer({"bad": 1.0}, Fixed("bad", [0.5, value])).score([sample("a"), sample("b")])
    problem = caught.value.problems[0]
    assert problem.what == f"reward component 'bad' gave {shown}, outside [0, 1]"
    assert problem.at == "example 1:1"
    assert problem.fix == "mend the component, or switch it off with --set rewards.bad=0"


@pytest.mark.parametrize(
    ("value", "shown"), [(True, "True, of type bool"), ("x", "'x', of type str"), ([0.5], "[0.5], of type list")]
)
def test_what_is_no_number_is_refused_by_its_type(value, shown):
    with pytest.raises(EcrError) as caught:
        composer({"bad": 1.0}, Fixed("bad", [0.5, value])).score([sample("a"), sample("b")])
    problem = caught.value.problems[0]
    assert problem.what == f"reward component 'bad' gave {shown}"
    assert (problem.at, problem.fix) == ("example 1:1", "return a number, such as float(score), or None")


@pytest.mark.parametrize("given", [None, 0.5, "0.5", {"a": 0.5}])
def test_what_is_no_list_of_scores_is_refused(given):
    class Wrong(Fixed):
        def score(self, batch):
            return given

    with pytest.raises(EcrError) as caught:
        composer({"wrong": 1.0}, Wrong("wrong", [])).score([sample("a")])
    problem = caught.value.problems[0]
    assert problem.what == "reward component 'wrong' did not give a list of scores"
    assert problem.at == "batch that begins with example 1:1"


def test_a_component_that_raises_names_itself_the_sample_and_the_cause():
    class Raises(Fixed):
        def score(self, batch):
            return [1 / (len(one.response) - 3) for one in batch]

    batch = [sample("four", reference="a"), replace_id(sample("two"), "9:4")]
    with pytest.raises(EcrError) as caught:
        composer({"raises": 1.0}, Raises("raises", [])).score(batch)
    problem = caught.value.problems[0]
    assert re.fullmatch(
        r"reward component 'raises' raised ZeroDivisionError: division by zero \(test_composition\.py:\d+\)",
        problem.what,
    )
    assert problem.at == "example 9:4"  # the first sample on which it raises, not the first of the batch
    assert problem.fix == "mend the component, or switch it off with --set rewards.raises=0"
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def replace_id(one, name):
    return replace(one, example=replace(one.example, example_id=name))


def test_scores_may_be_any_numbers_that_python_knows():
    from fractions import Fraction

    import numpy as np

    given = Fixed("numbers", [np.float32(0.5), Fraction(1, 4)])
    scores = composer({"numbers": 1.0}, given).score([sample("a"), sample("b")]).components["numbers"]
    assert scores == (0.5, 0.25)
    assert [type(score) for score in scores] == [float, float]


def test_rewards_are_put_together_again_from_scores_under_new_weights():
    composed = composer({"good": 2.0, "part": 1.0, "fine": 1.0}, GOOD, PART, FINE)
    composed.update_weights({"good": 1.0, "fine": 0.5})
    reward = composed.compose({"good": [0.5, 1.0], "part": [1.0, None], "fine": [-0.4, 0.0]})
    assert reward.total == (pytest.approx(0.65), pytest.approx(1.0))  # (0.5 + 1) / 2 - 0.5 * 0.5 * 0.4
    assert reward.contributions == {
        "good": pytest.approx((0.25, 1.0)),
        "part": pytest.approx((0.5, 0.0)),
        "fine": pytest.approx((-0.1, 0.0)),
    }


def test_the_statistics_of_a_batch():
    reward = composer({"good": 2.0, "part": 1.0, "fine": 1.0}, GOOD, PART, FINE).score([sample("a"), sample("b")])
    found = component_statistics(reward, {"good": 0.5, "fine": -0.1})
    # contributions: good 1/3 and 1, part 1/3 and nothing, fine -0.2 and 0: sizes 4/3, 1/3, 0.2, together 28/15
    assert found == {
        "good": ComponentStatistics(0.75, 0.25, pytest.approx(20 / 28), pytest.approx(0.25)),
        "part": ComponentStatistics(1.0, 0.0, pytest.approx(5 / 28), None),
        "fine": ComponentStatistics(
            pytest.approx(-0.2), pytest.approx(0.2), pytest.approx(3 / 28), pytest.approx(-0.1)
        ),
    }


def test_the_statistics_leave_out_what_never_applies_and_share_nothing_where_nothing_contributes():
    reward = composer({"none": 1.0, "zero": 1.0}, Fixed("none", [None]), Fixed("zero", [0.0])).score([sample("a")])
    assert component_statistics(reward, {}) == {"zero": ComponentStatistics(0.0, 0.0, 0.0, None)}


def test_a_component_that_is_switched_off_needs_nothing():
    """The critic has no checkpoint here, so building it would be an error."""
    composed = Composer({"critic": 0.0, "bleu": 1.0})
    assert list(composed.components) == ["bleu"]
    with pytest.raises(UsageError) as caught:
        composed.update_weights({"critic": 1.0})
    assert str(caught.value) == "reward component 'critic' needs a trained critic"
    assert composed.weights == {"critic": 0.0, "bleu": 1.0}


def test_a_wrong_number_of_scores_is_an_error():
    with pytest.raises(EcrError) as caught:
        composer({"short": 1.0}, Fixed("short", [0.5])).score([sample("a"), sample("b")])
    problem = caught.value.problems[0]
    assert problem.what == "reward component 'short' gave 1 scores for 2 samples"
    assert problem.at == "batch that begins with example 1:1"


@pytest.mark.parametrize(
    ("response", "scores", "total"),
    [
        (
            "I'm sorry you had a rough week. Would <movie> be light enough for you?",
            [0.144, 0.964, 1.0, 1.0, 0.0],
            0.825,  # (0.144 + 0.5 * 0.964 + 2 + 1.5) / 5
        ),
        ("You should watch <movie>.", [0.025, 0.633, 0.15, 1.0, 0.0], 0.428),
        ("I'm so glad to hear that! Do you like funny movies?", [0.226, 1.0, 0.0, 0.0, 0.0], 0.145),
    ],
)
def test_the_examples_of_the_documentation(response, scores, total):
    last = "I'm sad, I had a rough week. Something light please."
    one = sample(response, last, "I'm sorry to hear that. <movie> is light and warm.")
    composed = Composer({"bleu": 1.0, "distinct": 0.5, "empathy": 2.0, "recommendation": 1.5, "format": 1.0})
    assert [row.score for row in composed.breakdown(one)] == pytest.approx(scores, abs=5e-4)
    assert composed.score([one]).total == pytest.approx((total,), abs=5e-4)


def test_empathy_counts_as_far_as_it_belongs_to_the_dialogue():
    kind = Fixed("empathy", [1.0, 1.0, 0.8])
    near = Fixed("relevance", [0.25, None, 1.0])
    batch = [sample("a"), sample("b"), sample("c")]
    reward = composer({"empathy": 3.0, "relevance": 1.0}, kind, near).score(batch)
    # (3 * 1 * 0.25 + 1 * 0.25) / 4; relevance does not apply, so nothing gates: 3 * 1 / 3; (3 * 0.8 * 1 + 1) / 4
    assert reward.total == (pytest.approx(0.25), pytest.approx(1.0), pytest.approx(0.85))
    assert reward.components["empathy"] == (1.0, 1.0, 0.8)
    assert composer({"empathy": 3.0, "relevance": 0.0}, kind, near).score(batch[:1]).total == (1.0,)
