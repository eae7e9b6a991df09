"""Looks into a zip or a tar.gz that may be hostile: what its members are, and their bytes, counted as they come."""

from __future__ import annotations

import gzip
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO

from ecr_engine.data.fetch.disk import write_all
from ecr_engine.errors import DataError

ASK = "do not use this archive; set another address, or unpack it yourself and process the folder"
_BLOCK = 1 << 16
_BROKEN = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,
    OverflowError,
)
_PLAIN_PACKING = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_ENTRY = 1024
"""Bytes that the directory of a zip may spend on one member."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much an archive may unpack to.

    Attributes:
        max_bytes: bytes in all.
        members: files and folders.
        ratio: times its own size, once it is past `ratio_from`.
        ratio_from: bytes from which on the ratio matters.
    """

    max_bytes: int
    members: int = 10_000
    ratio: int = 200
    ratio_from: int = 100 * 2**20


class Kind(StrEnum):
    """What a member is."""

    FILE = "a file"
    FOLDER = "a folder"
    LINK = "a link"
    OTHER = "a device or another special file"


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of an archive.

    Attributes:
        name: its path as the archive writes it.
        kind: what it is.
        size: the bytes that it claims to have.
        blocks: its bytes; raises DataError when the archive passes its limits.
    """

    name: str
    kind: Kind
    size: int
    blocks: Callable[[], Iterator[bytes]]


class Budget:
    """Counts unpacked bytes as they come, whatever the headers claim.

    Args:
        archive: the archive.
        limits: what it may unpack to.
    """

    def __init__(self, archive: Path, limits: Limits) -> None:
        self._archive = archive
        self._limits = limits
        self._packed = archive.stat().st_size
        self._taken = 0

    def counted(self, handle: IO[bytes] | gzip.GzipFile) -> Iterator[bytes]:
        """The blocks of a stream.

        Raises:
            DataError: it passes a limit.
        """
        while block := handle.read(_BLOCK):
            self._taken += len(block)
            self._check()
            yield block

    def _check(self) -> None:
        limits = self._limits
        if self._taken > limits.max_bytes:
            raise DataError(
                f"the archive unpacks to more than {limits.max_bytes // 2**20:,} MiB",
                at=str(self._archive),
                fix="if it is meant to, allow more: --set fetch.max_unpacked_mib=N",
            )
        if self._taken > max(limits.ratio_from, limits.ratio * self._packed):
            raise DataError(
                f"the archive unpacks to more than {limits.ratio} times its size", at=str(self._archive), fix=ASK
            )


@contextmanager
def opened(archive: Path, scratch: Path, limits: Limits) -> Iterator[list[Member]]:
    """The members of an archive, whose kind is told by its content, not by its name.

    Args:
        archive: a zip or a tar.gz.
        scratch: a folder for temporary files.
        limits: what it may unpack to.

    Raises:
        DataError: it is neither, is broken, has a password or passes a limit.
    """
    budget = Budget(archive, limits)
    with archive.open("rb") as handle:
        head = handle.read(4)
    with _explained(archive):
        if head.startswith(b"PK"):
            _check_directory(archive, limits)
            with zipfile.ZipFile(archive) as packed:
                yield [_zip_member(archive, packed, info, budget) for info in packed.infolist()]
        elif head.startswith(b"\x1f\x8b"):
            tar = scratch / ".tar"
            _inflate(archive, tar, budget)
            with tar.open("rb") as handle, tarfile.open(fileobj=handle, mode="r:") as inner:
                # The name goes now, so that it is in nobody's way; the bytes when it is closed.
                tar.unlink()
                yield list(_tar_members(archive, inner, handle, limits))
        else:
            raise DataError("this is neither a zip nor a tar.gz", at=str(archive), fix=ASK)


@contextmanager
def _explained(archive: Path) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        raise DataError(
            f"the archive is broken: {error}", at=str(archive), fix="fetch it again with --force"
        ) from error


def too_many(archive: Path, limits: Limits) -> DataError:
    """The error for an archive of more members than anybody needs."""
    return DataError(f"the archive has more than {limits.members:,} members", at=str(archive), fix=ASK)


def _check_directory(archive: Path, limits: Limits) -> None:
    """Refuses a zip whose directory alone would fill the memory, before it is read.

    The directory's size stands in the record that ends the archive: 22 bytes, then a comment of up to 65,535 bytes.
    Archives over the limits of that record, which have a zip64 locator before it, have no place here.
    """
    with archive.open("rb") as handle:
        handle.seek(max(0, archive.stat().st_size - 22 - 65_535 - 20))
        tail = handle.read()
    place = tail.rfind(b"PK\x05\x06")
    if place < 0 or len(tail) < place + 22:
        raise zipfile.BadZipFile("its directory is missing, it may have been cut off")
    (size,) = struct.unpack_from("<L", tail, place + 12)
    if size > limits.members * _ENTRY or tail[max(0, place - 20) : place].startswith(b"PK\x06\x07"):
        raise too_many(archive, limits)


def _zip_member(archive: Path, packed: zipfile.ZipFile, info: zipfile.ZipInfo, budget: Budget) -> Member:
    if info.flag_bits & 0x1:
        raise DataError("the archive has a password", at=f"{archive}:{info.orig_filename}", fix=ASK)
    if info.compress_type not in _PLAIN_PACKING:
        raise DataError(
            "the member is packed in an unusual way", at=f"{archive}:{info.orig_filename}", fix="pack it with deflate"
        )

    def blocks() -> Iterator[bytes]:
        with packed.open(info) as handle:
            yield from budget.counted(handle)

    return Member(info.orig_filename, _zip_kind(info), info.file_size, blocks)


def _zip_kind(info: zipfile.ZipInfo) -> Kind:
    """From the Unix mode in the upper half of the attributes, where there is one."""
    form = stat.S_IFMT(info.external_attr >> 16)
    if form == stat.S_IFLNK:
        return Kind.LINK
    if form not in {0, stat.S_IFREG, stat.S_IFDIR}:
        return Kind.OTHER
    return Kind.FOLDER if info.is_dir() else Kind.FILE


def _inflate(archive: Path, tar: Path, budget: Budget) -> None:
    """Undoes the gzip, to its end, so that its checksum is verified."""
    with gzip.open(archive) as packed, tar.open("xb", buffering=0) as handle:
        for block in budget.counted(packed):
            write_all(handle, block, tar)


def _tar_members(archive: Path, packed: tarfile.TarFile, tar: IO[bytes], limits: Limits) -> Iterator[Member]:
    for index, info in enumerate(packed):
        if index == limits.members:
            raise too_many(archive, limits)
        yield Member(info.name, _tar_kind(info), info.size, _tar_blocks(packed, info))
    _check_rest(packed, tar)


def _tar_blocks(packed: tarfile.TarFile, info: tarfile.TarInfo) -> Callable[[], Iterator[bytes]]:
    def blocks() -> Iterator[bytes]:
        handle = packed.extractfile(info)
        assert handle is not None, info.name
        with handle:
            while block := handle.read(_BLOCK):
                yield block

    return blocks


def _tar_kind(info: tarfile.TarInfo) -> Kind:
    if info.isdir():
        return Kind.FOLDER
    if info.issym() or info.islnk():
        return Kind.LINK
    # A sparse file's holes are bytes that are nowhere in the archive.
    return Kind.FILE if info.isreg() and not info.issparse() else Kind.OTHER


def _check_rest(packed: tarfile.TarFile, tar: IO[bytes]) -> None:
    """After the last member there are only zeros; tarfile itself takes a broken header for the end."""
    tar.seek(packed.offset)
    while block := tar.read(_BLOCK):
        if block.strip(b"\0"):
            raise tarfile.ReadError("a member's header is damaged")
