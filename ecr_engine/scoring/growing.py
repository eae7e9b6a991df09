"""A file of judgements that only grows: each row whole, and forced to the disk about once a second."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

SYNC_S = 1.0
"""Rows are forced to the disk after so many seconds."""

BLOCK = 1 << 16


def _nothing() -> None:
    """Nothing goes with the file."""


class GrowingFile:
    """A file that rows are added to; a context manager.

    Args:
        path: the file; made if need be, and taken away again if nothing was added to a new one.
        synced: called when the rows so far are on the disk.
    """

    def __init__(self, path: Path, synced: Callable[[], None] = _nothing) -> None:
        self._path = path
        self._synced = synced
        # Without a buffer of ours: what is written is the system's, and no kill of the process takes it back.
        self._handle = path.open("ab", buffering=0)
        self._since = time.monotonic()

    def __enter__(self) -> GrowingFile:
        return self

    def add(self, line: bytes) -> None:
        """Writes one row, with its end."""
        while line:
            line = line[self._handle.write(line) :]
        if time.monotonic() - self._since >= SYNC_S:
            self._sync()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._sync()
        finally:
            empty = self._handle.tell() == 0 and self._path.stat().st_size == 0
            self._handle.close()
            if empty:
                self._path.unlink()

    def _sync(self) -> None:
        os.fsync(self._handle.fileno())
        self._synced()
        self._since = time.monotonic()


def repair(path: Path) -> int:
    """Takes a last line away that a kill tore, and returns how many bytes that were."""
    size = path.stat().st_size
    with path.open("r+b") as handle:
        end = size
        while end > 0:
            start = max(0, end - BLOCK)
            handle.seek(start)
            newline = handle.read(end - start).rfind(b"\n")
            if newline >= 0:
                end = start + newline + 1
                break
            end = start
        if end < size:
            handle.truncate(end)
            os.fsync(handle.fileno())
    return size - end


def keep_rows(path: Path, count: int) -> None:
    """Takes all away that comes after the first `count` rows; there are at least so many."""
    with path.open("r+b") as handle:
        end = sum(len(handle.readline()) for _ in range(count))
        handle.truncate(end)
        os.fsync(handle.fileno())


def count_rows(path: Path) -> int:
    """Whole lines of a file; 0 if it is not there."""
    if not path.is_file():
        return 0
    with path.open("rb") as handle:
        return sum(block.count(b"\n") for block in iter(lambda: handle.read(BLOCK), b""))
