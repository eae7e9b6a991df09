"""A seed of PPO alone: another training on the same baseline."""

from __future__ import annotations

from small_jobs import events, job

from ecr_engine.pipeline.job import run_job


def rewards(folder):
    """Of the last training of the policy."""
    return [event.values["objective/reward"] for event in events(folder, "rl", "step")][-4:]


def started(folder, stage):
    """With the time at which it was."""
    return events(folder, stage, "stage_started")


def test_a_seed_of_ppo_alone_leaves_the_baseline_and_draws_other_rollouts(copied, finished):
    run_job(job(copied, "ppo.seed=1"), until="rl")
    assert started(copied, "baseline") == started(finished, "baseline")
    assert rewards(copied) != rewards(finished)


def test_the_seed_of_the_run_said_for_ppo_gives_the_same_training(copied, finished):
    run_job(job(copied, "ppo.seed=0"), until="rl")
    assert started(copied, "rl") != started(finished, "rl")
    assert rewards(copied) == rewards(finished)
