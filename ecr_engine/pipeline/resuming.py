"""Going on with a training: from which checkpoint, and whether what follows is what would have followed.

Every checkpoint of a run says in `trainer/origin.json` which settings, which results of earlier stages and which kind
of device it was trained with. What differs from the present ones is shown. A difference that changes what training
computes is refused unless the user says otherwise.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from ecr_engine.config.settings import Settings
from ecr_engine.errors import DataError, Problem, SettingsError, UsageError
from ecr_engine.pipeline.stage import Stage
from ecr_engine.runs import processes
from ecr_engine.runs.addresses import resolve_checkpoint
from ecr_engine.runs.atomic import write_json
from ecr_engine.runs.checkpoints import available, best, list_checkpoints
from ecr_engine.runs.description import ORIGIN
from ecr_engine.runs.manifest import verify
from ecr_engine.runs.record import read_json

ASIDE = "damaged-"
"""What a damaged checkpoint's folder is called before its own name once it is set aside."""

ANYWAY = "--resume-anyway"


@dataclass(frozen=True, slots=True)
class Wish:
    """How a stage is to be gone on with, where the user says it.

    Attributes:
        start: `auto` and `last` (its newest whole checkpoint, which `last` insists on), `best`, or an address or path.
    """

    start: str = "auto"


@dataclass(frozen=True, slots=True)
class Origin:
    """What a checkpoint was trained with.

    Attributes:
        stage: the stage of the main job.
        fingerprint: of the stage.
        needs: fingerprints of the stages that it reads.
        settings: all settings of the run.
        device: `cpu` or `cuda`.
        processes: how many trained together.
    """

    stage: str
    fingerprint: str
    needs: dict[str, str]
    settings: dict[str, Any]
    device: str
    processes: int


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting that is another now.

    Attributes:
        key: its dotted name.
        before: its value in the checkpoint.
        now: its present value.
        weight: `earlier` if an earlier stage depends on it, `exact` if this training does, `none` if neither.
    """

    key: str
    before: object
    now: object
    weight: Literal["earlier", "exact", "none"]

    def __str__(self) -> str:
        """As it is shown: `ppo.gamma: 1.0 before, 0.9 now`."""
        return f"{self.key}: {_said(self.before)} before, {_said(self.now)} now"


@dataclass(frozen=True, slots=True)
class Found:
    """What a stage's checkpoints offer.

    Attributes:
        checkpoint: the newest whole one; None if there is none.
        damaged: those that are newer, or no whole ones at all, each with what is wrong with it.
    """

    checkpoint: Path | None
    damaged: tuple[tuple[Path, Problem], ...]


def origin_of(stage: Stage, settings: Settings, wanted: Mapping[str, str]) -> Origin:
    """The origin of the checkpoints that a stage is about to make.

    Args:
        stage: the stage.
        settings: the run's.
        wanted: fingerprints by stage.
    """
    return Origin(
        stage=stage.name,
        fingerprint=wanted[stage.name],
        needs={name: wanted[name] for name in stage.needs},
        settings=settings.model_dump(mode="json"),
        device=_device(settings.device),
        processes=processes.count(),
    )


def write_origin(folder: Path, origin: Origin) -> None:
    """Writes a checkpoint's origin beside the state of its trainer, where it has one."""
    path = folder / ORIGIN
    if path.parent.is_dir():
        write_json(path, asdict(origin))


def read_origin(checkpoint: Path) -> Origin | None:
    """A checkpoint's origin; None for one that has none.

    Raises:
        DataError: it is damaged.
    """
    path = checkpoint / ORIGIN
    if not path.is_file():
        return None
    raw = read_json(path, "origin of the checkpoint")
    try:
        return Origin(**raw)
    except TypeError as error:
        raise DataError(
            f"the origin of the checkpoint is damaged: {error}", at=str(path), fix="use another checkpoint"
        ) from error


def newest_whole(stage: Path) -> Found:
    """The newest checkpoint of which every file is what its manifest says.

    One that is later than a damaged best one does not count: what followed can't be had without it.

    Args:
        stage: the stage's folder.
    """
    damaged: list[tuple[Path, Problem]] = []
    candidates: list[Path] = []
    for info in reversed(list_checkpoints(stage)):
        wrong = [] if candidates and not info.is_best else verify(info.path)
        if wrong:
            damaged.append((info.path, wrong[0]))
            candidates = [] if info.is_best else candidates
        else:
            candidates.append(info.path)
    return Found(candidates[0] if candidates else None, tuple(damaged))


def wished_checkpoint(wish: Wish, stage: Path, name: str) -> Path | None:
    """The checkpoint that a wish names; None where it leaves that open and there is none.

    Args:
        wish: the user's.
        stage: the stage's folder.
        name: the stage.

    Raises:
        DataError: there is none such, or it is damaged.
    """
    match wish.start:
        case "auto":
            return newest_whole(stage).checkpoint
        case "last":
            found = newest_whole(stage).checkpoint
            if found is None:
                fix = f"begin it: ecrctl {_command(name)} --run {shlex.quote(str(stage.parent))}"
                raise DataError(f"there is no whole checkpoint of {stage.name} to go on from", at=str(stage), fix=fix)
            return found
        case "best":
            chosen = best(stage)
        case _:
            chosen = resolve_checkpoint(wish.start)
    wrong = verify(chosen)
    if wrong:
        raise DataError(f"{chosen.name} is damaged: {wrong[0].what}", at=wrong[0].at, fix=available(stage))
    return chosen


def set_aside(damaged: Sequence[tuple[Path, Problem]]) -> list[str]:
    """Gives damaged checkpoints a name under which nothing takes them for whole ones; nothing is deleted.

    Returns:
        A sentence on each.
    """
    told = []
    for path, problem in damaged:
        aside = _free(path.with_name(f"{ASIDE}{path.name}"))
        path.rename(aside)
        told.append(f"{path.name} is damaged and was set aside as {aside.name}: {problem.what}")
    return told


def differences(before: Origin, now: Origin, stage: Stage, earlier: Sequence[Stage]) -> list[Difference]:
    """What differs between the origin of a checkpoint and the present settings.

    Args:
        before: the checkpoint's.
        now: what the stage would be trained with.
        stage: the stage.
        earlier: the stages before it that its results depend on.
    """
    own = set(stage.sections)
    others = {name for one in earlier for name in one.sections}
    old, new = dict(_flat(before.settings)), dict(_flat(now.settings))
    found = []
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) == new.get(key) or key == "device":
            continue
        weight: Literal["earlier", "exact", "none"] = "none"
        if _depends(key, own):
            weight = "exact"
        if _depends(key, others):
            weight = "earlier"
        found.append(Difference(key, old.get(key), new.get(key), weight))
    if before.device != now.device:
        found.append(Difference("device", before.device, now.device, "exact"))
    if before.processes != now.processes:
        found.append(Difference("processes", before.processes, now.processes, "exact"))
    return found


def agree(
    checkpoint: Path, before: Origin, now: Origin, found: Sequence[Difference], *, anyway: bool, fork: str
) -> list[str]:
    """Holds a checkpoint's origin against the present one.

    Args:
        checkpoint: what is to be gone on from.
        before: its origin.
        now: what the stage would be trained with.
        found: the differences between the two.
        anyway: whether an inexact continuation is wanted.
        fork: a run folder that is free, for the remedy.

    Returns:
        A sentence on each difference that was let pass.

    Raises:
        SettingsError: they differ in what the training computes, and that is not wanted.
    """
    breaking = [(one.key, _broken(one)) for one in found if one.weight != "none"]
    if not breaking and before.needs != now.needs:
        breaking = [(str(checkpoint), "the data, or the results that it was trained on, have changed")]
    if breaking and not anyway:
        fix = f"leave it as it was; or accept another result: {ANYWAY}; or start another run: --run {fork}"
        what = f"going on from {checkpoint.name} would not be exact"
        raise SettingsError([Problem(f"{what}: {text}", at, fix) for at, text in breaking])
    told = [
        f"gone on with a difference, so what follows is not what would have followed: {text}" for _, text in breaking
    ]
    harmless = [one for one in found if one.weight == "none"]
    return told + [f"another setting, which changes nothing of this training: {one}" for one in harmless]


def _broken(one: Difference) -> str:
    return f"{one}; an earlier stage depends on it too" if one.weight == "earlier" else str(one)


def unknown_origin(checkpoint: Path, fork: str) -> UsageError:
    """The error for a checkpoint that does not say what it was trained with, in a run with other settings now."""
    return UsageError(
        f"{checkpoint.name} does not say which settings it was trained with, and those of the run are others now",
        at=str(checkpoint),
        fix=f"leave the settings as they were; or start another run: --run {fork}",
    )


def _command(stage: str) -> str:
    return "rl train" if stage == "rl" else f"train {stage}"


def _device(name: str) -> str:
    if name != "auto":
        return name
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _free(path: Path) -> Path:
    """The path, or the first numbered one beside it that does not exist."""
    number, found = 2, path
    while found.exists():
        found, number = path.with_name(f"{path.name}-{number}"), number + 1
    return found


def _flat(tables: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tables.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def _depends(key: str, sections: set[str]) -> bool:
    return any(key == name or key.startswith(f"{name}.") for name in sections)


def _said(value: object) -> str:
    return "not set" if value is None else json.dumps(value, ensure_ascii=False)
