"""Run folders that a command names."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecr_engine.runs.folder import RunFolder


def existing_run(root: Path) -> RunFolder:
    """The run in the folder `root`.

    Raises:
        DataError: no run was begun there; the message names the nearest one beside it.
    """
    from ecr_engine.errors import DataError, nearest
    from ecr_engine.runs.folder import RunFolder, list_runs

    run = RunFolder(root)
    if run.exists():
        return run
    beside = {other.root.name: other.root for other in list_runs(root.parent)}
    close = nearest(root.name, beside)
    around = shlex.quote(str(root.parent))
    raise DataError(
        f"there is no run in '{root}'",
        at=str(run.record),
        fix=f"did you mean '{beside[close]}'?" if close else f"see what there is: ecrctl runs list {around}",
    )
