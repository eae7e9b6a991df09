"""Saved responses are measured again without the model, and judged."""

from __future__ import annotations

import json

import pytest

from ecr_engine.config.sections.evaluation import CompareSettings
from ecr_engine.errors import DataError
from ecr_engine.evaluation.judging import judge_evaluation, spread
from ecr_engine.evaluation.rescore import rescore
from ecr_engine.evaluation.store import SCHEMA, EvaluationResult, read_evaluation, write_evaluation
from ecr_engine.rewards.composition import Composer
from ecr_engine.rewards.resources import Resources
from ecr_engine.scoring.dimensions import dimension_set
from ecr_engine.scoring.judge import Judgement, find_judge

STATISTICS = CompareSettings(resamples=200)


@pytest.fixture
def answers(tmp_path, sample):
    """A folder of responses without metrics."""
    texts = ["you should see <movie> !", "I'm sorry to hear that.", "", "see <movie> or <movie>"]
    samples = [sample(text, conversation=str(place)) for place, text in enumerate(texts)]
    result = EvaluationResult(SCHEMA, "policy", "step-1", "test", "s", "p", 4, {"sample": True}, 3, {}, 1.5)
    write_evaluation(tmp_path / "answers", result, samples, {})
    return tmp_path / "answers"


def again(folder, names, *, output=None, composer=None):
    return rescore(folder, output or folder, STATISTICS, metric_names=names, composer=composer, resources=Resources())


def test_saved_responses_get_metrics(answers):
    composer = Composer({"bleu": 1.0})
    result = again(answers, ["item_ratio", "dist_1"], composer=composer)
    assert list(result.metrics) == ["reward", "reward/bleu", "item_ratio", "dist@1"]
    assert result.metrics["item_ratio"].value == 1.0  # three slots in three responses that say something
    read, rows = read_evaluation(answers)
    assert read == result
    assert [row.metrics["item_ratio"] for row in rows] == [1, 0, None, 2]
    assert read.seconds == 1.5 and read.decoding == {"sample": True}


def test_one_metric_is_added_to_the_others_and_another_place_leaves_the_first_alone(answers, tmp_path):
    first = again(answers, ["item_ratio"], composer=Composer({"bleu": 1.0}))
    added = again(answers, ["length"], output=tmp_path / "more")
    assert list(added.metrics) == ["reward", "reward/bleu", "item_ratio", "length"]
    assert added.metrics["reward"] == first.metrics["reward"]
    assert read_evaluation(answers)[0] == first
    assert read_evaluation(tmp_path / "more")[1][3].metrics["length"] == 4.0  # see <movie> or <movie>


def test_what_the_reward_pays_for_stays_marked(answers):
    again(answers, ["length"], composer=Composer({"bleu": 1.0}))
    metrics = again(answers, ["bleu_1", "rouge_l"]).metrics
    assert (metrics["bleu@1"].in_reward, metrics["rouge_l"].in_reward) == (True, False)


def test_a_torn_line_says_where_it_is_and_nothing_is_written(answers):
    path = answers / "samples.jsonl"
    content = path.read_bytes()
    path.write_bytes(content[: len(content) - 20])
    with pytest.raises(DataError) as caught:
        again(answers, ["length"])
    [problem] = caught.value.problems
    assert problem.what.startswith("a torn line, not JSON: ")
    assert problem.at == f"{path}:4"
    assert problem.fix == "evaluate again: ecrctl eval run RUN"
    assert json.loads((answers / "results.json").read_text())["metrics"] == {}


class TableJudge:
    """Gives every dimension what the table says of the response; None: a failure."""

    name = "table"
    explanation = "a table"
    fingerprint = "table-1"
    dimensions = dimension_set("paper")

    def __init__(self, scores):
        self._scores = scores
        self.seen = []

    def judge(self, rows):
        for row in rows:
            self.seen.append(row.response)
            score = self._scores[row.response]
            scores = {} if score is None else dict.fromkeys(self.dimensions.names, score)
            yield Judgement(row.example.example_id, scores, {}, "no rating" if score is None else None)


SCORES = {"you should see <movie> !": 4.0, "I'm sorry to hear that.": 8.0, "": None, "see <movie> or <movie>": 6.0}


def test_a_judges_scores_become_metrics_and_a_failure_is_no_zero(answers):
    again(answers, ["length"])
    judged = judge_evaluation(answers, answers, TableJudge(SCORES), STATISTICS)
    metrics = judged.result.metrics
    assert list(metrics) == ["length", *(f"judge/{name}" for name in [*TableJudge.dimensions.names, "overall"])]
    assert metrics["judge/lifelikeness"].value == 6.0  # (4 + 8 + 6) / 3
    assert (metrics["judge/lifelikeness"].low, metrics["judge/overall"].high) == (0.0, 9.0)
    assert metrics["judge/overall"].value == 6.0
    assert (judged.turns, judged.failures) == (4, {"2:1": "no rating"})
    result, rows = read_evaluation(answers)
    assert dict(result.judge) == {
        "name": "table",
        "fingerprint": "table-1",
        "dimensions": "paper",
        "turns": 3,
        "failed": 1,
    }
    assert [row.metrics["judge/lifelikeness"] for row in rows] == [4.0, 8.0, None, 6.0]


def test_a_judges_scores_outlast_measuring_again(answers):
    judge_evaluation(answers, answers, TableJudge(SCORES), STATISTICS)
    result = again(answers, ["length"], composer=Composer({"bleu": 1.0}))
    assert list(result.metrics)[:3] == ["reward", "reward/bleu", "length"]
    assert result.metrics["judge/informativeness"].value == 6.0


def test_a_limit_judges_the_same_turns_each_time(answers):
    judge = TableJudge(SCORES)
    judged = judge_evaluation(answers, answers, judge, STATISTICS, limit=2)
    assert judge.seen == ["you should see <movie> !", ""]
    assert judged.result.metrics["judge/overall"].value == 4.0
    assert spread(10, 4) == [0, 2, 5, 7]
    assert spread(3, 9) == [0, 1, 2]


def test_a_judge_that_can_score_nothing(answers):
    before = (answers / "results.json").read_text()
    with pytest.raises(DataError) as caught:
        judge_evaluation(answers, answers, TableJudge(dict.fromkeys(SCORES)), STATISTICS)
    [problem] = caught.value.problems
    assert problem.what == "the judge 'table' could score none of the responses: no rating"
    assert problem.at == str(answers)
    assert problem.fix == (
        "name another judge with --judge, or see the judge's settings: ecrctl profile show --resolved"
    )
    assert (answers / "results.json").read_text() == before


def test_the_rubric_judges_an_evaluation(answers):
    metrics = judge_evaluation(answers, answers, find_judge("rubric"), STATISTICS).result.metrics
    means = [metrics[f"judge/{name}"].value for name in ("empathy", "informativeness", "recommendation", "engagement")]
    assert metrics["judge/overall"].value == pytest.approx(sum(means) / 4)
