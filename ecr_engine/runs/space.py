"""Room on the disk, asked for before anything is written."""

from __future__ import annotations

import errno
import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from ecr_engine.errors import EcrError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the system says where there is no room."""

MORE_SPACE = "free some space, or keep fewer: --set checkpoints.keep_last=1; the checkpoint before it is whole"
"""What to do where a checkpoint has no room."""


def free_bytes(folder: Path) -> int:
    """Bytes that may still be written on the disk of a folder, which need not exist yet."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    return shutil.disk_usage(there).free


def check_space(what: str, folder: Path, needed: int) -> None:
    """Refuses to begin what has no room to end.

    Args:
        what: what is to be saved, as it follows "no space for".
        folder: where it is to be.
        needed: bytes that it takes.

    Raises:
        EcrError: fewer are free.
    """
    free = free_bytes(folder)
    if free < needed:
        raise EcrError(
            f"no space for {what}: it takes about {needed:,} bytes in {folder}, {free:,} bytes are free there now",
            at=str(folder),
            fix=MORE_SPACE,
        )


def freed_bytes(folders: Iterable[Path]) -> int:
    """Bytes that are free once the folders are gone.

    A file with a hard link elsewhere stays on the disk, and so does all that a link to a folder leads to.
    """
    sizes: dict[tuple[int, int], int] = {}
    links: Counter[tuple[int, int]] = Counter()
    total: dict[tuple[int, int], int] = {}
    for folder in folders:
        for path in () if folder.is_symlink() else folder.rglob("*"):
            if not path.is_dir():
                facts = path.lstat()
                place = facts.st_dev, facts.st_ino
                sizes[place], total[place] = facts.st_size, facts.st_nlink
                links[place] += 1
    return sum(size for place, size in sizes.items() if links[place] == total[place])
