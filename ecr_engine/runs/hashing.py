"""Size, SHA-256 and finiteness of files, in one pass over each; several files at a time.

hashlib and numpy let go of the interpreter's lock while they work, so two threads use two cores. A block is small
enough to stay in a core's cache between the hash and the look for numbers that are not finite, which then costs a
tenth of the hash.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING

from ecr_engine.errors import DataError
from ecr_engine.runs.tensor_files import TensorEntry, read_tensors

if TYPE_CHECKING:
    import numpy as np

BLOCK = 1 << 19
"""Bytes that are read at once."""

THREADS = 4
"""Files that are read at once, where there are so many cores."""

_EXPONENTS = {
    "F64": ("<u8", 0x7FF0000000000000),
    "F32": ("<u4", 0x7F800000),
    "C64": ("<u4", 0x7F800000),
    "BF16": ("<u2", 0x7F80),
    "F16": ("<u2", 0x7C00),
    "F8_E5M2": ("u1", 0x7C),
    "F8_E4M3": ("u1", 0x7F),
}
"""How to read a dtype as whole numbers, and the bits that are all set in NaN and infinity and in nothing else."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What a file holds.

    Attributes:
        size: bytes.
        sha256: hexadecimal digest of the content.
        not_finite: names of the tensors with a NaN or an infinity; empty where nobody looked.
    """

    size: int
    sha256: str
    not_finite: tuple[str, ...] = ()


def scan(path: Path, *, finite: bool = False) -> Scan:
    """Reads a file once.

    Args:
        path: the file.
        finite: whether it is a safetensors file whose numbers are looked at too.

    Raises:
        DataError: it is not a whole safetensors file, and `finite` is set.
    """
    digest, size, wrong = hashlib.sha256(), 0, []
    buffer = memoryview(bytearray(BLOCK))
    with path.open("rb") as handle:
        for entry, length in _parts(read_tensors(path) if finite else ()):
            exponent = _EXPONENTS.get(entry.dtype) if entry is not None else None
            whole = True
            for block in _blocks(handle, length, buffer):
                digest.update(block)
                size += len(block)
                whole = whole and (exponent is None or _finite(block, *exponent))
            if entry is not None and not whole:
                wrong.append(entry.name)
    return Scan(size, digest.hexdigest(), tuple(wrong))


def sha256_of(path: Path) -> str:
    """The hexadecimal SHA-256 of a file's content."""
    return scan(path).sha256


def scan_all(paths: Mapping[str, Path], *, finite: Sequence[str] = ()) -> Iterator[tuple[str, Scan | DataError]]:
    """Reads files, the largest first and several at a time.

    Args:
        paths: the files by name.
        finite: names of those that are safetensors files whose numbers are looked at too.

    Yields:
        Each name, in the order of `paths`, and what its file holds, or why it can't be read.
    """
    order = sorted(paths, key=lambda name: -paths[name].stat().st_size)
    with ThreadPoolExecutor(max_workers=min(THREADS, os.cpu_count() or 1)) as pool:
        begun = {name: pool.submit(_scan_or_error, paths[name], finite=name in finite) for name in order}
        for name in paths:
            yield name, begun[name].result()


def _scan_or_error(path: Path, *, finite: bool) -> Scan | DataError:
    try:
        return scan(path, finite=finite)
    except DataError as error:
        return error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        return DataError(f"the file '{path.name}' can't be read: {reason}", at=str(path), fix="see to the disk")


def _parts(entries: Sequence[TensorEntry]) -> Iterator[tuple[TensorEntry | None, int | None]]:
    """What lies in a file one after the other, with its bytes; the last part goes to the end."""
    yield from [(None, entries[0].start)] if entries else []
    for entry in entries:
        yield entry, entry.end - entry.start
    yield None, None


def _blocks(handle: BufferedReader, length: int | None, buffer: memoryview) -> Iterator[memoryview]:
    """The next `length` bytes of a file, or all that is left, piece by piece in the same memory."""
    left = length
    while left is None or left > 0:
        count = handle.readinto(buffer if left is None else buffer[:left])
        if not count:
            return
        yield buffer[:count]
        left = None if left is None else left - count


def _finite(block: memoryview, kind: str, exponent: int) -> bool:
    """Whether all numbers of a block are finite; blocks are cut where a number ends."""
    import numpy as np

    numbers: np.ndarray = np.frombuffer(block, dtype=kind)
    return bool((numbers & numbers.dtype.type(exponent)).max() != exponent)
