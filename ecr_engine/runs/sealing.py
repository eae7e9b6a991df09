"""The end of every save: numbers looked at, files described by a manifest, all of it on the disk.

Whatever is trained is saved through here: the checkpoints of a run, recognisers, and what is imported.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from ecr_engine.errors import DataError, DivergedError, EcrError
from ecr_engine.runs.atomic import sync_file, sync_folder
from ecr_engine.runs.hashing import scan_all
from ecr_engine.runs.manifest import FileEntry, Manifest, check_kinds, files_in, load_manifest, write_manifest
from ecr_engine.runs.space import FULL, MORE_SPACE, free_bytes
from ecr_engine.runs.tensor_files import SAFETENSORS

_RUST_ERROR = re.compile(r"os error (\d+)")
"""How the safetensors library, which raises no OSError, tells what the system said."""


def seal(
    folder: Path,
    step: int,
    metrics: Mapping[str, float],
    *,
    best: bool,
    origin: Mapping[str, str] | None = None,
    beside: Path | None = None,
) -> Manifest:
    """Makes a folder of files a checkpoint: checks them, writes the manifest, and flushes all to the disk.

    Each file is read once, right after it was written, so from memory: for its hash and for numbers that are not
    finite.

    Args:
        folder: the staging folder with all files of the checkpoint.
        step: the training step.
        metrics: the values at this step.
        best: whether this is the best so far.
        origin: where it came from, if it was not trained here.
        beside: a whole checkpoint whose hashes hold for the files that both share by a hard link; None for none.

    Raises:
        EcrError: there is a pickle, a link or nothing in it.
        DivergedError: a tensor is not finite.
        DataError: a safetensors file is damaged.
    """
    files = files_in(folder)
    check_kinds(files, folder)
    known = _shared(files, beside)
    fresh = {name: path for name, path in files.items() if name not in known}
    entries = dict(known)
    for name, found in scan_all(fresh, finite=[name for name in fresh if name.endswith(SAFETENSORS)]):
        if isinstance(found, DataError):
            raise found
        if found.not_finite:
            raise DivergedError(
                f"nothing is saved of step {step}: the tensor '{found.not_finite[0]}' in '{name}' is not finite",
                at=str(files[name]),
                fix="go on from the checkpoint before, with a lower learning rate: --resume auto",
            )
        entries[name] = FileEntry(found.size, found.sha256)
    values = {key: float(value) for key, value in metrics.items()}
    described = {name: entries[name] for name in files}
    manifest = Manifest(step, values, time.time(), best, described, dict(origin or {}))
    write_manifest(folder, manifest)
    _flush(folder)
    return manifest


@contextmanager
def room_for(what: str, folder: Path, staging: Path) -> Iterator[None]:
    """Turns what the system says when a disk is full into an error with path and bytes.

    Args:
        what: what is saved, as it follows "no space for".
        folder: where it would have been.
        staging: the folder that is written.

    Raises:
        EcrError: the disk is full.
    """
    try:
        yield
    except (OSError, SafetensorError) as error:
        if _code(error) not in FULL:
            raise
        written = sum(path.lstat().st_size for path in files_in(staging).values())
        free = free_bytes(folder)
        raise EcrError(
            f"no space for {what}: {written:,} bytes of it were written to {folder}, {free:,} bytes are free there now",
            at=str(folder),
            fix=MORE_SPACE,
        ) from error


def _code(error: OSError | SafetensorError) -> int | None:
    if isinstance(error, OSError):
        return error.errno
    told = _RUST_ERROR.search(str(error))
    return int(told.group(1)) if told else None


def _shared(files: Mapping[str, Path], beside: Path | None) -> dict[str, FileEntry]:
    """What is known of the files that are the same, on the disk, as those of another checkpoint."""
    if beside is None:
        return {}
    try:
        entries = load_manifest(beside).files
    except DataError:
        # What is wrong with it is for `verify` to tell; nothing is taken from it.
        return {}
    return {
        name: entries[name]
        for name, path in files.items()
        if name in entries and (beside / name).is_file() and path.samefile(beside / name)
    }


def _flush(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_dir():
            sync_folder(path)
        else:
            sync_file(path)
    sync_folder(folder)
