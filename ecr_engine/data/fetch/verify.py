"""Holds what came against what was asked for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from ecr_engine.data.fetch.address import Address
from ecr_engine.data.fetch.part import Part
from ecr_engine.errors import DataError

_WEB_PAGE = (b"<!doctype html", b"<html")


@dataclass(frozen=True, slots=True)
class Received:
    """A file that came.

    Attributes:
        sha256: its hash.
        size: its bytes.
    """

    sha256: str
    size: int


def check_hash(part: Part, address: Address, place: str) -> None:
    """Removes a part that is another file than the one asked for.

    Args:
        part: all bytes that came.
        address: says what they must be; without a hash everything is right.
        place: where they came from.

    Raises:
        DataError: the hash is another one.
    """
    if not address.sha256 or part.sha256 == address.sha256:
        return
    found = part.sha256
    what = "a web page, not the file asked for" if _is_web_page(part.path) else "not the file asked for"
    part.discard()
    raise DataError(
        f"what came is {what}: its SHA-256 is {found}, not {address.sha256}",
        at=place,
        fix=f"set {address.url_setting} to a mirror; if the file was rightly changed: "
        f"--set {address.hash_setting}={found}",
    )


def too_large(part: Part, max_bytes: int, place: str) -> DataError:
    """Removes a part that passed the limit, and returns the error."""
    part.discard()
    return DataError(
        f"the file is larger than {max_bytes // 2**20:,} MiB",
        at=place,
        fix="if it is meant to be, allow more: --set fetch.max_mib=N",
    )


def hash_of(path: Path) -> str:
    """SHA-256, in hexadecimal, of a file."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _is_web_page(path: Path) -> bool:
    with path.open("rb") as handle:
        return handle.read(512).lstrip().lower().startswith(_WEB_PAGE)
