"""How the supervised stages make their checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ecr_engine.pipeline.stage import StageContext
from ecr_engine.runs.checkpoints import save_checkpoint
from ecr_engine.training.sft import Save


def saving(context: StageContext, name: str, write: Callable[[Path], None]) -> Save:
    """A trainer's way to save: into the stage's folder, told as an event.

    Args:
        context: the stage's.
        name: the stage, which is also its folder's name.
        write: writes the model as it is now into a folder.
    """

    def save(step: int, metrics: dict[str, float], *, best: bool) -> None:
        path = save_checkpoint(
            context.folder.stage(name),
            step,
            write,
            metrics=metrics,
            best=best,
            keep_last=context.settings.checkpoints.keep_last,
        )
        context.emit(name, "checkpoint", step, path=path.name, best=best)

    return save
