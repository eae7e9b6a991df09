"""The health watch of a run's PPO stage."""

from __future__ import annotations

import shlex
from itertools import count
from pathlib import Path

from ecr_engine.config.settings import Settings
from ecr_engine.rl.health.remedies import Remedies
from ecr_engine.rl.health.watch import Ground, HealthWatch, LastHealthy, healthy_before
from ecr_engine.runs.checkpoints import list_checkpoints
from ecr_engine.runs.events import Emit, read_events
from ecr_engine.runs.folder import RunFolder
from ecr_engine.runs.links import checkpoint_name

STAGE = "policy"
TRAIN = "ecrctl rl train --run"


def watch_of(
    folder: RunFolder, settings: Settings, emit: Emit, *, resume: bool, data: Path | None = None
) -> HealthWatch:
    """The watch of a run.

    Args:
        folder: the run's folder.
        settings: the run's settings.
        emit: how warnings are told.
        resume: whether training goes on after the events that the run has.
        data: the raw dialogues that the run is made from; None for the sample corpus.
    """
    remedies = Remedies(_going_on(folder), settings.ppo, settings.rewards, settings.prompt.resp_max_length)
    watch = HealthWatch(settings.health, remedies, emit, last_healthy=last_healthy(folder, data))
    if resume:
        watch.recall(read_events(folder.events))
    return watch


def last_healthy(folder: RunFolder, data: Path | None = None) -> LastHealthy:
    """Finds a run's last healthy checkpoint, and the command that goes on from there.

    Where every checkpoint is lost the command begins again in a folder beside the run, so that nothing is thrown away.

    Args:
        folder: the run's folder.
        data: the raw dialogues that the run is made from; None for the sample corpus.
    """

    def find(since: int) -> Ground:
        checkpoints = list_checkpoints(folder.stage(STAGE))
        step = healthy_before([info.step for info in checkpoints if info.damaged is None], since)
        if step is not None:
            # `auto` would go on from the newest, which may have been saved when all was lost already.
            address = shlex.quote(f"{folder.root}:{STAGE}@{checkpoint_name(step)}")
            command = f"{TRAIN} {shlex.quote(str(folder.root))} --resume {address} --resume-anyway"
            return Ground(f"the last healthy checkpoint is {address}", command)
        baseline = shlex.quote(f"{folder.root}:baseline")
        named = f"no checkpoint of the policy is known to be healthy, the baseline is {baseline}"
        return Ground(named, _beginning_again(folder, data) if checkpoints else _going_on(folder))

    return find


def _going_on(folder: RunFolder) -> str:
    return f"{TRAIN} {shlex.quote(str(folder.root))} --resume auto --resume-anyway"


def _beginning_again(folder: RunFolder, data: Path | None) -> str:
    """The command for the same training in the first folder beside the run's that is free."""
    # `.` and `..` have no name that a number could be put behind.
    root = folder.root if folder.root.name not in ("", "..") else folder.root.resolve()
    free = next(path for number in count(2) if not (path := root.with_name(f"{root.name}-{number}")).exists())
    words = [TRAIN, shlex.quote(str(free)), "--config", shlex.quote(str(folder.resolved_config))]
    return " ".join([*words, *([] if data is None else ["--data", shlex.quote(str(data))])])
