"""Unpacks an archive that may be hostile: nothing lands outside of its folder, and nothing is left of a bad one."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from ecr_engine.data.fetch.archive import ASK, Kind, Limits, Member, opened, too_many
from ecr_engine.data.fetch.disk import disk_error, write_all
from ecr_engine.errors import DataError

_LONGEST_NAME = 255
_DRIVE = re.compile(r"[A-Za-z]:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_JUNK = ("__MACOSX", ".DS_Store", "Thumbs.db")


@contextmanager
def unpacked(archive: Path, limits: Limits) -> Iterator[Path]:
    """A folder beside the archive that holds its files; it is gone when the block ends.

    A folder that holds everything is left out, and so is what operating systems add. All members are checked before
    the first is written.

    Args:
        archive: a zip or a tar.gz.
        limits: what it may unpack to.

    Raises:
        DataError: it is broken, has a password, passes a limit, or has a member that has no place in a folder of data.
        EcrError: the disk is full.
    """
    folder = archive.with_name(f".{archive.name}.unpacking")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        with opened(archive, folder, limits) as members:
            if len(members) > limits.members:
                raise too_many(archive, limits)
            for member, place in _places(archive, members):
                _write(archive, member, folder / place)
        yield folder
    finally:
        shutil.rmtree(folder)


def _places(archive: Path, members: Sequence[Member]) -> list[tuple[Member, PurePosixPath]]:
    """The files to write, and where in the folder."""
    for member in members:
        _check_member(archive, member)
    files = [(member, PurePosixPath(member.name)) for member in members if member.kind is Kind.FILE]
    _check_distinct(archive, [path for _, path in files])
    kept = [(member, path) for member, path in files if not any(part in _JUNK for part in path.parts)]
    tops = {path.parts[0] for _, path in kept}
    around = len(tops) == 1 and all(len(path.parts) > 1 for _, path in kept)
    return [(member, PurePosixPath(*path.parts[1:]) if around else path) for member, path in kept]


def _check_member(archive: Path, member: Member) -> None:
    if fault := _name_fault(member) or _kind_fault(member):
        shown = _CONTROL.sub("?", member.name[:_LONGEST_NAME])
        raise DataError(f"the archive is not safe: {fault}", at=f"{archive}:{shown}", fix=ASK)


def _name_fault(member: Member) -> str:
    name = member.name
    if name.startswith("/") or _DRIVE.match(name):
        return "a member has an absolute path"
    if ".." in name.replace("\\", "/").split("/"):
        return "a member's path leaves the folder"
    if "\\" in name or _CONTROL.search(name) or (member.kind is Kind.FILE and not PurePosixPath(name).parts):
        return "a member has an impossible name"
    if len(name.encode(errors="surrogateescape")) > _LONGEST_NAME:
        return f"a member's name is longer than {_LONGEST_NAME} bytes"
    return ""


def _kind_fault(member: Member) -> str:
    return "" if member.kind in {Kind.FILE, Kind.FOLDER} else f"a member is {member.kind}"


def _check_distinct(archive: Path, paths: Sequence[PurePosixPath]) -> None:
    """No two files of one path, also where upper and lower case are the same, and no file that is a folder too."""
    folders = {str(parent).casefold() for path in paths for parent in path.parents}
    seen: set[str] = set()
    for path in paths:
        name = str(path).casefold()
        if name in seen or name in folders:
            raise DataError("the archive is not safe: two members have one path", at=f"{archive}:{path}", fix=ASK)
        seen.add(name)


def _write(archive: Path, member: Member, path: Path) -> None:
    blocks = member.blocks()
    size = 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = path.open("xb", buffering=0)
    except OSError as error:
        raise disk_error(error, path) from error
    with handle:
        for block in blocks:
            write_all(handle, block, path)
            size += len(block)
    if size != member.size:
        raise DataError(
            f"the archive is broken: a member has {size:,} bytes, and its header claims {member.size:,}",
            at=f"{archive}:{member.name}",
            fix="fetch it again with --force",
        )
