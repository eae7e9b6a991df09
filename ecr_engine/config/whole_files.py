"""Settings files that are written whole or not at all: a full disk leaves what was there before."""

from __future__ import annotations

import os
import uuid
from pathlib import Path


def write_whole(path: Path, text: str, *, replace: bool) -> None:
    """Writes a UTF-8 file in one step.

    Args:
        path: the file; its folder exists. A link is followed, so that it stays one.
        text: the whole content.
        replace: whether a file that is there may be replaced.

    Raises:
        FileExistsError: there is one, and it may not be replaced.
        OSError: it can't be written; its `filename` is `path`, and nothing was changed.
    """
    target = path.resolve() if replace else path
    beside = target.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        if not replace:
            # Takes the name, so that of two who write it at once only one does.
            target.open("x").close()
        _put(beside, target, text, keep=replace)
    except OSError as error:
        # The system names no file that was open already, and the one beside is not the one that was asked for.
        error.filename, error.filename2 = str(path), None
        raise


def _put(beside: Path, target: Path, text: str, *, keep: bool) -> None:
    """Writes beside, and renames; if that fails, the target stays as it was, or goes unless it is to be kept."""
    try:
        with beside.open("x", encoding="utf-8") as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
        beside.replace(target)
    except BaseException:
        beside.unlink(missing_ok=True)
        if not keep:
            target.unlink(missing_ok=True)
        raise
