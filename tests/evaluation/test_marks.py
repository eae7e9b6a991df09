"""What the reward pays for and what was held out: through judges, critics and encoders, in results and comparisons."""

import json
from dataclasses import replace

import pytest

from ecr_engine.config.sections.evaluation import CompareSettings
from ecr_engine.evaluation.compare import compare, comparison_from_json
from ecr_engine.evaluation.judging import judge_evaluation
from ecr_engine.evaluation.marks import held_out, marked
from ecr_engine.evaluation.measure import measure
from ecr_engine.evaluation.statistics import Interval
from ecr_engine.evaluation.store import read_evaluation, read_result, write_evaluation
from ecr_engine.evaluation.values import MetricValue
from ecr_engine.rewards.sources import RewardSources
from ecr_engine.scoring.judge import find_judge

RUBRIC = RewardSources(("critic",), ("rubric",), ("minilm-l6",))


def value(*, in_reward):
    return MetricValue(0.5, Interval(0.4, 0.6), True, 0.0, 1.0, in_reward, "What it says.")


def values(*keys):
    return {key: value(in_reward=False) for key in keys}


def test_a_judge_in_the_reward_marks_its_own_scores_only():
    found = values("judge/empathy", "judge/overall", "length")
    assert held_out(marked(found, RUBRIC, judge="rubric")) == ("length",)
    assert held_out(marked(found, RUBRIC, judge="mistral-7b-instruct")) == ("judge/empathy", "judge/overall", "length")
    assert held_out(marked(found, RewardSources(), judge="rubric")) == tuple(found)


def test_an_encoder_in_the_reward_marks_what_it_gives():
    found = values("similarity", "rouge_l")
    assert held_out(marked(found, RUBRIC, encoder="sentence-transformers/all-MiniLM-L6-v2")) == ("rouge_l",)
    assert held_out(marked(found, RUBRIC, encoder="roberta-base")) == ("similarity", "rouge_l")


def test_no_mark_is_taken_away():
    paid = {"bleu@1": value(in_reward=True)}
    assert held_out(marked(paid, RewardSources())) == ()


def test_components_of_the_training_pay_for_their_metrics(sample):
    """The evaluation may leave the composite reward out; what trained the policy stays what trained it."""
    found = measure([sample("see <movie> now")], metric_names=["bleu_1", "length"], components=["bleu"]).metrics
    assert held_out(found) == ("length",)


def trained(folder, sources):
    """The evaluation as that of a system that a reward trained."""
    result, rows = read_evaluation(folder)
    columns = {key: [row.metrics.get(key) for row in rows] for key in result.metrics if key in rows[0].metrics}
    write_evaluation(folder, replace(result, reward=sources.to_json()), [row.sample for row in rows], columns)
    return folder


@pytest.mark.parametrize(("sources", "paid"), [(RUBRIC, True), (RewardSources(("bleu",)), False)])
def test_the_judges_scores_of_a_policy_that_it_trained(evaluation, sources, paid):
    """A critic trained on the judge is enough: the policy has learned what that judge likes."""
    folder = trained(evaluation("policy", [0.1, 0.2, 0.3, 0.4]), sources)
    judge_evaluation(folder, folder, find_judge("rubric"), CompareSettings(resamples=100))
    metrics = read_result(folder).metrics
    assert {key: value.in_reward for key, value in metrics.items() if key.startswith("judge/")} == dict.fromkeys(
        (f"judge/{name}" for name in ("empathy", "informativeness", "recommendation", "engagement", "overall")), paid
    )
    raw = json.loads((folder / "results.json").read_text())
    assert raw["reward_sources"] == {key: list(names) for key, names in sources.to_json().items()}
    assert (raw["metrics"]["judge/empathy"]["held_out"], raw["metrics"]["reward"]["held_out"]) == (not paid, False)


def test_a_comparison_holds_out_what_neither_side_was_paid_for(evaluation):
    rewards = [0.1, 0.2, 0.3, 0.4]
    length = {"length": [3.0, 4.0, 5.0, 6.0], "judge/overall": [0.1, 0.2, 0.3, 0.4]}
    a, b = (evaluation(name, rewards, outside=length) for name in ("baseline", "policy"))
    result, rows = read_evaluation(b)
    metrics = {**result.metrics, "judge/overall": replace(result.metrics["judge/overall"], in_reward=True)}
    columns = {key: [row.metrics[key] for row in rows] for key in metrics}
    write_evaluation(b, replace(result, metrics=metrics), [row.sample for row in rows], columns)
    for first, second in ((a, b), (b, a)):
        found = compare(first, second, resamples=100, confidence=0.95, seed=0)
        assert {key: metric.held_out for key, metric in found.metrics.items()} == {
            "reward": False,
            "length": True,
            "judge/overall": False,
        }
        raw = found.to_json()
        assert {key: metric["held_out"] for key, metric in raw["metrics"].items()}["length"] is True
        assert comparison_from_json(raw) == found
