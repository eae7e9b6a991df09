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

import re
import shutil
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ecr_engine.errors import DataError, EcrError, Problem
from ecr_engine.runs import processes
from ecr_engine.runs.atomic import replace_link, sync_folder
from ecr_engine.runs.manifest import Depth, Manifest, load_manifest, verify
from ecr_engine.runs.sealing import room_for, seal
from ecr_engine.runs.space import check_space, freed_bytes

CHECKPOINTS = "checkpoints"
LATEST = "latest"
BEST = "best"

_STAGING = ".staging-"
_DISCARDED = ".discarded-"
_NAME = re.compile(r"step-(\d{6,})")


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


def checkpoint_name(step: int) -> str:
    """The folder name of a step: `step-000100`."""
    return f"step-{step:06d}"


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
    former, what = _linked(stage, LATEST), f"the checkpoint of step {step}"
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
    _link(stage, LATEST, target)
    if best:
        _link(stage, BEST, target)
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
    return _discard(verdict.checkpoint.path for verdict in plan_prune(stage, keep_last) if not verdict.kept)


def discard_after(stage: Path, step: int) -> list[Path]:
    """Removes the checkpoints later than `step`, as when training goes on from an earlier one.

    Returns:
        The folders that were removed.
    """
    later = [path for path in _folders(stage) if step_of(path) > step]
    _mend_links(stage, [path for path in _folders(stage) if path not in later])
    return _discard(later)


def sweep(stage: Path) -> list[Path]:
    """Removes what an interrupted save left behind, and mends the links; call it before training.

    Args:
        stage: the stage's folder; it need not exist.

    Returns:
        The left-over folders and links that were removed.
    """
    folder = stage / CHECKPOINTS
    stale = [*sorted(folder.glob(f"{_STAGING}*")), *sorted(folder.glob(f"{_DISCARDED}*"))]
    for path in stale:
        shutil.rmtree(path)
    links = [path for name in (LATEST, BEST) for path in sorted(stage.glob(f".{name}.*.tmp"))]
    for link in links:
        link.unlink()
    if folder.is_dir():
        _mend_links(stage, _folders(stage))
    return [*stale, *links]


def list_checkpoints(stage: Path) -> list[CheckpointInfo]:
    """The checkpoints of a stage, by step; none if it has no folder.

    One whose manifest is missing or damaged is listed as such: with no metrics, and with a size of 0. Sizes are
    compared with what the manifest says, hashes are not.
    """
    newest, chosen = _linked(stage, LATEST), _linked(stage, BEST)
    return [_info(path, is_latest=path == newest, is_best=path == chosen) for path in _folders(stage)]


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
    if path not in _folders(stage):
        raise DataError(f"{stage} has no checkpoint of step {step}", at=str(path), fix=available(stage))
    return path


def available(stage: Path) -> str:
    """A sentence part that names the checkpoints that a stage has."""
    names = [path.name for path in _folders(stage)]
    links = [name for name in (LATEST, BEST) if _linked(stage, name) is not None]
    return f"it has: {', '.join([*links, *names])}" if names else "it has no checkpoints: train it first"


def broken_links(stage: Path) -> list[Problem]:
    """The links of a stage that lead to no checkpoint."""
    return [
        Problem(
            f"the link '{name}' leads to nothing",
            str(stage / name),
            "it is mended when training goes on: --resume auto",
        )
        for name in (LATEST, BEST)
        if (stage / name).is_symlink() and _linked(stage, name) is None
    ]


def has_best(stage: Path) -> bool:
    """Whether a checkpoint of the stage is marked as the best."""
    return _linked(stage, BEST) is not None


def chosen(stage: Path) -> Path:
    """The checkpoint that a stage stands for: the best, or the latest where none is marked.

    Raises:
        DataError: there is no checkpoint.
    """
    return best(stage) if has_best(stage) else latest(stage)


def step_of(path: Path) -> int:
    """The step in a checkpoint's folder name.

    Raises:
        ValueError: it is not the name of a checkpoint.
    """
    match = _NAME.fullmatch(path.name)
    if match is None:
        raise ValueError(f"not a checkpoint name: {path.name}")
    return int(match.group(1))


def _folders(stage: Path) -> list[Path]:
    """The checkpoint folders, by step."""
    found = [path for path in (stage / CHECKPOINTS).glob("step-*") if path.is_dir() and _NAME.fullmatch(path.name)]
    return sorted(found, key=step_of)


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


def _link(stage: Path, name: str, target: Path) -> None:
    replace_link(stage / name, f"{CHECKPOINTS}/{target.name}")


def _linked(stage: Path, name: str) -> Path | None:
    """The checkpoint folder that a link points to; None if there is no link, or nothing at its end."""
    link = stage / name
    if not link.is_symlink():
        return None
    target = stage / link.readlink()
    return target if target.is_dir() else None


def _follow(stage: Path, name: str) -> Path:
    target = _linked(stage, name)
    if target is None:
        raise DataError(f"{stage} has no {name} checkpoint", at=str(stage / name), fix=available(stage))
    return target


def _mend_links(stage: Path, folders: Iterable[Path]) -> None:
    """Points `latest` to the last step, and `best` to the last step that was saved as the best.

    Steps tell what came last, and not times: a clock can be set back. Where a damaged one may be what is looked for, a
    link is moved but not removed.
    """
    readable: list[tuple[Manifest, Path]] = []
    damaged = False
    for path in sorted(folders, key=step_of):
        try:
            readable.append((load_manifest(path), path))
        except DataError:
            damaged = True
    _point(stage, LATEST, [path for _, path in readable], keep=damaged)
    _point(stage, BEST, [path for manifest, path in readable if manifest.best], keep=damaged)


def _point(stage: Path, name: str, in_order: list[Path], *, keep: bool) -> None:
    if in_order:
        if _linked(stage, name) != in_order[-1]:
            _link(stage, name, in_order[-1])
    elif not keep:
        (stage / name).unlink(missing_ok=True)


def _discard(folders: Iterable[Path]) -> list[Path]:
    """Removes folders; each leaves its name before its content goes."""
    removed = list(folders)
    for path in removed:
        aside = path.with_name(f"{_DISCARDED}{path.name}-{uuid.uuid4().hex}")
        path.rename(aside)
        shutil.rmtree(aside)
    return removed
