"""Writes bytes to a disk that may be full, with an error that names the file."""

from __future__ import annotations

import errno
from io import FileIO
from pathlib import Path

from ecr_engine.errors import EcrError


def write_all(handle: FileIO, block: bytes, path: Path) -> None:
    """Writes a block to an unbuffered file, all of it.

    Args:
        handle: the file.
        block: what to write.
        path: the file's path, for the error.

    Raises:
        EcrError: the disk is full, or broken.
    """
    rest = memoryview(block)
    try:
        while rest:
            rest = rest[handle.write(rest) :]
    except OSError as error:
        raise disk_error(error, path) from error


def disk_error(error: OSError, path: Path) -> EcrError:
    """What the system said when something could not be written, with the path, which it leaves out."""
    if error.errno == errno.ENOSPC:
        return EcrError("the disk is full", at=str(path), fix="free some space, and type the same command again")
    return EcrError(
        f"the file can't be written: {error.strerror or error}", at=str(path), fix="give another --output folder"
    )
