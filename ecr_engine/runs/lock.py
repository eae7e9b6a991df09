"""One process a run folder.

The lock is the kernel's (`flock`), which lets go of it when the process ends in whatever way: a stale lock file of a
dead process never stands in the way, and a process id that is in use again never looks like the owner. The file only
says who it is. Between machines that share a disk without sharing locks, the host in the file decides.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ecr_engine.errors import EcrError


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that holds a lock.

    Attributes:
        pid: its process id; 0 in the moment before it has written it.
        host: the machine's name.
    """

    pid: int
    host: str


@contextmanager
def locked(path: Path, what: str) -> Iterator[Holder | None]:
    """Holds the lock file `path`; removes it at the end.

    Yields:
        The process that left a stale lock behind, which is taken over; None if there was none.

    Args:
        path: the lock file; its folder exists.
        what: what it guards, for the message, such as "the run folder runs/demo".

    Raises:
        EcrError: another process holds it.
    """
    with _open_locked(path, what) as handle:
        _refuse_other_host(path, handle, what)
        stale = _read(handle)
        handle.seek(0)
        handle.truncate()
        handle.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname()}))
        handle.flush()
        try:
            yield stale
        finally:
            # Removed while still held: whoever opens the name next gets a new file.
            path.unlink(missing_ok=True)


def taken_over(stale: Holder) -> str:
    """What is said of a stale lock, such as a killed process leaves."""
    return f"process {stale.pid}, which was at work here, ended without a word: its lock was taken over"


def holder(path: Path) -> Holder | None:
    """Who holds the lock file `path`, or None; only looks, so that it never stands in the way of a start.

    A process on another machine is taken to be alive.
    """
    try:
        with path.open(encoding="utf-8") as handle:
            owner = _read(handle)
    except FileNotFoundError:
        return None
    return owner if owner is not None and (owner.host != socket.gethostname() or _is_alive(owner.pid)) else None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _open_locked(path: Path, what: str) -> IO[str]:
    while True:
        handle = path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = _read(handle) or Holder(0, socket.gethostname())
            handle.close()
            raise _in_use(path, what, owner, "wait until it ends, or stop it") from None
        # The former holder may have removed the file between `open` and `flock`.
        if path.exists() and os.fstat(handle.fileno()).st_ino == path.stat().st_ino:
            return handle
        handle.close()


def _refuse_other_host(path: Path, handle: IO[str], what: str) -> None:
    owner = _read(handle)
    if owner is not None and owner.host != socket.gethostname():
        raise _in_use(path, what, owner, f"if it no longer runs there, type: rm {path}")


def _in_use(path: Path, what: str, owner: Holder, fix: str) -> EcrError:
    return EcrError(f"{what} is in use by process {owner.pid} on {owner.host}", at=str(path), fix=fix)


def _read(handle: IO[str]) -> Holder | None:
    """The holder named in the file; None if the file names none, as after a crash while it was written."""
    handle.seek(0)
    try:
        raw = json.loads(handle.read())
        return Holder(int(raw["pid"]), str(raw["host"]))
    except (ValueError, KeyError, TypeError):
        return None
