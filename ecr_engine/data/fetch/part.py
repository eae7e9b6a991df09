"""A file in the making: `NAME.part`, with `NAME.part.json` beside it, which says of what it is the beginning."""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from ecr_engine.data.fetch.disk import write_all
from ecr_engine.errors import EcrError
from ecr_engine.runs import atomic

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Origin:
    """What the bytes of a part belong to.

    Attributes:
        url: the address they were asked from.
        sha256: the hash that the whole file must have; empty if not known.
        etag: the server's name of this version of the file; empty if it gave none.
        modified: its Last-Modified; empty if it gave none.
        total: bytes of the whole file; None if the server did not say.
    """

    url: str
    sha256: str
    etag: str = ""
    modified: str = ""
    total: int | None = None

    @property
    def validator(self) -> str:
        """What If-Range may name: a strong ETag, or else the date; empty if there is neither."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.modified


class Part:
    """The bytes of a file that are there so far, hashed as they come. A context manager; the bytes outlive it.

    Args:
        target: the file to make.
        origin: what is fetched: address and hash. Bytes that belong to another origin are dropped.

    Raises:
        EcrError: another process is fetching this file, or the disk is full.
    """

    def __init__(self, target: Path, origin: Origin) -> None:
        self.target = target
        self.path = target.with_name(target.name + ".part")
        self._origin_path = target.with_name(target.name + ".part.json")
        # Unbuffered, so that nothing is left to be written, and to fail, when it is closed.
        self._handle = io.FileIO(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644), "r+")
        self._lock()
        self.size = 0
        self._hash = hashlib.sha256()
        recorded = self._recorded()
        if recorded is not None and (recorded.url, recorded.sha256) == (origin.url, origin.sha256):
            self.origin = recorded
            self._take_up()
        else:
            self.origin = origin
            self._empty()

    def __enter__(self) -> Part:
        return self

    def __exit__(self, *exc: object) -> None:
        try:
            self._handle.close()
        finally:
            self._drop_if_empty()

    @property
    def sha256(self) -> str:
        """The hash of the bytes so far."""
        return self._hash.hexdigest()

    def can_continue(self) -> bool:
        """Whether the server can be asked for the rest: there is a validator, or a hash that will tell."""
        return self.size > 0 and bool(self.origin.validator or self.origin.sha256)

    def restart(self, origin: Origin) -> None:
        """Drops the bytes: the file begins anew, as `origin` says."""
        self._empty()
        self.origin = origin
        atomic.write_json(self._origin_path, asdict(origin))

    def write(self, block: bytes) -> None:
        """Adds bytes.

        Raises:
            EcrError: the disk is full.
        """
        write_all(self._handle, block, self.path)
        self._hash.update(block)
        self.size += len(block)

    def finish(self) -> None:
        """The bytes become the file."""
        os.fsync(self._handle.fileno())
        self.path.replace(self.target)
        self._origin_path.unlink(missing_ok=True)
        atomic.sync_folder(self.target.parent)

    def discard(self) -> None:
        """Removes the bytes."""
        self.path.unlink(missing_ok=True)
        self._origin_path.unlink(missing_ok=True)

    def _lock(self) -> None:
        # The kernel lets go of it when the process ends in whatever way.
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._handle.close()
            raise EcrError(
                "another process is fetching this file", at=str(self.path), fix="wait for it, or name another --output"
            ) from error

    def _recorded(self) -> Origin | None:
        """What was noted of the bytes that are there; None if nothing that can be read."""
        try:
            return Origin(**json.loads(self._origin_path.read_bytes()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def _take_up(self) -> None:
        """Hashes the bytes that are there."""
        while block := self._handle.read(_BLOCK):
            self._hash.update(block)
            self.size += len(block)

    def _empty(self) -> None:
        if os.fstat(self._handle.fileno()).st_size:
            self._handle.seek(0)
            self._handle.truncate()
        self.size = 0
        self._hash = hashlib.sha256()

    def _drop_if_empty(self) -> None:
        """Nothing to resume from is nothing to keep."""
        if self.size == 0:
            self.discard()
