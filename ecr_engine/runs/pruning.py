"""Pruning the checkpoints of a whole run by hand: first what would go, then the same for good."""

from __future__ import annotations

from dataclasses import dataclass

from ecr_engine.errors import DataError
from ecr_engine.runs.checkpoints import Verdict, plan_prune, prune
from ecr_engine.runs.folder import TRAINED_STAGES, RunFolder
from ecr_engine.runs.space import freed_bytes


@dataclass(frozen=True, slots=True)
class Pruning:
    """What becomes of the checkpoints of a run.

    Attributes:
        stages: the verdicts by stage; stages without checkpoints are not in it.
        frees: bytes that the removal frees.
        done: whether it was done.
    """

    stages: dict[str, tuple[Verdict, ...]]
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
        fix = f"train it first: ecrctl run --run {run.root}"
        raise DataError(f"{run.root} has no checkpoints", at=str(run.root), fix=fix)
    going = [verdict.checkpoint.path for verdicts in stages.values() for verdict in verdicts if not verdict.kept]
    return Pruning(stages, freed_bytes(going), done=False)


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
            prune(run.stage(stage), keep_last)
    return Pruning(plan.stages, plan.frees, done=True)
