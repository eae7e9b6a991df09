"""Jobs that take seconds: a handful of dialogues, a model of a few thousand weights, four updates."""

from __future__ import annotations

from ecr_engine.config.resolve import resolve
from ecr_engine.pipeline.job import Job
from ecr_engine.runs.events import read_events

SHAPE = (
    "backbone.vocabulary=500",
    "backbone.hidden_size=16",
    "backbone.layers=1",
    "backbone.heads=2",
    "backbone.intermediate_size=32",
    "critic.hidden_size=16",
    "critic.layers=1",
    "critic.heads=2",
    "critic.max_length=48",
    "prompt.context_max_length=64",
    "prompt.resp_max_length=12",
)
STEPS = (
    "data.sample_dialogues=40",
    "data.sample_movies=60",
    "baseline.max_steps=3",
    "judge.turns=24",
    "critic.epochs=1",
    "ppo.max_steps=4",
    "ppo.batch_size=8",
    "ppo.minibatch_size=4",
    "ppo.epochs=2",
    "ppo.critic_warmup_steps=1",
    "ppo.validate_every=2",
    "ppo.validation_turns=6",
    "checkpoints.every=1",
    "evaluation.limit=12",
    "compare.resamples=200",
)
STAGES = ("data", "baseline", "judge", "critic", "rl", "evaluate", "compare", "report")


def job(folder, *sets, source=None, smoke=None, limit=None, steps=STEPS, profiles=()):
    resolved = resolve(sets=(*SHAPE, *steps, *sets), profiles=profiles, environ={}, start=folder.parent)
    return Job(resolved, folder, source, ("ecrctl", "run"), smoke=smoke, limit=limit)


def events(folder, stage, kind=None):
    """Events of one stage, of all kinds or of one."""
    found = [event for event in read_events(folder / "events.jsonl") if event.stage == stage]
    return [event for event in found if kind in (None, event.kind)]


def actions(plans):
    """Stages that will run, or ran."""
    return tuple(plan.stage for plan in plans if plan.action == "run")
