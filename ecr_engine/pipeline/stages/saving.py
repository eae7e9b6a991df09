"""How the stages make their checkpoints: with their origin, and announced as events.

The events before a checkpoint are on the disk before it is, so that a run that goes on from it has them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ecr_engine.errors import DataError, EcrError
from ecr_engine.pipeline.stage import StageContext
from ecr_engine.runs import processes
from ecr_engine.runs.atomic import sync_file
from ecr_engine.runs.checkpoints import save_checkpoint
from ecr_engine.runs.folder import RunFolder
from ecr_engine.training.sft import Save


def saving(context: StageContext, name: str, write: Callable[[Path], None]) -> Save:
    """A trainer's way to save: into the stage's folder, told as an event.

    Args:
        context: the stage's.
        name: the stage, which is also its folder's name.
        write: writes the model as it is now into a folder.
    """

    def save(step: int, metrics: dict[str, float], *, best: bool) -> None:
        keep(context, context.folder.stage(name), (name, step), metrics, best=best, write=write)

    return save


def keep(
    context: StageContext,
    folder: Path,
    place: tuple[str, int],
    metrics: dict[str, float],
    *,
    best: bool,
    write: Callable[[Path], None],
) -> None:
    """Saves a checkpoint and tells of it.

    Args:
        context: the stage's.
        folder: the stage's folder.
        place: the stage's name in events, and the step.
        metrics: the values at that step.
        best: whether it is the best so far.
        write: writes the model, and its trainer's state, into a folder.

    Raises:
        EcrError: it can't be saved, as where the disk is full; the one before is whole. Or the run's folder is gone.
    """
    stage, step = place
    _check_there(context.folder)

    def fill(staging: Path) -> None:
        write(staging)
        context.mark(staging)

    if processes.is_first():
        sync_file(context.folder.events)
    path = save_checkpoint(
        folder, step, fill, metrics=metrics, best=best, keep_last=context.settings.checkpoints.keep_last
    )
    context.emit(stage, "checkpoint", step, path=path.name, best=best)


def _check_there(run: RunFolder) -> None:
    """Refuses to make a run's folder anew around a checkpoint, once somebody has taken it away."""
    if not run.exists():
        raise EcrError(
            f"the run folder {run.root} is gone: nothing can be saved in it",
            at=str(run.record),
            fix="bring it back and go on, or begin another run",
        )


def take_up(context: StageContext, restore: Callable[[Path], None]) -> None:
    """Puts a trainer back to the checkpoint that the stage goes on from, if it goes on from one.

    Args:
        context: the stage's.
        restore: the trainer's.

    Raises:
        DataError: the checkpoint is of another model or another training.
    """
    if context.start is None:
        return
    try:
        restore(context.start)
    except (RuntimeError, ValueError) as error:
        raise DataError(
            f"{context.start.name} is of another model than the settings describe: {str(error).splitlines()[0]}",
            at=str(context.start),
            fix="use the settings that it was trained with, or begin another run",
        ) from error
