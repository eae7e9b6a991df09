"""The critic of a run: its report, one that is taken over, and the mark of what trains the policy."""

import json

import pytest
from small_jobs import events, job
from tiny_models import same_weights, tiny_critic

from ecr_engine.data.schema import EMOTIONS
from ecr_engine.errors import UsageError
from ecr_engine.models.critic import load_critic
from ecr_engine.pipeline.job import run_job
from ecr_engine.runs.checkpoints import best, list_checkpoints
from ecr_engine.scoring.judge import DIMENSIONS


def marks(folder):
    return json.loads((folder / "policy" / "reward.json").read_text())


def test_the_critic_of_a_run_has_a_report(finished):
    report = json.loads((finished / "critic" / "report.json").read_text())
    assert (report["judges"], report["encoder"]) == (["rubric"], "small")
    # 24 turns, the baseline's answer and the human one.
    assert sum(report["rows"].values()) == 48
    heads = [head["head"] for head in report["heads"]]
    assert heads[:6] == ["overall", "before the response", *sorted(DIMENSIONS)]
    assert (finished / "critic" / "calibration.csv").read_text().startswith("head,n,predicted,judged")
    [told] = [event.values for event in events(finished, "critic", "validation") if "critic/mse" in event.values]
    assert told["critic/mse"] == report["heads"][0]["critic"]["mse"]["value"]
    critic = load_critic(best(finished / "critic"))
    assert (critic.origin.judges, critic.origin.encoder) == (("rubric",), "small")


def test_a_policy_that_no_judge_trained_is_marked_so(finished):
    names = sorted(["bleu", "distinct", "empathy", "recommendation", "format", "relevance"])
    wanted = {"components": names, "judges": [], "encoders": []}
    assert marks(finished) == wanted
    for name in ("baseline", "policy"):
        results = json.loads((finished / "evaluation" / name / "results.json").read_text())
        assert results["reward_sources"] == wanted
    compared = json.loads((finished / "evaluation" / "comparison.json").read_text())["metrics"]
    assert {key: compared[key]["held_out"] for key in ("reward", "bleu@1", "item_ratio", "rouge_l")} == {
        "reward": False,
        "bleu@1": False,
        "item_ratio": False,
        "rouge_l": True,
    }


def test_a_judge_that_trains_the_policy_is_written_down(copied):
    run_job(job(copied, "rewards.critic=1.0", "rewards.judge=0.5", "ppo.max_steps=1"), until="rl")
    found = marks(copied)
    assert {"critic", "judge"} <= set(found["components"])
    assert (found["judges"], found["encoders"]) == (["rubric"], ["small"])
    notes = [event.values["what"] for event in events(copied, "rl", "note")]
    assert "the judge 'rubric' trains the policy: what it says of the responses is marked as in the reward" in notes


def test_a_critic_can_be_taken_over(copied, finished, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    critic = tiny_critic(dimensions=DIMENSIONS, emotions=EMOTIONS)
    critic.save(other)
    run_job(job(copied, f"critic.trained={other}"), until="critic")
    assert same_weights(load_critic(best(copied / "critic")), critic)
    assert [info.step for info in list_checkpoints(copied / "critic")] == [0]
    assert any(event.values["what"].startswith("taken over from ") for event in events(copied, "critic", "note"))
    report = json.loads((copied / "critic" / "report.json").read_text())
    known = json.loads((finished / "critic" / "report.json").read_text())
    # The same rows; this critic's values are all 0, so its error is that of no critic at all.
    assert report["rows"] == known["rows"]
    assert report["heads"][0]["critic"]["spearman"]["value"] == 0.0


def test_a_critic_of_other_dimensions_cant_be_taken_over(copied, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    tiny_critic(dimensions=("empathy", "wit"), emotions=EMOTIONS).save(other)
    with pytest.raises(UsageError) as caught:
        run_job(job(copied, f"critic.trained={other}"), until="critic")
    assert caught.value.problems[0].what == (
        "the head 'wit' has no label: the judged dimensions are empathy, engagement, informativeness, recommendation"
    )
