"""Files that are whole or not there: written beside, flushed to the disk, then renamed into place."""

from __future__ import annotations

import json
import math
import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_text(path: Path, text: str) -> None:
    """Writes a UTF-8 file in one step: a reader sees the old content or the new, never a part.

    Args:
        path: the file; its folder exists.
        text: the whole content.
    """
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file in one step: a reader sees the old content or the new, never a part.

    Args:
        path: the file; its folder exists.
        content: the whole content.
    """
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with beside.open("xb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        beside.replace(path)
    except BaseException as error:
        beside.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            # The system names no file that was open already.
            error.filename = str(path)
        raise
    sync_folder(path.parent)


def write_json(path: Path, data: object) -> None:
    """Writes JSON in one step, indented, keys in the order given.

    JSON has no NaN and no infinity: they are written as the texts "nan", "inf" and "-inf", which `float` reads.

    Args:
        path: the file; its folder exists.
        data: JSON values; mappings and tuples are allowed too.
    """
    write_text(path, json_text(data))


def json_text(data: object) -> str:
    """What `write_json` writes."""
    return json.dumps(_plain(data), ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def replace_link(link: Path, target: str) -> None:
    """Points a symbolic link at `target` in one step, whether or not it existed.

    Args:
        link: the link; its folder exists.
        target: what it points to, relative to the link's folder.
    """
    beside = link.with_name(f".{link.name}.{uuid.uuid4().hex}.tmp")
    beside.symlink_to(target)
    beside.replace(link)
    sync_folder(link.parent)


def sync_file(path: Path) -> None:
    """Forces a file's content to the disk."""
    _sync(path, os.O_RDONLY)


def sync_folder(path: Path) -> None:
    """Forces a folder's entries (new names, renames) to the disk."""
    _sync(path, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _plain(data: object) -> Any:
    match data:
        case float():
            return data if math.isfinite(data) else str(data)
        case Mapping():
            return {key: _plain(value) for key, value in data.items()}
        case list() | tuple():
            return [_plain(value) for value in data]
        case _:
            return data
