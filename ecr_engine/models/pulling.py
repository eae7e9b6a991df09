"""Brings a registered model into the store: from a wheel or from the hub, checked, and in place by one rename."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ecr_engine.errors import DataError, UsageError, suggestion
from ecr_engine.models.hub_files import Tell, model_from_hub
from ecr_engine.models.registry import BUILT_HERE, ModelInfo, find, model_names
from ecr_engine.models.store import SOURCE, Stored, faults, read_stored, record_of, store_folder
from ecr_engine.models.wheels import WHEELS, model_from_wheel
from ecr_engine.runs.atomic import sync_file, sync_folder, write_json
from ecr_engine.runs.lock import locked


class Way(StrEnum):
    """Where a model is pulled from."""

    WHEEL = "wheel"
    HUB = "hub"


@dataclass(frozen=True, slots=True)
class Pulled:
    """What came of a pull.

    Attributes:
        stored: the model in the store.
        was_there: whether it was there already, and right.
    """

    stored: Stored
    was_there: bool


@dataclass(frozen=True, slots=True)
class PullPlan:
    """What a pull would do.

    Attributes:
        name: the registered name.
        way: where from.
        origin: the wheel or the hub id.
        folder: where it goes.
        was_there: whether it is there already.
    """

    name: str
    way: Way
    origin: str
    folder: Path
    was_there: bool


def plan_pull(name: str, way: Way | None = None) -> PullPlan:
    """What `pull` would do; looks at nothing outside of this machine.

    Args:
        name: a registered name, or its hub id.
        way: where from; None: the wheel, where there is one, else the hub.

    Raises:
        UsageError: no such model, one that each run builds, or one that no wheel holds.
    """
    info = _pullable(name)
    chosen = way or (Way.WHEEL if info.name in WHEELS else Way.HUB)
    if chosen is Way.WHEEL and info.name not in WHEELS:
        raise UsageError(
            f"no wheel holds '{info.name}'", at="--from wheel", fix=f"ecrctl model pull {info.name} --from hub"
        )
    origin = WHEELS[info.name].requirement if chosen is Way.WHEEL else info.source
    folder = store_folder() / info.name
    return PullPlan(info.name, chosen, origin, folder, (folder / SOURCE).is_file())


def pull(name: str, way: Way | None = None, *, force: bool = False, tell: Tell = lambda _: None) -> Pulled:
    """Brings a model into the store, unless it is there and every file of it is right.

    A pull that was stopped leaves nothing under the model's name. From the hub it goes on where it stopped; a wheel is
    fetched again.

    Args:
        name: a registered name, or its hub id.
        way: where from; None: the wheel, where there is one, else the hub.
        force: get it again also if it is there.
        tell: is told of each part of the work.

    Raises:
        UsageError: see `plan_pull`.
        UnavailableError: it can't be had.
        DataError: what came is not what was asked for, or what is there is damaged.
        EcrError: another process pulls it.
        OSError: the store can't be written.
    """
    plan = plan_pull(name, way)
    try:
        return _into_store(plan, force=force, tell=tell)
    except OSError as error:
        if error.filename is None:
            # The system names no file that was open already: a full disk would not be said to be that of the store.
            error.filename = str(plan.folder.parent)
        raise


def _into_store(plan: PullPlan, *, force: bool, tell: Tell) -> Pulled:
    store = plan.folder.parent
    store.mkdir(parents=True, exist_ok=True)
    with locked(store / f".{plan.name}.lock", f"the model '{plan.name}' in {store}"):
        there = None if force else read_stored(plan.name)
        if there is not None:
            return Pulled(_checked(there), was_there=True)
        work = store / f".{plan.name}.{plan.way}"
        folder = _fetched(plan, work, tell)
        wheel = WHEELS[plan.name].sha256 if plan.way is Way.WHEEL else ""
        write_json(folder / SOURCE, record_of(folder, origin=plan.origin, sha256=wheel))
        _put(folder, plan.folder, work)
    stored = read_stored(plan.name)
    assert stored is not None, plan.folder
    return Pulled(stored, was_there=False)


def _pullable(name: str) -> ModelInfo:
    info = find(name)
    names = [each for each in model_names() if (found := find(each)) and found.source != BUILT_HERE]
    if info is None:
        raise UsageError(f"unknown model '{name}'", at="ecrctl model pull", fix=suggestion(name, names))
    if info.source == BUILT_HERE:
        raise UsageError(
            f"'{name}' can't be pulled: each run builds its own, on its own data",
            at="ecrctl model pull",
            fix=f"pull one of {', '.join(names)}",
        )
    return info


def _checked(stored: Stored) -> Stored:
    if found := faults(stored):
        raise DataError(
            f"'{stored.name}' in the model store is damaged: {'; '.join(found)}",
            at=str(stored.folder),
            fix=f"get it again: ecrctl model pull {stored.name} --force",
        )
    return stored


def _fetched(plan: PullPlan, work: Path, tell: Tell) -> Path:
    if plan.way is Way.HUB:
        # Kept after a stop: the hub's client goes on with what is there.
        folder = model_from_hub(plan.name, plan.origin, work, tell)
        shutil.rmtree(folder / ".cache", ignore_errors=True)
        return folder
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        return model_from_wheel(plan.name, WHEELS[plan.name], work, tell)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise


def _put(folder: Path, target: Path, work: Path) -> None:
    """Makes `folder` the model's folder; what was there before goes."""
    for path in folder.rglob("*"):
        if path.is_file():
            sync_file(path)
    sync_folder(folder)
    if target.exists():
        old = target.with_name(f".{target.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        target.rename(old)
        folder.rename(target)
        shutil.rmtree(old, ignore_errors=True)
    else:
        folder.rename(target)
    sync_folder(target.parent)
    shutil.rmtree(work, ignore_errors=True)
