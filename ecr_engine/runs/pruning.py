"""Pruning the checkpoints of a whole run by hand: first what would go, then the same for good."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path

from ecr_engine.errors import DataError
from ecr_engine.runs.checkpoints import Verdict, left_over, plan_prune, prune, sweep
from ecr_engine.runs.folder import TRAINED_STAGES, RunFolder
from ecr_engine.runs.space import freed_bytes


@dataclass(frozen=True, slots=True)
class Pruning:
    """What becomes of the checkpoints of a run.

    Attributes:
        stages: the verdicts by stage; stages without checkpoints are not in it.
        left_over: what interrupted saves and removals left behind, which goes too.
        frees: bytes that the removal frees.
        done: whether it was done.
    """

    stages: dict[str, tuple[Verdict, ...]]
    left_over: tuple[Path, ...]
    frees: int
    done: bool

    @property
    def removed(self) -> int:
        """How many go."""
        return sum(not verdict.kept for verdicts in self.stages.values() for verdict in verdicts)


def plan_pruning(run: RunFolder, keep_last: int) -> Pruning:
    """What `prune_run` would do.

    Args:
        run: the run.
        keep_last: how many of the newest whole ones stay in each stage beside the latest and the best; at least 1.

    Raises:
        DataError: the run has no checkpoints.
    """
    plans = {stage: tuple(plan_prune(run.stage(stage), keep_last)) for stage in TRAINED_STAGES}
    stages = {stage: verdicts for stage, verdicts in plans.items() if verdicts}
    if not stages:
        fix = f"train it first: ecrctl run --run {shlex.quote(str(run.root))}"
        raise DataError(f"{run.root} has no checkpoints", at=str(run.root), fix=fix)
    going = [verdict.checkpoint.path for verdicts in stages.values() for verdict in verdicts if not verdict.kept]
    stale = tuple(path for stage in TRAINED_STAGES for path in left_over(run.stage(stage)))
    return Pruning(stages, stale, freed_bytes([*going, *stale]), done=False)


def prune_run(run: RunFolder, keep_last: int) -> Pruning:
    """Removes old checkpoints of every stage.

    Args:
        run: the run.
        keep_last: see `plan_pruning`.

    Returns:
        What was done.

    Raises:
        DataError: the run has no checkpoints.
        EcrError: another process is at work in the run.
    """
    with run.lock():
        plan = plan_pruning(run, keep_last)
        for stage in plan.stages:
            sweep(run.stage(stage))
            prune(run.stage(stage), keep_last)
    return replace(plan, done=True)
