"""Where a training of a critic outside of a run begins: anew, or at a checkpoint of an earlier attempt at it.

What a run does for its stages (`resuming`), for a folder that is no run's: a checkpoint says in `trainer/origin.json`
what it was trained with, and what differs from that now is refused or told.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ecr_engine.config.settings import Settings
from ecr_engine.errors import DataError, Problem, SettingsError, UsageError
from ecr_engine.pipeline.resuming import (
    ANYWAY,
    Found,
    Origin,
    Wish,
    differences,
    newest_whole,
    origin_of,
    read_origin,
    set_aside,
)
from ecr_engine.pipeline.stage import Stage, fingerprint
from ecr_engine.pipeline.table import TABLE
from ecr_engine.runs.checkpoints import available, best, discard_after, list_checkpoints, sweep
from ecr_engine.runs.links import step_of
from ecr_engine.runs.lock import locked
from ecr_engine.runs.manifest import verify
from ecr_engine.training.critic_labels import JudgedSet

LOCK = ".lock"
"""The lock file of a critic's folder."""

JUDGED = "judged"
"""What the training reads, as its origin calls it."""

MADE_LAST = ("report.json", "calibration.png", "calibration.csv")
"""What a training that came to its end leaves beside its checkpoints."""

LEFT = {"checkpoints", "latest", "best", LOCK, *MADE_LAST}
"""What a training leaves in its folder, whether it came to its end or not."""


@dataclass(frozen=True, slots=True)
class CriticStart:
    """Where a training begins.

    Attributes:
        checkpoint: what is gone on from; None to begin anew.
        notes: what is to be told of it.
        found: the newest whole checkpoint of the folder, and the damaged ones.
        origin: what the training's checkpoints say of it.
    """

    checkpoint: Path | None
    notes: tuple[str, ...]
    found: Found
    origin: Origin


def check_output(output: Path, *, goes_on: bool) -> None:
    """Refuses a folder that a critic can't be written into.

    Args:
        output: the folder; it need not be there.
        goes_on: whether an earlier attempt is to be gone on with.

    Raises:
        UsageError: it has a critic already and that is not to be gone on with, or holds other files, or is a file.
    """
    if list_checkpoints(output) and not goes_on:
        raise UsageError(
            "the folder holds a trained critic already",
            at=str(output),
            fix=f"go on with it: --resume auto; or train another beside it: --output {output}-2",
        )
    if output.exists() and (not output.is_dir() or any(path.name not in LEFT for path in output.iterdir())):
        raise UsageError(
            "the output folder holds other files", at=str(output), fix="give a folder that is new or empty"
        )


@contextmanager
def held(output: Path) -> Iterator[None]:
    """Makes a folder and keeps other trainings out of it; one that is new and stays empty is taken away again.

    Raises:
        EcrError: another process is training into it.
    """
    is_new = not output.exists()
    output.mkdir(parents=True, exist_ok=True)
    try:
        with locked(output / LOCK, f"the folder '{output}'"):
            yield
    finally:
        if is_new and not any(output.iterdir()):
            output.rmdir()


def origin(settings: Settings, judged: JudgedSet, smoke: int | None) -> Origin:
    """What the checkpoints of a training say of it.

    Args:
        settings: all settings.
        judged: what is learned from.
        smoke: optimizer steps at most; they decide how the learning rate falls.
    """
    stage = _training()
    needs = {JUDGED: _digest(judged, smoke)}
    return origin_of(stage, settings, {**needs, stage.name: fingerprint(stage, settings, needs, "")})


def start_of(output: Path, wish: Wish | None, now: Origin, *, anyway: bool) -> CriticStart:
    """Where a training begins; nothing is changed by asking.

    Args:
        output: its folder.
        wish: what is to be gone on from; None to begin anew.
        now: what it would be trained with.
        anyway: whether going on with another result than an uninterrupted training's is wanted.

    Raises:
        DataError: there is no checkpoint as wished, or it is damaged.
        UsageError: it does not say what it was trained with, or is of another folder.
        SettingsError: it was trained with something else, and that is not wanted.
    """
    found = newest_whole(output)
    checkpoint = None if wish is None else _wished(wish, output, found)
    if checkpoint is None:
        return CriticStart(None, (), found, now)
    before = read_origin(checkpoint)
    if before is None:
        raise UsageError(
            f"{checkpoint.name} has no state of its training: it can be used, and not gone on with",
            at=str(checkpoint),
            fix=f"train another beside it: --output {output}-2",
        )
    return CriticStart(checkpoint, tuple(_agreed(checkpoint, before, now, output, anyway=anyway)), found, now)


def clear(output: Path, start: CriticStart) -> list[str]:
    """Takes away what an earlier attempt left and can't be gone on with: damaged and later checkpoints, the report.

    Returns:
        A sentence on each damaged one.
    """
    told = set_aside(start.found.damaged)
    sweep(output)
    for name in MADE_LAST:
        (output / name).unlink(missing_ok=True)
    step = 0 if start.checkpoint is None else step_of(start.checkpoint)
    if any(info.step > step for info in list_checkpoints(output)):
        discard_after(output, step)
    return told


def _training() -> Stage:
    """The stage `critic` as it is outside of a run: it reads judged responses, and no earlier stage's results."""
    stage = next(stage for stage in TABLE if stage.name == "critic")
    sections = ("seed", "critic", "backbone.scale_learning_rate", "backbone.vocabulary")
    return replace(stage, needs=(JUDGED,), sections=sections)


def _digest(judged: JudgedSet, smoke: int | None) -> str:
    """Hash of all that is learned from, in its order."""
    found = hashlib.sha256(json.dumps([judged.dimensions, smoke]).encode())
    for split, rows in judged.parts.items():
        for row in rows:
            labels = [row.overall, sorted(row.quality.items()), row.emotions]
            found.update(json.dumps([split.value, row.context, row.response, *labels]).encode())
    return found.hexdigest()[:32]


def _wished(wish: Wish, output: Path, found: Found) -> Path | None:
    if wish.start in ("auto", "last"):
        if found.checkpoint is None and wish.start == "last":
            raise DataError(
                "there is no whole checkpoint to go on from",
                at=str(output),
                fix="begin anew: leave --resume out, and name a new folder with --output",
            )
        return found.checkpoint
    chosen = best(output) if wish.start == "best" else _named(wish.start, output)
    wrong = verify(chosen)
    if wrong:
        raise DataError(f"{chosen.name} is damaged: {wrong[0].what}", at=wrong[0].at, fix=available(output))
    return chosen


def _named(address: str, output: Path) -> Path:
    """The checkpoint of this name or at this path."""
    for info in list_checkpoints(output):
        if address == info.path.name or Path(address).resolve() == info.path.resolve():
            return info.path
    raise UsageError(f"'{address}' is no checkpoint of {output}", at="--resume", fix=available(output))


def _agreed(checkpoint: Path, before: Origin, now: Origin, output: Path, *, anyway: bool) -> list[str]:
    """What is told of the differences between a checkpoint's origin and the present one, where they are let pass."""
    others = differences(before, now, _training(), ())
    breaking = [(one.key, str(one)) for one in others if one.weight != "none"]
    if before.needs != now.needs:
        breaking.append((str(checkpoint), "the judged responses, or how many steps are trained, have changed"))
    if breaking and not anyway:
        fix = f"leave it as it was; or accept another result: {ANYWAY}; or train another: --output {output}-2"
        what = f"going on from {checkpoint.name} would not be exact"
        raise SettingsError([Problem(f"{what}: {text}", at, fix) for at, text in breaking])
    told = [f"gone on with a difference, so what follows is not what would have followed: {one}" for _, one in breaking]
    harmless = [one for one in others if one.weight == "none"]
    return told + [f"another setting, which changes nothing of this training: {one}" for one in harmless]
