"""Removes runs: out of the way with one rename first, so that no run is ever there in half."""

from __future__ import annotations

import shlex
import shutil
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ecr_engine.errors import EcrError, UsageError
from ecr_engine.runs.checkpoints import list_checkpoints
from ecr_engine.runs.folder import TRAINED_STAGES, RunFolder


@dataclass(frozen=True, slots=True)
class Removable:
    """A run that can be removed, and what goes with it.

    Attributes:
        run: the run.
        files: number of files in its folder.
        bytes: what they take on the disk; a link counts nothing.
        checkpoints: number of checkpoints among them, by stage, for the stages that have any.
    """

    run: RunFolder
    files: int
    bytes: int
    checkpoints: dict[str, int]


def removable(runs: Iterable[RunFolder]) -> tuple[Removable, ...]:
    """The runs with what would go; each once, and one within another goes with it.

    Raises:
        UsageError: one is a link, and what it points to may be in use under its own name.
        EcrError: somebody is at work in one.
    """
    chosen: dict[Path, RunFolder] = {}
    for run in runs:
        _refuse_link(run)
        _refuse_busy(run)
        chosen.setdefault(run.root.resolve(), run)
    return tuple(_measured(run) for root, run in chosen.items() if not any(above in chosen for above in root.parents))


def remove(runs: Sequence[Removable]) -> None:
    """Removes runs, one after the other.

    Raises:
        EcrError: somebody began to work in one, or a part of it can't be deleted; it is no run any more then.
    """
    for removable_run in runs:
        _delete(_moved_aside(removable_run.run))


def _moved_aside(run: RunFolder) -> Path:
    """Takes the run's name away from it, while nobody can begin to work in it; returns where it is now."""
    root = run.root.resolve()
    aside = root.with_name(f".{root.name}.{uuid.uuid4().hex}.removed")
    with run.lock():
        root.rename(aside)
    return aside


def _delete(aside: Path) -> None:
    # First what makes it a run, so that nothing lists what is left if this is interrupted.
    RunFolder(aside).record.unlink()
    try:
        shutil.rmtree(aside)
    except OSError as error:
        raise EcrError(
            f"a part of the run can't be deleted: {error.strerror}",
            at=str(error.filename or aside),
            fix=f"rm -rf '{aside}'",
        ) from error


def _measured(run: RunFolder) -> Removable:
    sizes = [path.stat().st_size for path in run.root.rglob("*") if path.is_file() and not path.is_symlink()]
    found = {stage: len(list_checkpoints(run.stage(stage))) for stage in TRAINED_STAGES}
    return Removable(run, len(sizes), sum(sizes), {stage: count for stage, count in found.items() if count})


def _refuse_link(run: RunFolder) -> None:
    if run.root.is_symlink():
        target = run.root.resolve()
        raise UsageError(
            f"'{run.root}' is a link to {target}",
            at=str(run.root),
            fix=f"name the run itself: ecrctl runs remove {shlex.quote(str(target))}",
        )


def _refuse_busy(run: RunFolder) -> None:
    holder = run.lock_holder()
    if holder is not None:
        raise EcrError(
            f"the run {run.root} is being written by process {holder.pid} on {holder.host}",
            at=str(run.root / ".lock"),
            fix=f"see how far it is: ecrctl runs watch {shlex.quote(str(run.root))}; or end it: kill {holder.pid}",
        )
