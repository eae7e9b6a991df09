"""What one checkpoint is: its weights, the settings that it was trained with, and what it was made from."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ecr_engine.config.settings import Settings
from ecr_engine.errors import DataError
from ecr_engine.runs.checkpoints import chosen
from ecr_engine.runs.folder import TRAINED_STAGES, RunFolder
from ecr_engine.runs.links import CHECKPOINTS
from ecr_engine.runs.manifest import Manifest, load_manifest
from ecr_engine.runs.record import read_json
from ecr_engine.runs.tensor_files import SAFETENSORS, TensorSummary, read_tensors, summarise

ORIGIN = "trainer/origin.json"
"""What a trainer writes down of the settings that it trains with."""

MADE_FROM = {"baseline": (), "critic": ("baseline",), "policy": ("baseline", "critic")}
"""The stages whose checkpoints each trained stage begins with."""

_SECTIONS = {
    "baseline": ("backbone", "lora", "prompt", "baseline"),
    "critic": ("critic", "judge"),
    "policy": ("backbone", "lora", "prompt", "ppo", "rewards", "reward_options", "curriculum"),
}
_WEIGHTS = "*" + SAFETENSORS


@dataclass(frozen=True, slots=True)
class Lineage:
    """What a checkpoint was made from.

    Attributes:
        run: the run's folder.
        stage: the trained stage.
        backbone: the model that the run began with.
        parents: the checkpoints of earlier stages that it was made from, the run's as it is now.
        command: what was typed.
        seed: of everything random.
        git_revision: the commit of the source, or None outside of a checkout.
        data_fingerprint: hash of the data.
        profiles: the profiles that were used, in order.
        packages: version by package.
    """

    run: Path
    stage: str
    backbone: str
    parents: dict[str, Path]
    command: tuple[str, ...]
    seed: int
    git_revision: str | None
    data_fingerprint: str | None
    profiles: tuple[str, ...]
    packages: dict[str, str]


@dataclass(frozen=True, slots=True)
class Description:
    """One checkpoint.

    Attributes:
        folder: where it is.
        manifest: its files, step and metrics.
        parameters: weights of the model, without what only training needs.
        weights: what each file of the model holds.
        settings: the settings of its training by section; empty where nothing says.
        changed: those of them that are not the built-in ones, by dotted name.
        lineage: what it was made from; None outside of a run.
    """

    folder: Path
    manifest: Manifest
    parameters: int
    weights: dict[str, TensorSummary]
    settings: dict[str, Any] = field(default_factory=dict)
    changed: dict[str, Any] = field(default_factory=dict)
    lineage: Lineage | None = None


def describe(folder: Path) -> Description:
    """What the checkpoint in a folder is.

    Raises:
        DataError: its manifest, a header of its files or the run's record is damaged.
    """
    manifest = load_manifest(folder)
    weights = {path.name: summarise(read_tensors(path)) for path in sorted(folder.glob(_WEIGHTS))}
    parameters = sum(summary.parameters for summary in weights.values())
    place = _place(folder)
    if place is None:
        return Description(folder, manifest, parameters, weights)
    run, stage = place
    settings = _settings(folder, run)
    chosen_ones = {name: settings[name] for name in _SECTIONS[stage] if name in settings}
    changed = dict(_changed(chosen_ones, Settings().model_dump(mode="json")))
    return Description(folder, manifest, parameters, weights, chosen_ones, changed, _lineage(run, stage, settings))


def _place(folder: Path) -> tuple[RunFolder, str] | None:
    """The run and the stage that a checkpoint folder lies in; None for one elsewhere."""
    stage = folder.parent.parent
    run = RunFolder(stage.parent)
    within = folder.parent.name == CHECKPOINTS and stage.name in TRAINED_STAGES and run.exists()
    return (run, stage.name) if within else None


def _settings(folder: Path, run: RunFolder) -> dict[str, Any]:
    """The settings that a checkpoint was trained with: as its trainer wrote them down, or else the run's."""
    if (folder / ORIGIN).is_file():
        found: dict[str, Any] = read_json(folder / ORIGIN, "origin of the checkpoint").get("settings", {})
        return found
    if not run.resolved_config.is_file():
        return {}
    try:
        return tomllib.loads(run.resolved_config.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"the run's settings can't be read: {error}", at=str(run.resolved_config)) from error


def _changed(settings: Mapping[str, Any], usual: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """The values that differ from the usual ones, by dotted name."""
    for key, value in settings.items():
        known = usual.get(key)
        if isinstance(value, Mapping):
            yield from _changed(value, known if isinstance(known, Mapping) else {}, f"{before}{key}.")
        elif value != known:
            yield f"{before}{key}", value


def _lineage(run: RunFolder, stage: str, settings: Mapping[str, Any]) -> Lineage:
    record = run.read_record()
    return Lineage(
        run=run.root,
        stage=stage,
        backbone=str(settings.get("backbone", {}).get("name", "")),
        parents={name: path for name in MADE_FROM[stage] if (path := _parent(run, name)) is not None},
        command=record.command,
        seed=record.seed,
        git_revision=record.git_revision,
        data_fingerprint=record.data_fingerprint,
        profiles=record.profiles,
        packages=record.packages,
    )


def _parent(run: RunFolder, stage: str) -> Path | None:
    try:
        return chosen(run.stage(stage))
    except DataError:
        return None
