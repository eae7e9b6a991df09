"""Measuring: the objective, its components and the metrics together."""

from __future__ import annotations

import math

import pytest

from ecr_engine.errors import DataError, UnavailableError, UsageError
from ecr_engine.evaluation.measure import PAID_BY, measure
from ecr_engine.evaluation.metric import METRICS, MetricResult, metrics_with, select
from ecr_engine.evaluation.values import is_mean
from ecr_engine.rewards.component import COMPONENTS
from ecr_engine.rewards.composition import Composer
from ecr_engine.rewards.resources import Resources


@pytest.fixture
def responses(sample):
    texts = ["I'm sorry to hear that. You should see <movie> !", "you should see it !", "", "see <movie> or <movie>"]
    return [sample(text, conversation=str(place), finished=place != 1) for place, text in enumerate(texts)]


def test_the_objective_comes_first_then_its_components_then_the_metrics(responses):
    measured = measure(
        responses, metric_names=["item_ratio", "dist_1"], composer=Composer({"bleu": 1.0, "empathy": 2.0})
    )
    assert list(measured.metrics) == ["reward", "reward/bleu", "reward/empathy", "item_ratio", "dist@1"]


def test_without_names_every_metric_that_needs_no_model_is_measured(responses):
    keys = {metric.key for metric in metrics_with(Resources())} - {"similarity", "perplexity"}
    measured = measure(responses, composer=Composer({"bleu": 1.0}))
    assert measured.metrics.keys() == keys | {"reward", "reward/bleu"}
    assert measured.failed == {}


def test_metrics_by_key_pattern_and_word(responses):
    names = ["dist@1", "bleu_*", "empathy/*", "dist_1"]
    assert list(measure(responses, metric_names=names).metrics) == [
        "dist@1",
        *(f"bleu@{order}" for order in (1, 2, 3, 4)),
        *(f"empathy/{mechanism}" for mechanism in ("exploration", "interpretation", "reaction")),
    ]
    keys = {metric.key for metric in select(["all"], Resources(encoder="minilm-l6"), losses=True)}
    assert {"similarity", "perplexity", "bleu@1"} <= keys


@pytest.mark.parametrize(
    ("name", "what", "at", "fix"),
    [
        (
            "similarity",
            "metric 'similarity' needs a sentence encoder",
            "reward_options.similarity_encoder",
            "--set reward_options.similarity_encoder=minilm-l6",
        ),
        (
            "perplexity",
            "metric 'perplexity' needs the losses of the references, which only the model can say",
            "evaluation.perplexity",
            "generate again with them: ecrctl eval run RUN --perplexity",
        ),
    ],
)
def test_a_metric_that_lacks_what_it_needs(responses, name, what, at, fix):
    with pytest.raises(UsageError) as error:
        measure(responses, metric_names=[name])
    [problem] = error.value.problems
    assert (problem.what, problem.at, problem.fix) == (what, at, fix)


class Odd:
    """Stands in for a metric that is wrong."""

    def __init__(self, name, compute):
        for field, given in vars(type(METRICS.build("length", Resources()))).items():
            if not field.startswith("_") and field != "compute":
                setattr(self, field, given)
        self.name = self.key = name
        self.compute = compute


def test_a_metric_that_fails_is_named_and_the_others_are_measured(responses, monkeypatch):
    def divide(samples):
        return 1 / 0

    def unavailable(samples):
        raise UnavailableError("no encoder", fix="get one")

    odd = [
        Odd("divides", divide),
        Odd("misses", unavailable),
        Odd("short", lambda samples: MetricResult(1.0, (1.0,))),
    ]
    known = [METRICS.build("length", Resources()), *odd]
    monkeypatch.setattr("ecr_engine.evaluation.metric.metrics_with", lambda resources: known)
    measured = measure(responses)
    assert list(measured.metrics) == ["length"]
    assert measured.failed.keys() == {"divides", "misses", "short"}
    assert measured.failed["divides"].startswith("ZeroDivisionError: division by zero (test_measure.py:")
    assert measured.failed["misses"] == "no encoder; get one"
    assert measured.failed["short"] == "it gave 1 values for 4 turns"


def test_missing_references_are_left_out_and_not_counted_as_zero(sample):
    both = [sample("you should see it", "you should see it"), sample("hello", "")]
    measured = measure(both, metric_names=["bleu_1", "rouge_l", "sacrebleu"])
    assert [metric.value for metric in measured.metrics.values()] == [1.0, 1.0, pytest.approx(100.0)]
    assert measured.per_sample["bleu@1"] == (1.0, None)
    alone = measure(both[1:], metric_names=["bleu_1", "chrf"])
    assert [metric.value for metric in alone.metrics.values()] == [None, None]


def test_the_reward_is_the_mean_of_the_composers_totals(responses):
    composer = Composer({"bleu": 1.0, "empathy": 2.0, "format": 1.0})
    measured = measure(responses, metric_names=["length"], composer=composer)
    totals = composer.score(responses).total
    assert measured.per_sample["reward"] == totals
    assert measured.metrics["reward"].value == pytest.approx(sum(totals) / 4)
    assert measured.metrics["reward"].explanation.endswith("weights: bleu 1, empathy 2, format 1.")


def test_intervals_are_those_of_means_over_turns(responses):
    measured = measure(
        responses, metric_names=["item_ratio", "dist_1", "slot_f1", "finished"], composer=Composer({"bleu": 1.0})
    )
    finished = measured.metrics["finished"].interval
    assert (finished.low, finished.high) == (0.25, 1.0)  # of (1, 0, 1, 1): P(mean 0 or less than 1/4) is 1/256
    assert measured.metrics["item_ratio"].value == 1.0  # (1 + 0 + 2) / 3
    assert measured.metrics["item_ratio"].interval is not None
    assert measured.metrics["dist@1"].interval is None
    assert measured.metrics["slot_f1"].interval is None  # F1 0.667 is not the mean agreement 0.5


def test_what_the_reward_pays_for_is_marked_and_only_that(responses):
    names = ["bleu_1", "dist_1", "item_ratio", "length"]
    lexical = measure(responses, metric_names=names, composer=Composer({"bleu": 1.0, "distinct": 0.0})).metrics
    assert [lexical[key].in_reward for key in ("reward", "bleu@1", "dist@1", "item_ratio", "length")] == [
        True,
        True,
        False,
        False,
        False,
    ]
    other = measure(responses, metric_names=names, composer=Composer({"recommendation": 1.0, "format": 1.0})).metrics
    assert [other[key].in_reward for key in ("bleu@1", "dist@1", "item_ratio", "length")] == [False, False, True, True]


def test_the_marks_speak_of_components_and_metrics_that_there_are():
    assert PAID_BY.keys() <= set(COMPONENTS.names())
    for starts in PAID_BY.values():
        for start in starts:
            assert any(name.startswith(start) for name in METRICS.names()), start


def test_a_component_that_applies_to_no_turn_has_no_value(sample):
    class Silent:
        name = "bleu"
        low = 0.0
        high = 1.0
        explanation = "nothing"

        def score(self, batch):
            return [None for _ in batch]

    composer = Composer({"bleu": 1.0}, {"bleu": Silent()})
    measured = measure([sample("a"), sample("b", conversation="2")], metric_names=["length"], composer=composer)
    assert measured.metrics["reward/bleu"].value is None
    assert measured.metrics["reward/bleu"].interval is None
    assert measured.per_sample["reward/bleu"] == (None, None)


def test_no_responses(sample):
    with pytest.raises(DataError) as error:
        measure([], composer=Composer({"bleu": 1.0}))
    problem = error.value.problems[0]
    assert problem.what == "there are no responses to measure"
    assert problem.fix == "evaluate a split that has recommender turns"


def test_an_unknown_metric_names_the_nearest(responses):
    with pytest.raises(UsageError) as error:
        measure(responses, metric_names=["bleu1"], composer=Composer({"bleu": 1.0}))
    problem = error.value.problems[0]
    assert problem.what == "unknown metric 'bleu1'"
    assert problem.fix == "did you mean 'bleu_1'?"


def test_is_mean():
    assert is_mean(0.5, [0.0, None, 1.0])
    assert not is_mean(0.4, [0.0, 1.0])
    assert not is_mean(None, [0.0])
    assert not is_mean(math.nan, [0.0])
    assert not is_mean(0.0, [None])
    assert not is_mean(0.0, [])
