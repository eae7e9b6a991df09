"""What a stage of the main job is, and what it is given."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ecr_engine.config.settings import Settings
from ecr_engine.runs.events import Emit
from ecr_engine.runs.folder import RunFolder
from ecr_engine.runs.stopping import Stop


def _nothing(_folder: Path) -> None:
    """A checkpoint of no run says nothing of one."""


@dataclass(frozen=True, slots=True)
class StageContext:
    """All that a stage may use.

    Attributes:
        folder: the run's folder.
        settings: the run's settings.
        source: folder of raw dialogues; None for the sample corpus.
        emit: how progress is told.
        resume: whether a stage that was begun goes on after the events that the run has.
        start: the checkpoint to go on from; None to begin anew.
        mark: called with every checkpoint's folder before it is complete; writes what the run knows of it.
        stop: whether the job was asked to end.
    """

    folder: RunFolder
    settings: Settings
    source: Path | None
    emit: Emit
    resume: bool
    start: Path | None = None
    mark: Callable[[Path], None] = _nothing
    stop: Stop = field(default_factory=Stop)


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage.

    Attributes:
        name: its name.
        needs: the stages whose results it reads.
        sections: the settings that it depends on; a dotted name is one key.
        outputs: the files and folders that it writes, relative to the run folder; a stage without them is not done.
        version: raised when the stage comes to compute something else from the same settings.
        run: does it.
        resumable: whether it can be gone on with from its checkpoints.
    """

    name: str
    needs: tuple[str, ...]
    sections: tuple[str, ...]
    outputs: tuple[str, ...]
    version: int
    run: Callable[[StageContext], None]
    resumable: bool = False


def fingerprint(stage: Stage, settings: Settings, needed: Mapping[str, str], source: str) -> str:
    """Hash of all that decides what a stage computes.

    Args:
        stage: the stage.
        settings: the run's settings.
        needed: fingerprints of the stages that it reads.
        source: fingerprint of the raw data; used by the stages that read no other.
    """
    values = settings.model_dump(mode="json")
    parts = {
        "stage": stage.name,
        "version": stage.version,
        "settings": {name: _pick(values, name) for name in stage.sections},
        "needs": dict(needed),
        "source": source if not stage.needs else "",
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def _pick(values: Mapping[str, object], name: str) -> object:
    section, _, key = name.partition(".")
    found = values[section]
    return found[key] if key and isinstance(found, dict) else found
