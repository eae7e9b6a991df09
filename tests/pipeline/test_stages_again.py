"""Which stages a change makes run again, and which not."""

import shutil
import subprocess
import sys

import pytest
from small_jobs import STAGES, actions, job

from ecr_engine.config.settings import Settings
from ecr_engine.data.sample import write_sample
from ecr_engine.errors import DataError, ExitCode, UsageError
from ecr_engine.pipeline.job import plan, run_job
from ecr_engine.pipeline.stage import Stage, fingerprint


def test_a_new_run_does_everything(tmp_path):
    plans = plan(job(tmp_path / "new"))
    assert [(made.stage, made.action, made.why) for made in plans] == [(name, "run", "not done yet") for name in STAGES]
    assert not (tmp_path / "new").exists()


def test_a_finished_run_does_nothing(finished):
    plans = plan(job(finished))
    assert [(made.stage, made.action) for made in plans] == [(name, "skip") for name in STAGES]
    assert {made.why for made in plans} == {"done, nothing it reads has changed"}


@pytest.mark.parametrize(
    ("change", "first"),
    [
        ("seed=1", "data"),
        ("data.sample_dialogues=41", "data"),
        ("prompt.system=Be kind.", "baseline"),
        ("backbone.hidden_size=32", "baseline"),
        ("baseline.dropout=0.2", "baseline"),
        ("judge.turns=25", "judge"),
        ("critic.epochs=2", "critic"),
        ("ppo.clip_epsilon=0.1", "rl"),
        ("rewards.empathy=3.0", "rl"),
        ("evaluation.temperature=0.5", "rl"),
        ("evaluation.limit=5", "evaluate"),
        ("evaluation.split=valid", "evaluate"),
        ("compare.resamples=300", "evaluate"),
    ],
)
def test_a_change_redoes_its_stage_and_what_follows_and_nothing_before(finished, change, first):
    # No stage stands beside another: each one's result is read by the next ones.
    assert actions(plan(job(finished, change))) == STAGES[STAGES.index(first) :]


@pytest.mark.parametrize("change", ["device=cpu", "checkpoints.keep_last=5", "tracking.project=mine"])
def test_what_changes_no_result_redoes_nothing(finished, change):
    assert actions(plan(job(finished, change))) == ()


def test_a_limit_redoes_the_evaluation_only(finished):
    assert actions(plan(job(finished, limit=5))) == ("evaluate", "compare", "report")


def test_the_reason_is_told(finished):
    reasons = {made.stage: made.why for made in plan(job(finished, "rewards.empathy=3.0"))}
    assert reasons["critic"] == "done, nothing it reads has changed"
    assert reasons["rl"] == "its settings or what it reads have changed"


def test_a_lost_result_is_made_again(copied):
    (copied / "report.html").unlink()
    assert [(made.stage, made.why) for made in plan(job(copied)) if made.action == "run"] == [
        ("report", "report.html is missing")
    ]
    (copied / "evaluation" / "comparison.json").unlink()
    assert [(made.stage, made.why) for made in plan(job(copied)) if made.action == "run"] == [
        ("compare", "evaluation/comparison.json is missing"),
        ("report", "report.html is missing"),
    ]


def test_what_reads_a_lost_result_runs_again_too(copied):
    (copied / "scores" / "judgements.jsonl").unlink()
    reasons = {made.stage: made.why for made in plan(job(copied)) if made.action == "run"}
    assert reasons == {
        "judge": "scores/judgements.jsonl is missing",
        "critic": "judge runs again",
        "rl": "critic runs again",
        "evaluate": "rl runs again",
        "compare": "evaluate runs again",
        "report": "compare runs again",
    }


def test_a_plan_ends_where_it_is_told(finished):
    assert [made.stage for made in plan(job(finished), until="critic")] == ["data", "baseline", "judge", "critic"]


def test_other_raw_data_redoes_everything(tmp_path):
    source = tmp_path / "raw"
    write_sample(source, dialogues=10, movies=50, seed=0)
    run = job(tmp_path / "run", source=source)
    run_job(run, until="data")
    assert actions(plan(run, until="data")) == ()
    file = source / "train_data.jsonl"
    file.write_bytes(file.read_bytes() + b"\n")
    assert actions(plan(run, until="data")) == ("data",)
    assert actions(plan(job(tmp_path / "run"), until="data")) == ("data",)


def test_planning_loads_no_torch(tmp_path):
    code = (
        "import sys; from pathlib import Path\n"
        "from ecr_engine.config.resolve import resolve\n"
        "from ecr_engine.pipeline.job import Job, plan\n"
        "print(len(plan(Job(resolve(environ={}), Path('new'), None))), {'torch', 'transformers'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "8 set()\n"


def test_an_unknown_stage(tmp_path):
    for start in (plan, run_job):
        with pytest.raises(UsageError, match="unknown stage 'evalute'") as caught:
            start(job(tmp_path / "new"), until="evalute")
        assert caught.value.problems[0].fix == "did you mean 'evaluate'?"
    assert not (tmp_path / "new").exists()


def test_a_missing_source_leaves_nothing_behind(tmp_path):
    with pytest.raises(DataError, match="the data source does not exist") as caught:
        run_job(job(tmp_path / "new", source=tmp_path / "nowhere"))
    assert caught.value.exit_code is ExitCode.DATA
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("start", [plan, run_job])
def test_a_backbone_that_is_no_llama_leaves_nothing_behind(tmp_path, start):
    with pytest.raises(UsageError, match="'dialogpt-large' can't be the backbone: it is DialoGPT, a GPT-2"):
        start(job(tmp_path / "new", "backbone.name=dialogpt-large"))
    assert not (tmp_path / "new").exists()


def mark(sections=("seed", "ppo.epochs"), version=1, needs=()):
    return Stage("rl", needs, sections, ("policy",), version, lambda context: None)


def test_a_fingerprint_holds_what_decides_a_result():
    settings = Settings()
    wanted = fingerprint(mark(), settings, {}, "raw")
    assert wanted == fingerprint(mark(), Settings(), {}, "raw")
    changed = Settings(ppo={"epochs": 2})
    assert fingerprint(mark(), changed, {}, "raw") != wanted
    # A dotted name is one key: its neighbours do not count.
    assert fingerprint(mark(), Settings(ppo={"gamma": 0.9}), {}, "raw") == wanted
    assert fingerprint(mark(version=2), settings, {}, "raw") != wanted
    assert fingerprint(mark(), settings, {}, "other") != wanted
    reading = mark(needs=("data",))
    assert fingerprint(reading, settings, {"data": "a"}, "raw") != fingerprint(reading, settings, {"data": "b"}, "raw")
    # What reads another stage knows the raw data through that stage alone.
    assert fingerprint(reading, settings, {"data": "a"}, "raw") == fingerprint(reading, settings, {"data": "a"}, "x")


def test_a_damaged_result_is_made_again(finished, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(finished, folder, symlinks=True)
    (folder / "baseline" / "best" / "config.json").unlink()
    why = {made.stage: made.why for made in plan(job(folder))}
    assert why["data"] == "done, nothing it reads has changed"
    assert why["baseline"].startswith("baseline/step-0")
    assert why["baseline"].endswith("is damaged: the file 'config.json' is missing")
    assert why["judge"] == "baseline runs again"


def test_a_missing_split_is_made_again(finished, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(finished, folder, symlinks=True)
    (folder / "data" / "test.jsonl").unlink()
    assert plan(job(folder))[0].why == "data/test.jsonl is missing"


def test_a_baseline_without_its_manifest_can_be_made_again(finished, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(finished, folder, symlinks=True)
    (folder / "baseline" / "best" / "manifest.json").write_text("{")
    assert plan(job(folder))[1].why.endswith(
        "is damaged: the checkpoint manifest is not valid JSON: Expecting property name enclosed in double quotes"
    )
    assert actions(run_job(job(folder), until="baseline").outcomes) == ("baseline",)
