"""The health watch of a run's PPO stage."""

from __future__ import annotations

import shlex

from ecr_engine.config.settings import Settings
from ecr_engine.rl.health.remedies import Remedies
from ecr_engine.rl.health.watch import HealthWatch, LastHealthy, healthy_before
from ecr_engine.runs.checkpoints import checkpoint_name, list_checkpoints
from ecr_engine.runs.events import Emit, read_events
from ecr_engine.runs.folder import RunFolder

STAGE = "policy"


def watch_of(folder: RunFolder, settings: Settings, emit: Emit, *, resume: bool) -> HealthWatch:
    """The watch of a run.

    Args:
        folder: the run's folder.
        settings: the run's settings.
        emit: how warnings are told.
        resume: whether training goes on after the events that the run has.
    """
    command = f"ecrctl rl train --run {shlex.quote(str(folder.root))} --resume auto --resume-anyway"
    remedies = Remedies(command, settings.ppo, settings.rewards, settings.prompt.resp_max_length)
    watch = HealthWatch(settings.health, remedies, emit, last_healthy=last_healthy(folder))
    if resume:
        watch.recall(read_events(folder.events))
    return watch


def last_healthy(folder: RunFolder) -> LastHealthy:
    """How a run's last healthy checkpoint is named: by its address, or the baseline's where there is none yet."""

    def name(since: int) -> str:
        steps = [info.step for info in list_checkpoints(folder.stage(STAGE)) if info.damaged is None]
        found = healthy_before(steps, since)
        if found is None:
            return f"no checkpoint of the policy is known to be healthy, the baseline is {folder.root}:baseline"
        # `auto` goes on from the newest, which may have been saved when all was lost already.
        address = shlex.quote(f"{folder.root}:{STAGE}@{checkpoint_name(found)}")
        return f"the last healthy checkpoint is {address}: --resume {address} goes on from there"

    return name
