"""Checkpoints that are complete or do not exist.

    1. ask       whether the disk has room for it
    2. stage     write all files into a hidden folder beside the final place
    3. seal      every number finite; manifest.json with size and SHA-256 of every file; all of it flushed to the disk
    4. rename    the hidden folder to `checkpoints/step-000100`, in one step
    5. link      `latest`, and `best` if it is
    6. prune     old ones: renamed out of the way first, so that none is ever seen half-deleted

A kill between any two leaves whole checkpoints only. Between 4 and 5 it leaves a link behind its time: `sweep` mends
links from the manifests, and is called before training begins or goes on. Only one process writes to a stage (rank 0,
under `RunFolder.lock`).
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ecr_engine.errors import DataError, EcrError
from ecr_engine.runs import processes
from ecr_engine.runs.atomic import sync_folder
from ecr_engine.runs.links import (
    BEST,
    CHECKPOINTS,
    DISCARDED,
    LATEST,
    checkpoint_folders,
    checkpoint_name,
    discard,
    link,
    marked,
    mend_links,
    remove,
    step_of,
)
from ecr_engine.runs.manifest import Depth, load_manifest, verify
from ecr_engine.runs.sealing import room_for, seal
from ecr_engine.runs.space import check_space, freed_bytes

_STAGING = ".staging-"


@dataclass(frozen=True, slots=True)
class CheckpointInfo:
    """One checkpoint of a stage.

    Attributes:
        path: its folder.
        step: the training step after which it was saved.
        metrics: the values at that step.
        size: bytes of all its files.
        created: seconds since the epoch; the folder's age if it is damaged.
        is_latest: whether `latest` points to it.
        is_best: whether `best` points to it.
        damaged: what is wrong with its manifest or the sizes of its files, in one sentence; None if nothing shows.
    """

    path: Path
    step: int
    metrics: dict[str, float]
    size: int
    created: float
    is_latest: bool
    is_best: bool
    damaged: str | None = None


def save_checkpoint(
    stage: Path,
    step: int,
    write: Callable[[Path], None],
    *,
    metrics: Mapping[str, float],
    best: bool,
    keep_last: int,
    needs: int | None = None,
) -> Path:
    """Saves a checkpoint so that it is complete or does not exist; of several processes only the first writes.

    Args:
        stage: the stage's folder, such as RUN/policy; made if needed.
        step: the training step.
        write: writes all files of the checkpoint into the empty folder that it is given.
        metrics: the values at this step.
        best: whether this is the best so far.
        keep_last: how many of the newest are kept beside the best; at least 1.
        needs: bytes that it takes about; what the latest one takes if None.

    Returns:
        The checkpoint's folder.

    Raises:
        EcrError: a checkpoint of this step exists, the disk has no room, or `write` left a pickle, a link or nothing.
        DivergedError: a number in it is not finite; nothing was saved.
    """
    folder = stage / CHECKPOINTS
    target = folder / checkpoint_name(step)
    if not processes.is_first():
        return target
    if target.exists():
        what = f"there is a checkpoint of step {step} already"
        raise EcrError(what, at=str(target), fix=f"remove it: rm -r '{target}'")
    former, what = marked(stage, LATEST), f"the checkpoint of step {step}"
    check_space(what, stage, freed_bytes([former]) if needs is None and former is not None else needs or 0)
    folder.mkdir(parents=True, exist_ok=True)
    staging = folder / f"{_STAGING}{checkpoint_name(step)}-{uuid.uuid4().hex}"
    try:
        with room_for(what, stage, staging):
            staging.mkdir()
            write(staging)
            seal(staging, step, metrics, best=best, beside=former)
            staging.rename(target)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    sync_folder(folder)
    link(stage, LATEST, target)
    if best:
        link(stage, BEST, target)
    prune(stage, keep_last)
    return target


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether pruning keeps a checkpoint.

    Attributes:
        checkpoint: the checkpoint.
        kept: why it stays, such as "best"; empty if it goes.
    """

    checkpoint: CheckpointInfo
    kept: str


def plan_prune(stage: Path, keep_last: int) -> list[Verdict]:
    """What `prune` would do, by step.

    Damaged ones are no safety: they do not count among the newest, and those newer than them all stay.

    Args:
        stage: the stage's folder.
        keep_last: how many of the highest steps are kept; at least 1.
    """
    found = list_checkpoints(stage)
    whole = [info.step for info in found if info.damaged is None][-keep_last:]
    oldest_kept = whole[0] if whole else 0
    return [_verdict(info, oldest_kept) for info in found]


def prune(stage: Path, keep_last: int) -> list[Path]:
    """Removes old checkpoints; never those that `latest` and `best` point to.

    Args:
        stage: the stage's folder.
        keep_last: how many of the highest steps are kept; at least 1.

    Returns:
        The folders that were removed.
    """
    return discard(verdict.checkpoint.path for verdict in plan_prune(stage, keep_last) if not verdict.kept)


def discard_after(stage: Path, step: int) -> list[Path]:
    """Removes the checkpoints later than `step`, as when training goes on from an earlier one.

    Returns:
        The folders that were removed.
    """
    later = [path for path in checkpoint_folders(stage) if step_of(path) > step]
    mend_links(stage, [path for path in checkpoint_folders(stage) if path not in later])
    return discard(later)


def sweep(stage: Path) -> list[Path]:
    """Removes what an interrupted save left behind, and mends the links; call it before training.

    Args:
        stage: the stage's folder; it need not exist.

    Returns:
        The left-over folders and links that were removed.
    """
    folder = stage / CHECKPOINTS
    stale = left_over(stage)
    for path in stale:
        remove(path)
    links = [path for name in (LATEST, BEST) for path in sorted(stage.glob(f".{name}.*.tmp"))]
    for path in links:
        path.unlink()
    if folder.is_dir():
        mend_links(stage, checkpoint_folders(stage))
    return [*stale, *links]


def left_over(stage: Path) -> list[Path]:
    """The folders that an interrupted save or removal left in a stage: nothing reads them."""
    places = (stage / CHECKPOINTS, f"{_STAGING}*"), (stage / CHECKPOINTS, f"{DISCARDED}*"), (stage, f"{DISCARDED}*")
    return [path for place, pattern in places for path in sorted(place.glob(pattern))]


def list_checkpoints(stage: Path) -> list[CheckpointInfo]:
    """The checkpoints of a stage, by step; none if it has no folder.

    One whose manifest is missing or damaged is listed as such: with no metrics, and with a size of 0. Sizes are
    compared with what the manifest says, hashes are not.
    """
    newest, chosen = marked(stage, LATEST), marked(stage, BEST)
    return [_info(path, is_latest=path == newest, is_best=path == chosen) for path in checkpoint_folders(stage)]


def latest(stage: Path) -> Path:
    """The newest checkpoint of a stage.

    Raises:
        DataError: there is none.
    """
    return _follow(stage, LATEST)


def best(stage: Path) -> Path:
    """The best checkpoint of a stage.

    Raises:
        DataError: there is none.
    """
    return _follow(stage, BEST)


def at_step(stage: Path, step: int) -> Path:
    """The checkpoint of a step.

    Raises:
        DataError: there is none.
    """
    path = stage / CHECKPOINTS / checkpoint_name(step)
    if path not in checkpoint_folders(stage):
        raise DataError(f"{stage} has no checkpoint of step {step}", at=str(path), fix=available(stage))
    return path


def available(stage: Path) -> str:
    """A sentence part that names the checkpoints that a stage has."""
    names = [path.name for path in checkpoint_folders(stage)]
    links = [name for name in (LATEST, BEST) if marked(stage, name) is not None]
    return f"it has: {', '.join([*links, *names])}" if names else "it has no checkpoints: train it first"


def has_best(stage: Path) -> bool:
    """Whether a checkpoint of the stage is marked as the best."""
    return marked(stage, BEST) is not None


def chosen(stage: Path) -> Path:
    """The checkpoint that a stage stands for: the best, or the latest where none is marked.

    Raises:
        DataError: there is no checkpoint.
    """
    return best(stage) if has_best(stage) else latest(stage)


def _info(path: Path, *, is_latest: bool, is_best: bool) -> CheckpointInfo:
    try:
        manifest = load_manifest(path)
    except DataError as error:
        return CheckpointInfo(path, step_of(path), {}, 0, path.stat().st_mtime, is_latest, is_best, str(error))
    faults = verify(path, Depth.SIZES)
    damaged = faults[0].what if faults else None
    return CheckpointInfo(
        path, step_of(path), manifest.metrics, manifest.size, manifest.created, is_latest, is_best, damaged
    )


def _verdict(info: CheckpointInfo, oldest_kept: int) -> Verdict:
    reasons = ("latest", info.is_latest), ("best", info.is_best), ("among the newest", info.step >= oldest_kept)
    return Verdict(info, next((reason for reason, holds in reasons if holds), ""))


def _follow(stage: Path, name: str) -> Path:
    target = marked(stage, name)
    if target is None:
        raise DataError(f"{stage} has no {name} checkpoint", at=str(stage / name), fix=available(stage))
    return target
