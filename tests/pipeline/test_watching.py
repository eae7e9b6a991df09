"""The health watch of a run: whom it names, what it proposes, and what it takes up again."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest
from tiny_models import Recorder

from ecr_engine.config.settings import Settings
from ecr_engine.errors import DivergedError
from ecr_engine.pipeline.watching import last_healthy, watch_of
from ecr_engine.rl.health.watch import Ground
from ecr_engine.runs.checkpoints import save_checkpoint
from ecr_engine.runs.events import EventLog
from ecr_engine.runs.folder import RunFolder


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = RunFolder(tmp_path.joinpath("runs", "my demo").relative_to(tmp_path))
    folder.create()
    for step in (10, 20):
        save_checkpoint(
            folder.stage("policy"),
            step,
            lambda path: (path / "weights.txt").write_text("1"),
            metrics={},
            best=False,
            keep_last=5,
        )
    return folder


def healthy(step):
    """What is left where the checkpoint of this update is the last healthy one."""
    address = f"'runs/my demo:policy@step-0000{step}'"
    return Ground(
        f"the last healthy checkpoint is {address}",
        f"ecrctl rl train --run 'runs/my demo' --resume {address} --resume-anyway",
    )


@pytest.mark.parametrize(("since", "step"), [(30, 20), (22, 20), (21, 10)])
def test_a_training_goes_on_from_its_last_healthy_checkpoint(run, since, step):
    assert last_healthy(run)(since) == healthy(step)


def test_a_damaged_checkpoint_is_not_healthy(run):
    (run.stage("policy") / "checkpoints" / "step-000020" / "manifest.json").unlink()
    assert last_healthy(run)(30) == healthy(10)


LOST = "no checkpoint of the policy is known to be healthy, the baseline is 'runs/my demo:baseline'"


def test_where_every_checkpoint_is_lost_it_begins_again_in_another_folder(run, tmp_path):
    other = "--config 'runs/my demo/config.resolved.toml'"
    assert last_healthy(run)(4) == Ground(LOST, f"ecrctl rl train --run 'runs/my demo-2' {other}")
    (tmp_path / "runs" / "my demo-2").mkdir()
    found = last_healthy(run, Path("my films"))(4)
    assert found == Ground(LOST, f"ecrctl rl train --run 'runs/my demo-3' {other} --data 'my films'")


def test_where_there_is_no_checkpoint_at_all_it_begins_again(run):
    shutil.rmtree(run.stage("policy"))
    assert last_healthy(run)(4) == Ground(LOST, "ecrctl rl train --run 'runs/my demo' --resume auto --resume-anyway")


def test_the_command_is_for_this_run_and_its_settings(run):
    recorder = Recorder()
    watch = watch_of(run, Settings(ppo={"epochs": 2}), recorder, resume=False)
    with pytest.raises(DivergedError) as caught:
        watch(23, {"policy/loss": math.nan})
    problem = caught.value.problems[0]
    flags = "--ppo_clip_epsilon 0.1 --ppo_epochs 1 --rl_learning_rate 5e-6"
    assert (problem.what, problem.at) == ("policy/loss is nan", f"rl, update 23; {healthy(20).named}")
    assert problem.fix == f"{healthy(20).command} {flags}"
    ((_, warned),) = recorder.of("warning")
    assert warned["fix"] == problem.fix


def test_while_a_training_goes_on_its_newest_checkpoint_is_where_to_go_on_from(run):
    recorder = Recorder()
    watch = watch_of(run, Settings(health={"skipped_updates": 9}), recorder, resume=False)
    for step in (23, 24, 25):
        watch(step, {"policy/approx_kl": 0.2})
    ((_, warned),) = recorder.of("warning")
    assert warned["fix"] == (
        "ecrctl rl train --run 'runs/my demo' --resume auto --resume-anyway "
        "--ppo_clip_epsilon 0.1 --ppo_epochs 2 --rl_learning_rate 5e-6"
    )


@pytest.mark.parametrize(("resume", "given"), [(True, []), (False, [5])])
def test_a_resumed_training_does_not_warn_twice(run, resume, given):
    settings = Settings(health={"cool_down": 50})
    log = EventLog(run.events)
    far = {"objective/kl": 20.0, "completions/mean_length": 10.0}
    for step in (1, 2, 3, 4):
        log.emit("rl", "step", step, **far)
    recorder = Recorder()
    watch = watch_of(run, settings, recorder, resume=resume)
    for step in (3, 4, 5) if not resume else (5, 6, 7):
        watch(step, far)
    assert [step for step, _ in recorder.of("warning")] == given
