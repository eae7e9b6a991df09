"""A run with a curriculum and a watch over it: its events, its end, and its taking up."""

from __future__ import annotations

import shlex

import pytest
from small_jobs import events, job

from ecr_engine.errors import DivergedError, ExitCode
from ecr_engine.pipeline.job import run_job
from ecr_engine.runs.checkpoints import list_checkpoints
from ecr_engine.runs.folder import RunFolder
from ecrctl.__main__ import invoke

RAMPS = ("curriculum.empathy.start=0.0", "curriculum.length.start=0.0", "curriculum.length.end=2.0")


def weights(folder, name):
    return [event.values[f"rewards/{name}/weight"] for event in events(folder, "rl", "step")]


def test_weights_move_while_validations_keep_their_measure(tmp_path):
    run_job(job(tmp_path / "run", *RAMPS, "curriculum.order=baseline_loss"), until="rl")
    # Four updates: progress 0, 1/4, 2/4 and 3/4 of the way from 0 to 2.
    assert weights(tmp_path / "run", "empathy") == [0.0, 0.5, 1.0, 1.5]
    assert weights(tmp_path / "run", "length") == [0.0, 0.5, 1.0, 1.5]
    for event in events(tmp_path / "run", "rl", "validation"):
        assert "eval/empathy" in event.values
        assert "eval/length" not in event.values


def test_a_warning_that_stops_ends_with_code_6_and_the_other_choice_goes_on(tmp_path):
    folder = tmp_path / "run"
    # A baseline of three steps never comes to an end of what it says.
    with pytest.raises(DivergedError) as caught:
        run_job(job(folder, "health.on_warning=stop"), until="rl")
    problem = caught.value.problems[0]
    assert caught.value.exit_code is ExitCode.DIVERGED
    assert problem.what.startswith("stopped by the warning lengths_at_limit: ")
    assert problem.at == (
        f"rl, update 3; no checkpoint of the policy is known to be healthy, the baseline is {folder}:baseline"
    )
    # The checkpoint of update 2 is as unhealthy as what followed, so the command does not go on from it.
    assert problem.fix == (
        f"ecrctl rl train --run {folder}-2 --config {folder}/config.resolved.toml --set prompt.resp_max_length=24"
    )
    result = run_job(job(folder, "health.on_warning=continue"), until="rl")
    assert [outcome.stage for outcome in result.outcomes if outcome.action == "run"] == ["rl"]
    assert any("taken up at update 2" in str(event.values) for event in events(folder, "rl", "note"))
    named = [event for event in events(folder, "rl", "warning") if event.values.get("name") == "lengths_at_limit"]
    assert [event.step for event in named] == [3]
    assert len(events(folder, "rl", "step")) == 4


WILD = ("ppo.kl_coefficient=0.0", "ppo.learning_rate=1.0", "health.clipped_ratio_high=1.0")
"""With these the KL explodes in the first update after a step of the policy."""


@pytest.mark.parametrize(
    ("warmup", "at", "ground", "taken_up"),
    [
        # The policy's first step is that of update 2: update 3 measures what came of it, and checkpoint 2 has it.
        (1, 3, "--run '{run}' --resume '{run}:policy@step-000001' --resume-anyway", True),
        (0, 2, "--run '{run}-2' --config '{run}/config.resolved.toml'", False),
    ],
    ids=["a healthy checkpoint", "none is healthy"],
)
def test_the_command_at_divergence_can_be_typed_and_mends_it(tmp_path, monkeypatch, warmup, at, ground, taken_up):
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "my run"
    with pytest.raises(DivergedError) as caught:
        run_job(job(run, *WILD, f"ppo.critic_warmup_steps={warmup}"), until="rl")
    problem = caught.value.problems[0]
    assert problem.what.startswith("the KL to the reference exploded to ")
    assert problem.at.startswith(f"rl, update {at}; ")
    flags = "--ppo_clip_epsilon 0.1 --ppo_epochs 1 --rl_learning_rate 5e-6"
    assert problem.fix == f"ecrctl rl train {ground.format(run=run)} {flags}"
    assert invoke(shlex.split(problem.fix)[1:]) == ExitCode.DONE
    healed = run if taken_up else tmp_path / "my run-2"
    assert [info.step for info in list_checkpoints(RunFolder(healed).stage("policy"))][-1] == 4
    taken = [event for event in events(healed, "rl", "note") if "taken up at update 1" in str(event.values)]
    assert len(taken) == taken_up
    assert [event.step for event in events(healed, "rl", "step")] == [1, 2, 3, 4]


def test_weights_that_are_lost_in_the_last_step_of_an_update_are_not_saved(tmp_path, monkeypatch):
    from ecr_engine.rl.ppo import PPOUpdate

    step = PPOUpdate._apply

    def overflowing(self, *, train_policy):
        norms = step(self, train_policy=train_policy)
        if train_policy:
            next(iter(self.policy.parameters())).data.fill_(float("inf"))
        return norms

    monkeypatch.setattr(PPOUpdate, "_apply", overflowing)
    run = tmp_path / "run"
    # One minibatch and one epoch: nothing is measured between the step and the checkpoint.
    with pytest.raises(DivergedError) as caught:
        run_job(job(run, "ppo.epochs=1", "ppo.minibatch_size=8", "ppo.validate_every=50"), until="rl")
    problem = caught.value.problems[0]
    assert problem.what.startswith("nothing is saved of step 2: the tensor ")
    assert problem.at == f"rl, update 2; the last healthy checkpoint is {run}:policy@step-000001"
    assert problem.fix == (
        f"ecrctl rl train --run {run} --resume {run}:policy@step-000001 --resume-anyway "
        "--ppo_clip_epsilon 0.1 --ppo_epochs 1 --rl_learning_rate 5e-6"
    )
