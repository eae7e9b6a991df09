"""The main job from end to end, on a model of a few thousand weights."""

import json
import shutil

import pytest
from small_jobs import SHAPE, STAGES, STEPS, actions, events, job
from tiny_models import same_weights, tiny_backbone
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

from ecr_engine.config.resolve import resolve
from ecr_engine.config.sections.data import PromptSettings
from ecr_engine.errors import EcrError, UsageError
from ecr_engine.pipeline.job import Job, run_job
from ecr_engine.pipeline.stages.baseline import check_window
from ecr_engine.runs.checkpoints import best, latest, list_checkpoints
from ecr_engine.runs.events import read_events
from ecr_engine.runs.folder import RunFolder
from ecr_engine.runs.manifest import verify


def test_every_stage_ran_once_and_in_order(finished):
    started = [event.stage for event in read_events(finished / "events.jsonl") if event.kind == "stage_started"]
    ended = [event.stage for event in read_events(finished / "events.jsonl") if event.kind == "stage_finished"]
    assert tuple(started) == tuple(ended) == STAGES
    record = RunFolder(finished).read_record()
    assert (record.status, record.exit_code, record.command, record.seed) == ("done", 0, ("ecrctl", "run"), 0)
    assert {name: stage.status for name, stage in record.stages.items()} == dict.fromkeys(STAGES, "done")


def test_the_folder_holds_what_the_contract_names(finished):
    wanted = (
        "run.json config.resolved.toml config.origin.json events.jsonl report.html README.md plots "
        "data/train.jsonl data/valid.jsonl data/test.jsonl data/summary.json scores/judgements.jsonl "
        "baseline/best baseline/latest critic/best policy/latest evaluation/comparison.json "
        "evaluation/baseline/results.json evaluation/baseline/samples.jsonl "
        "evaluation/policy/results.json evaluation/policy/samples.jsonl"
    )
    assert [name for name in wanted.split() if not (finished / name).exists()] == []
    assert not [path for path in finished.rglob("*") if path.suffix in (".bin", ".pt", ".pth", ".pkl")]


def test_the_settings_can_be_read_back(finished):
    again = resolve(config=finished / "config.resolved.toml", environ={}, start=finished.parent)
    assert again.settings == job(finished).resolved.settings
    origins = json.loads((finished / "config.origin.json").read_text())
    assert origins["ppo.max_steps"] == {"layer": "--set", "where": "--set ppo.max_steps=4"}


def test_checkpoints_are_whole_and_load_with_plain_transformers(finished):
    for stage in ("baseline", "critic", "policy"):
        assert all(verify(info.path) == [] for info in list_checkpoints(finished / stage))
    baseline = AutoModelForCausalLM.from_pretrained(best(finished / "baseline"))
    policy = AutoModelForCausalLM.from_pretrained(latest(finished / "policy"))
    assert type(policy) is LlamaForCausalLM
    assert baseline.config.hidden_size == 16
    assert not same_weights(baseline, policy)
    tokenizer = AutoTokenizer.from_pretrained(latest(finished / "policy"))
    assert tokenizer.tokenize("<movie>") == ["<movie>"]


def test_ppo_told_its_steps(finished):
    steps = events(finished, "rl", "step")
    assert [event.step for event in steps] == [1, 2, 3, 4]
    assert steps[0].values["objective/kl"] == pytest.approx(0.0, abs=1e-3)
    # Update 1 warms up the critic; the policy changes from update 2 on.
    assert [event.values["train/grad_norm"] == 0 for event in steps] == [True, False, False, False]
    assert [event.values["policy/first_ratio"] for event in steps] == pytest.approx([1.0] * 4, abs=1e-4)
    for event in steps:
        weights = {"bleu", "distinct", "empathy", "recommendation", "format", "relevance"}
        told = {key.split("/")[1] for key in event.values if key.startswith("rewards/")}
        assert told <= weights
        assert {"empathy", "format"} <= told
    assert [event.step for event in events(finished, "rl", "validation")] == [0, 2, 4]


def test_both_systems_answered_the_same_turns(finished):
    results = [
        json.loads((finished / "evaluation" / name / "results.json").read_text()) for name in ("baseline", "policy")
    ]
    for key in ("split", "split_fingerprint", "prompt_fingerprint", "turns", "decoding", "seed"):
        assert results[0][key] == results[1][key]
    assert results[0]["turns"] == 12
    assert results[0]["checkpoint"] == "baseline/checkpoints/step-000003"
    assert results[1]["checkpoint"].startswith("policy/checkpoints/step-00000")
    turns = [
        [json.loads(line)["example_id"] for line in (finished / "evaluation" / name / "samples.jsonl").open()]
        for name in ("baseline", "policy")
    ]
    assert turns[0] == turns[1]


def test_the_comparison_is_the_difference_of_the_two(finished):
    comparison = run_job(job(finished)).comparison
    rows = [
        [json.loads(line)["metrics"]["reward"] for line in (finished / "evaluation" / name / "samples.jsonl").open()]
        for name in ("baseline", "policy")
    ]
    found = comparison.metrics["reward"]
    assert found.a == pytest.approx(sum(rows[0]) / 12)
    assert found.difference == pytest.approx((sum(rows[1]) - sum(rows[0])) / 12)


def test_the_same_job_again_skips_everything(copied):
    before = {path: path.stat().st_mtime_ns for path in copied.rglob("*.safetensors")}
    result = run_job(job(copied))
    assert [(outcome.stage, outcome.action) for outcome in result.outcomes] == [(name, "skip") for name in STAGES]
    assert result.comparison is not None
    assert {path: path.stat().st_mtime_ns for path in copied.rglob("*.safetensors")} == before
    assert RunFolder(copied).read_record().status == "done"


def test_another_reward_weight_redoes_rl_and_what_follows(copied):
    baseline, critic = best(copied / "baseline").stat().st_mtime_ns, best(copied / "critic").stat().st_mtime_ns
    before = AutoModelForCausalLM.from_pretrained(latest(copied / "policy"))
    result = run_job(job(copied, "rewards.empathy=30.0"))
    assert actions(result.outcomes) == ("rl", "evaluate", "compare", "report")
    assert best(copied / "baseline").stat().st_mtime_ns == baseline
    assert best(copied / "critic").stat().st_mtime_ns == critic
    assert not same_weights(before, AutoModelForCausalLM.from_pretrained(latest(copied / "policy")))
    # The former attempt's curve is gone: no step is there twice.
    assert [event.step for event in events(copied, "rl", "step")] == [1, 2, 3, 4]
    assert len(events(copied, "critic", "stage_started")) == 1


def test_a_smoke_run_in_a_relative_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = Job(
        resolve(sets=SHAPE, environ={}, start=tmp_path), (tmp_path / "smoke").relative_to(tmp_path), None, smoke=2
    )
    result = run_job(run)
    assert actions(result.outcomes) == STAGES
    folder = tmp_path / "smoke"
    assert [event.step for event in events(folder, "baseline", "step")] == [1, 2]
    assert [event.step for event in events(folder, "rl", "step")] == [1, 2]
    assert result.comparison.turns <= 24
    assert actions(run_job(run).outcomes) == ()


def test_smoke_and_limit_become_settings_with_an_origin(tmp_path):
    settled = job(tmp_path / "run", steps=(), smoke=3, limit=7).settled()
    settings, origins = settled.resolved.settings, settled.resolved.origins
    assert (settled.smoke, settled.limit) == (None, None)
    assert (settings.baseline.max_steps, settings.ppo.max_steps, settings.evaluation.limit) == (3, 3, 7)
    assert settings.backbone.hidden_size == 16
    assert (origins["ppo.max_steps"].layer, origins["ppo.max_steps"].where) == ("flag", "--smoke 3")
    assert origins["evaluation.limit"].where == "--limit 7"
    assert settled.settled() == settled


def test_smoke_leaves_what_was_typed(tmp_path):
    settled = job(tmp_path / "run", "ppo.max_steps=9", steps=(), smoke=3).settled()
    assert (settled.resolved.settings.ppo.max_steps, settled.resolved.settings.baseline.max_steps) == (9, 3)
    assert settled.resolved.origins["ppo.max_steps"].layer == "--set"


def test_a_job_can_end_early_and_go_on_later(tmp_path):
    folder = tmp_path / "run"
    first = run_job(job(folder), until="baseline")
    assert actions(first.outcomes) == ("data", "baseline")
    assert first.comparison is None
    second = run_job(job(folder), until="critic")
    assert [(outcome.stage, outcome.action) for outcome in second.outcomes] == [
        ("data", "skip"),
        ("baseline", "skip"),
        ("judge", "run"),
        ("critic", "run"),
    ]


def test_a_local_llama_folder_is_a_backbone(finished, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(best(finished / "baseline"), tmp_path / "llama")
    steps = [text for text in STEPS if not text.startswith("baseline.max_steps")]
    made = job(folder, f"backbone.name={tmp_path / 'llama'}", "baseline.max_steps=1", steps=steps)
    run_job(made, until="baseline")
    start = AutoModelForCausalLM.from_pretrained(tmp_path / "llama")
    tuned = AutoModelForCausalLM.from_pretrained(best(folder / "baseline"))
    assert not same_weights(start, tuned)
    difference = sum(
        float((a - b).detach().abs().sum()) for a, b in zip(start.parameters(), tuned.parameters(), strict=True)
    )
    size = sum(float(weight.detach().abs().sum()) for weight in start.parameters())
    # One step away from where it began: it was not drawn anew.
    assert 0 < difference < 0.2 * size


def test_limits_beyond_the_window_of_the_model():
    with pytest.raises(UsageError) as caught:
        check_window(tiny_backbone(), PromptSettings(context_max_length=200, resp_max_length=60))
    problem = caught.value.problems[0]
    assert problem.what == "a prompt of 200 and a response of 60 tokens exceed the model's window of 256"
    assert (problem.at, problem.fix) == ("prompt.context_max_length", "--set prompt.context_max_length=196")
    check_window(tiny_backbone(), PromptSettings(context_max_length=196, resp_max_length=60))


def test_a_stage_that_fails_is_recorded_and_can_be_mended(tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(EcrError, match="the system message alone takes") as caught:
        run_job(job(folder, "prompt.context_max_length=16"), until="baseline")
    assert caught.value.problems[0].at == "prompt.context_max_length"
    record = RunFolder(folder).read_record()
    assert (record.status, record.exit_code) == ("failed", 1)
    assert {name: stage.status for name, stage in record.stages.items()} == {"data": "done", "baseline": "failed"}
    assert record.finished is not None
    assert list_checkpoints(folder / "baseline") == []
    assert RunFolder(folder).lock_holder() is None
    mended = run_job(job(folder), until="baseline")
    assert [(outcome.stage, outcome.action) for outcome in mended.outcomes] == [("data", "skip"), ("baseline", "run")]
    assert RunFolder(folder).read_record().status == "done"


def test_an_unforeseen_failure_is_recorded_too(tmp_path):
    def listen(event):
        if event.kind == "note":
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_job(job(tmp_path / "run"), until="data", listeners=[listen])
    record = RunFolder(tmp_path / "run").read_record()
    assert (record.status, record.exit_code, record.stages["data"].status) == ("failed", 1, "failed")
