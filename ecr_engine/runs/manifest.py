"""`manifest.json`: what a checkpoint consists of, with size and hash of every file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ecr_engine.errors import DataError, EcrError, Problem
from ecr_engine.runs.record import check_schema, damaged, read_json

SCHEMA = 1
MANIFEST = "manifest.json"
PICKLES = frozenset({".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pth"})
"""Endings of files that can run code when they are loaded."""


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of a checkpoint.

    Attributes:
        size: bytes.
        sha256: hexadecimal digest of the content.
    """

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """The content of `manifest.json`.

    Attributes:
        step: the training step after which it was saved.
        metrics: the values at that step.
        created: seconds since the epoch.
        best: whether it was the best so far when it was saved.
        files: every other file by its path in the checkpoint, with `/`.
        schema: the version of this format.
    """

    step: int
    metrics: dict[str, float]
    created: float
    best: bool
    files: dict[str, FileEntry]
    schema: int = SCHEMA

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.files.values())

    def to_json(self) -> dict[str, Any]:
        """The manifest as JSON values, the schema first."""
        return {"schema": self.schema, **asdict(self)}


def describe_folder(folder: Path, step: int, metrics: Mapping[str, float], created: float, best: bool) -> Manifest:
    """The manifest of the files that lie in `folder`.

    Raises:
        EcrError: one of them is a pickle or a link, or there are none.
    """
    files = _files(folder)
    for name, path in files.items():
        if path.suffix.lower() in PICKLES:
            raise EcrError(f"a checkpoint can't hold the pickle file '{name}'", at=str(path), fix=_NO_PICKLE)
        if path.is_symlink():
            raise EcrError(f"a checkpoint can't hold the link '{name}'", at=str(path), fix="write the file itself")
    if not files:
        raise EcrError("a checkpoint can't be empty", at=str(folder), fix="write the weights into it")
    entries = {name: FileEntry(path.stat().st_size, file_hash(path)) for name, path in files.items()}
    return Manifest(step, {key: float(value) for key, value in metrics.items()}, created, best, entries)


def load_manifest(folder: Path) -> Manifest:
    """Reads the manifest of a checkpoint.

    Raises:
        DataError: it is missing, damaged, or of a newer schema.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise DataError(f"there is no checkpoint manifest '{MANIFEST}' in {folder}", at=str(path), fix=_RESTORE)
    raw = read_json(path, "checkpoint manifest")
    check_schema(raw, SCHEMA, path, "checkpoint manifest")
    try:
        return TypeAdapter(Manifest).validate_python(raw)
    except ValidationError as error:
        raise damaged(path, "checkpoint manifest", error) from error


def verify(folder: Path) -> list[Problem]:
    """Compares a checkpoint with its manifest: every file there, no other, each of the right size and hash.

    Returns:
        What is wrong; empty if the checkpoint is whole.
    """
    try:
        manifest = load_manifest(folder)
    except DataError as error:
        return list(error.problems)
    present = {name: path for name, path in _files(folder).items() if name != MANIFEST}
    problems = [
        Problem(f"the file '{name}' is missing", str(folder / name), _RESTORE)
        for name in sorted(manifest.files.keys() - present.keys())
    ]
    problems += [
        Problem(f"the file '{name}' is not in the manifest", str(path), f"remove it: rm '{path}'")
        for name, path in sorted(present.items())
        if name not in manifest.files
    ]
    for name, entry in manifest.files.items():
        if name in present:
            problems += _compare(name, present[name], entry)
    return problems


def file_hash(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _compare(name: str, path: Path, entry: FileEntry) -> list[Problem]:
    size = path.stat().st_size
    if size != entry.size:
        return [Problem(f"the file '{name}' has {size} bytes, not {entry.size}", str(path), _RESTORE)]
    if file_hash(path) != entry.sha256:
        return [Problem(f"the file '{name}' has another SHA-256 than the manifest says", str(path), _RESTORE)]
    return []


def _files(folder: Path) -> dict[str, Path]:
    """Every file and link below `folder`, by its path with `/`."""
    found = sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return {str(PurePosixPath(path.relative_to(folder))): path for path in found}


_NO_PICKLE = "save tensors as .safetensors and the rest as .json"
_RESTORE = "use another checkpoint: `ecrctl checkpoint list RUN`"
