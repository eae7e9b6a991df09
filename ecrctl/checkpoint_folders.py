"""The checkpoints that an address of a command means: one, or all of a run."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecr_engine.errors import Problem


def folders_at(address: str) -> list[Path]:
    """All checkpoints of a run, or the one at an address.

    A folder with the name of a checkpoint is one even where its manifest is gone: what is wrong with it is to be told.

    Raises:
        DataError: there is no such run or checkpoint, or the run has none.
    """
    from ecr_engine.errors import DataError
    from ecr_engine.runs.addresses import resolve_checkpoint
    from ecr_engine.runs.checkpoints import list_checkpoints
    from ecr_engine.runs.folder import TRAINED_STAGES, RunFolder
    from ecr_engine.runs.links import CHECKPOINTS

    run = RunFolder(Path(address))
    if not run.exists():
        path = Path(address).absolute()
        return [path] if path.is_dir() and path.parent.name == CHECKPOINTS else [resolve_checkpoint(address)]
    folders = [info.path for stage in TRAINED_STAGES for info in list_checkpoints(run.stage(stage))]
    if not folders:
        raise DataError(
            f"{run.root} has no checkpoints",
            at=address,
            fix=f"train it first: ecrctl run --run {shlex.quote(str(run.root))}",
        )
    return folders


def links_at(address: str) -> list[Problem]:
    """The links in a run that lead to no checkpoint; none where the address is not that of a run."""
    from ecr_engine.runs.folder import TRAINED_STAGES, RunFolder
    from ecr_engine.runs.links import broken_links

    run = RunFolder(Path(address))
    stages = TRAINED_STAGES if run.exists() else ()
    return [problem for stage in stages for problem in broken_links(run.stage(stage))]
