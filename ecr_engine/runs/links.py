"""The names that lead to checkpoints: `step-000100`, and the links `latest` and `best`.

Links are a convenience, and manifests are the truth: where a link is missing or leads to no checkpoint of its stage (a
save was cut short; a copy was made by something that has no links), the manifests tell which checkpoint it stands for.
"""

from __future__ import annotations

import re
import shutil
import uuid
from collections.abc import Iterable
from pathlib import Path

from ecr_engine.errors import DataError, Problem
from ecr_engine.runs.atomic import replace_link
from ecr_engine.runs.manifest import MANIFEST, Manifest, load_manifest

CHECKPOINTS = "checkpoints"
LATEST = "latest"
BEST = "best"

DISCARDED = ".discarded-"
"""What the name of a checkpoint begins with while it is removed."""

_NAME = re.compile(r"step-(\d{6,})")
_FORMER = "former-"


def checkpoint_name(step: int) -> str:
    """The folder name of a step: `step-000100`."""
    return f"step-{step:06d}"


def step_of(path: Path) -> int:
    """The step in a checkpoint's folder name.

    Raises:
        ValueError: it is not the name of a checkpoint.
    """
    match = _NAME.fullmatch(path.name)
    if match is None:
        raise ValueError(f"not a checkpoint name: {path.name}")
    return int(match.group(1))


def checkpoint_folders(stage: Path) -> list[Path]:
    """The checkpoint folders of a stage, by step; none if it has no folder."""
    found = [path for path in (stage / CHECKPOINTS).glob("step-*") if path.is_dir() and _NAME.fullmatch(path.name)]
    return sorted(found, key=step_of)


def marked(stage: Path, name: str) -> Path | None:
    """The checkpoint that `latest` or `best` stands for; None if there is none.

    Args:
        stage: the stage's folder.
        name: the link's name.
    """
    return _end_of(stage, name) or next(iter(_told(checkpoint_folders(stage))[0][name][-1:]), None)


def link(stage: Path, name: str, target: Path) -> None:
    """Points a link to a checkpoint of its stage."""
    _make_way(stage, name)
    replace_link(stage / name, f"{CHECKPOINTS}/{target.name}")


def mend_links(stage: Path, folders: Iterable[Path]) -> None:
    """Points `latest` to the last step, and `best` to the last step that was saved as the best.

    Steps tell what came last, and not times: a clock can be set back. Where a damaged one may be what is looked for, a
    link is moved but not removed.

    Args:
        stage: the stage's folder.
        folders: the checkpoints that count.
    """
    told, damaged = _told(folders)
    for name, in_order in told.items():
        if in_order:
            if _end_of(stage, name) != in_order[-1]:
                link(stage, name, in_order[-1])
        elif not damaged:
            _make_way(stage, name)
            (stage / name).unlink(missing_ok=True)


def broken_links(stage: Path) -> list[Problem]:
    """The links of a stage that lead to no checkpoint of it."""
    fix = "it is mended when training goes on: --resume auto"
    return [
        Problem(f"the link '{name}' leads {'out of its stage' if path.exists() else 'to nothing'}", str(path), fix)
        for name in (LATEST, BEST)
        if (path := stage / name).is_symlink() and _end_of(stage, name) is None
    ]


def discard(folders: Iterable[Path]) -> list[Path]:
    """Removes checkpoints; each leaves its name before its content goes.

    One that is itself a link to a folder elsewhere loses the link only.

    Returns:
        What was removed.
    """
    removed = list(folders)
    for path in removed:
        aside = path.with_name(f"{DISCARDED}{path.name}-{uuid.uuid4().hex}")
        path.rename(aside)
        remove(aside)
    return removed


def remove(path: Path) -> None:
    """Removes a folder, or a link to one."""
    if path.is_symlink():
        path.unlink()
    else:
        shutil.rmtree(path)


def _end_of(stage: Path, name: str) -> Path | None:
    """The checkpoint of the stage that a link leads to; None if there is no link, or it leads anywhere else."""
    path = stage / name
    if not path.is_symlink():
        return None
    target = stage / path.readlink()
    own = stage / CHECKPOINTS / target.name
    within = _NAME.fullmatch(target.name) and own.is_dir() and target.parent.resolve() == own.parent.resolve()
    return own if within else None


def _told(folders: Iterable[Path]) -> tuple[dict[str, list[Path]], bool]:
    """The checkpoints that each link may stand for, the likeliest last, by their manifests; and if one is damaged."""
    readable: list[tuple[Manifest, Path]] = []
    damaged = False
    for path in sorted(folders, key=step_of):
        try:
            readable.append((load_manifest(path), path))
        except DataError:
            damaged = True
    found = {LATEST: [path for _, path in readable], BEST: [path for manifest, path in readable if manifest.best]}
    return found, damaged


def _make_way(stage: Path, name: str) -> None:
    """Clears the name of a link where a folder stands, as in a copy that was made without links.

    A folder that is the copy of a checkpoint is removed; any other is kept under another name.
    """
    path = stage / name
    if path.is_symlink() or not path.is_dir():
        return
    if any(_same_manifest(path, folder) for folder in checkpoint_folders(stage)):
        discard([path])
        return
    number, aside = 2, stage / f"{_FORMER}{name}"
    while aside.exists():
        aside, number = stage / f"{_FORMER}{name}-{number}", number + 1
    path.rename(aside)


def _same_manifest(one: Path, other: Path) -> bool:
    first, second = one / MANIFEST, other / MANIFEST
    return first.is_file() and second.is_file() and first.read_bytes() == second.read_bytes()
