"""`manifest.json`: what a checkpoint consists of, with size and hash of every file, and a seal of its own.

The last line of a manifest holds the SHA-256 of the manifest itself, taken with zeros in the seal's place: no byte of
it can change unseen either.
"""

from __future__ import annotations

import hashlib
import re
import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import IntEnum
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ecr_engine.errors import DataError, EcrError, Problem
from ecr_engine.runs.atomic import json_text, write_text
from ecr_engine.runs.hashing import Scan, scan_all
from ecr_engine.runs.record import check_schema, damaged, read_json
from ecr_engine.runs.tensor_files import SAFETENSORS

SCHEMA = 2
MANIFEST = "manifest.json"
PICKLES = frozenset({".bin", ".ckpt", ".joblib", ".npy", ".npz", ".pickle", ".pkl", ".pt", ".pth"})
"""Endings of files that can run code when they are loaded."""

_SEALED_SINCE = 2
_NO_SEAL = "0" * 64
_STEP = re.compile(r"step-(\d{6,})")


class Depth(IntEnum):
    """How closely a checkpoint is looked at; each looks at what those before it do."""

    SIZES = 0
    HASHES = 1
    NUMBERS = 2


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
        origin: where it came from, if it was not trained here; such as `imported_from`.
        schema: the version of this format.
    """

    step: int
    metrics: dict[str, float]
    created: float
    best: bool
    files: dict[str, FileEntry]
    origin: dict[str, str] = field(default_factory=dict)
    schema: int = SCHEMA

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.files.values())

    def to_json(self) -> dict[str, Any]:
        """The manifest as JSON values, the schema first."""
        return {"schema": self.schema, **asdict(self)}


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Writes and seals the manifest of the checkpoint in `folder`."""
    text = json_text({**manifest.to_json(), "seal": _NO_SEAL})
    write_text(folder / MANIFEST, text.replace(_NO_SEAL, _digest(text)))


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
    _check_seal(raw, path)
    try:
        manifest = _reader().validate_python(raw)
    except ValidationError as error:
        raise damaged(path, "checkpoint manifest", error) from error
    outside = next((name for name in manifest.files if not is_inside(name)), None)
    if outside is not None:
        raise DataError(f"the checkpoint manifest names a file outside: '{outside}'", at=str(path), fix=_RESTORE)
    return manifest


def verify(folder: Path, depth: Depth = Depth.HASHES) -> list[Problem]:
    """Compares a checkpoint with its manifest: every file there, no other, each as it was written.

    Args:
        folder: the checkpoint.
        depth: whether sizes are compared, or hashes too, or all numbers are to be finite besides.

    Returns:
        What is wrong, all of it; empty if the checkpoint is whole.
    """
    try:
        manifest = load_manifest(folder)
    except DataError as error:
        return list(error.problems)
    present = {name: path for name, path in files_in(folder).items() if name != MANIFEST}
    problems = _misplaced(folder, manifest)
    problems += [
        Problem(f"the file '{name}' is missing", str(folder / name), _RESTORE)
        for name in sorted(manifest.files.keys() - present.keys())
    ]
    problems += [
        Problem(f"the file '{name}' is not in the manifest", str(path), f"remove it: rm '{path}'")
        for name, path in sorted(present.items())
        if name not in manifest.files
    ]
    there = {name: present[name] for name in manifest.files if name in present}
    problems += [fault for name, path in there.items() for fault in _differs(name, path, manifest.files[name])]
    if depth == Depth.SIZES:
        return problems
    faulty = {problem.at for problem in problems}
    alike = {name: path for name, path in there.items() if str(path) not in faulty}
    tensors = [name for name in alike if name.endswith(SAFETENSORS)] if depth == Depth.NUMBERS else []
    for name, found in scan_all(alike, finite=tensors):
        problems += _compare(name, alike[name], found, manifest.files[name])
    return problems


def files_in(folder: Path) -> dict[str, Path]:
    """Every file and link below `folder`, by its path with `/`."""
    found = sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return {str(PurePosixPath(path.relative_to(folder))): path for path in found}


def check_kinds(files: Mapping[str, Path], folder: Path) -> None:
    """Refuses files that have no place in a checkpoint.

    Raises:
        EcrError: one of them is a pickle or no plain file, or there are none.
    """
    for name, path in files.items():
        if path.suffix.lower() in PICKLES:
            raise EcrError(f"a checkpoint can't hold the pickle file '{name}'", at=str(path), fix=_NO_PICKLE)
        if not _is_plain(path):
            kind = "link" if path.is_symlink() else "special file"
            raise EcrError(f"a checkpoint can't hold the {kind} '{name}'", at=str(path), fix="write the file itself")
    if not files:
        raise EcrError("a checkpoint can't be empty", at=str(folder), fix="write the weights into it")


def is_inside(name: str) -> bool:
    """Whether a path, as a manifest or an index has it, stays in its folder."""
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and "\0" not in name


@lru_cache(maxsize=1)
def _reader() -> TypeAdapter[Manifest]:
    """Made once: it takes longer than to read a manifest with it."""
    return TypeAdapter(Manifest)


def _check_seal(raw: Mapping[str, Any], path: Path) -> None:
    schema, seal = raw["schema"], raw.get("seal")
    if schema < _SEALED_SINCE and seal is None:
        return
    text = path.read_bytes().decode()
    if not isinstance(seal, str) or _digest(text.replace(seal, _NO_SEAL)) != seal:
        raise DataError("the checkpoint manifest is not as it was written", at=str(path), fix=_RESTORE)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _misplaced(folder: Path, manifest: Manifest) -> list[Problem]:
    """Whether the folder's name speaks of another step; a folder elsewhere may have any name."""
    step = _STEP.fullmatch(folder.name)
    if step is None or int(step.group(1)) == manifest.step:
        return []
    what = f"the file '{MANIFEST}' is that of step {manifest.step}"
    return [Problem(what, str(folder / MANIFEST), _RESTORE)]


def _differs(name: str, path: Path, entry: FileEntry) -> list[Problem]:
    """What shows of a file without reading it."""
    if not _is_plain(path):
        return [Problem(f"'{name}' is not a plain file", str(path), _RESTORE)]
    size = path.stat().st_size
    if size != entry.size:
        return [Problem(f"the file '{name}' has {size} bytes, not {entry.size}", str(path), _RESTORE)]
    return []


def _compare(name: str, path: Path, found: Scan | DataError, entry: FileEntry) -> list[Problem]:
    """What shows of a file once it is read."""
    if isinstance(found, DataError):
        return list(found.problems)
    if found.sha256 != entry.sha256:
        return [Problem(f"the file '{name}' has another SHA-256 than the manifest says", str(path), _RESTORE)]
    return [
        Problem(f"the tensor '{tensor}' in '{name}' is not finite", str(path), _RESTORE) for tensor in found.not_finite
    ]


def _is_plain(path: Path) -> bool:
    return stat.S_ISREG(path.lstat().st_mode)


_NO_PICKLE = "save tensors as .safetensors and the rest as .json"
_RESTORE = "use another checkpoint: `ecrctl checkpoint list RUN`"
