"""The health watch of a run: whom it names, what it proposes, and what it takes up again."""

from __future__ import annotations

import math

import pytest
from tiny_models import Recorder

from ecr_engine.config.settings import Settings
from ecr_engine.errors import DivergedError
from ecr_engine.pipeline.watching import last_healthy, watch_of
from ecr_engine.runs.checkpoints import save_checkpoint
from ecr_engine.runs.events import EventLog
from ecr_engine.runs.folder import RunFolder

BACK = ": --resume 'runs/my demo:policy@step-0000{}' goes on from there"


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


@pytest.mark.parametrize(
    ("since", "text"),
    [
        (30, f"the last healthy checkpoint is 'runs/my demo:policy@step-000020'{BACK.format(20)}"),
        (21, f"the last healthy checkpoint is 'runs/my demo:policy@step-000010'{BACK.format(10)}"),
        (4, "no checkpoint of the policy is known to be healthy, the baseline is runs/my demo:baseline"),
    ],
)
def test_the_last_healthy_checkpoint(run, since, text):
    assert last_healthy(run)(since) == text


def test_a_damaged_checkpoint_is_not_healthy(run):
    (run.stage("policy") / "checkpoints" / "step-000020" / "manifest.json").unlink()
    assert last_healthy(run)(30) == f"the last healthy checkpoint is 'runs/my demo:policy@step-000010'{BACK.format(10)}"


def test_the_command_is_for_this_run_and_its_settings(run):
    watch = watch_of(run, Settings(ppo={"epochs": 2}), Recorder(), resume=False)
    with pytest.raises(DivergedError) as caught:
        watch(23, {"policy/loss": math.nan})
    problem = caught.value.problems[0]
    assert (problem.what, problem.at) == ("policy/loss is nan", "rl, update 23")
    assert problem.fix == (
        "ecrctl rl train --run 'runs/my demo' --resume auto --resume-anyway "
        "--ppo_clip_epsilon 0.1 --ppo_epochs 1 --rl_learning_rate 5e-6; "
        f"the last healthy checkpoint is 'runs/my demo:policy@step-000020'{BACK.format(20)}"
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
