"""What a safetensors file says of itself: its header, read and checked without loading a tensor or torch.

A file is the length of its header (8 bytes, little-endian), the header (JSON: name to dtype, shape and place), and the
tensors one after the other. Source: the format's page at huggingface.co/docs/safetensors.
"""

from __future__ import annotations

import json
import math
import struct
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ecr_engine.errors import DataError

SAFETENSORS = ".safetensors"
LONGEST_HEADER = 100_000_000
"""Bytes of a header at most: the same limit that the safetensors library has."""

BITS = {
    **{"BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6},
    **{"I16": 16, "U16": 16, "F16": 16, "BF16": 16},
    **{"I32": 32, "U32": 32, "F32": 32},
    **{"I64": 64, "U64": 64, "F64": 64, "C64": 64},
}
"""Bits of one element by dtype."""

_LENGTH = 8
_METADATA = "__metadata__"
_SCALES = (".absmax", ".quant_map", ".nested_absmax", ".nested_quant_map", ".SCB", ".weight_format")
_FIX = "use another checkpoint, or a whole copy of the file"


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """Where one tensor lies.

    Attributes:
        name: its name.
        dtype: as the header spells it, such as F32.
        shape: its size in each dimension.
        start: its first byte in the file.
        end: the byte after its last.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int

    @property
    def elements(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class TensorSummary:
    """What a file holds.

    Attributes:
        tensors: how many.
        parameters: how many weights they are; of 4-bit ones two to a byte, scales not counted.
        dtypes: number of tensors by dtype, the most frequent first.
    """

    tensors: int
    parameters: int
    dtypes: dict[str, int]


def read_tensors(path: Path) -> tuple[TensorEntry, ...]:
    """The tensors of a file, in the order in which they lie.

    Raises:
        DataError: the header is damaged, or does not fit the file.
    """
    with path.open("rb") as handle:
        header, first = _header(handle, path)
        size = path.stat().st_size
    entries = [_entry(name, facts, first, path) for name, facts in header.items() if name != _METADATA]
    entries.sort(key=lambda entry: (entry.start, entry.end))
    place = first
    for entry in entries:
        if entry.start != place:
            raise _damaged(path, f"the tensor '{entry.name}' does not lie where the one before it ends")
        place = entry.end
    if place != size:
        raise _damaged(path, f"it has {size} bytes, and its header speaks of {place}")
    return tuple(entries)


def summarise(entries: tuple[TensorEntry, ...]) -> TensorSummary:
    """What the tensors of a file come to."""
    names = {entry.name for entry in entries}
    parameters = 0
    for entry in entries:
        if not entry.name.endswith(_SCALES) and ".quant_state." not in entry.name:
            packed = entry.dtype == "U8" and f"{entry.name}.absmax" in names
            parameters += 2 * entry.elements if packed else entry.elements
    return TensorSummary(len(entries), parameters, dict(Counter(entry.dtype for entry in entries).most_common()))


def _header(handle: BinaryIO, path: Path) -> tuple[dict[str, Any], int]:
    """The header, and the place of the first byte after it."""
    size = path.stat().st_size
    prefix = handle.read(_LENGTH)
    if len(prefix) < _LENGTH:
        raise _damaged(path, f"it has only {size} bytes")
    length = struct.unpack("<Q", prefix)[0]
    if length > LONGEST_HEADER:
        raise _damaged(path, f"its header would have {length} bytes, and {LONGEST_HEADER} is the most")
    if _LENGTH + length > size:
        raise _damaged(path, f"its header would have {length} bytes, and the file has {size}")
    try:
        header = json.loads(handle.read(length))
    except (ValueError, RecursionError) as error:
        raise _damaged(path, "its header is not JSON") from error
    if not isinstance(header, dict):
        raise _damaged(path, "its header is not a JSON object")
    return header, _LENGTH + length


def _entry(name: str, facts: Any, first: int, path: Path) -> TensorEntry:
    match facts:
        case {"dtype": str(dtype), "shape": [*shape], "data_offsets": [int(start), int(end)]} if dtype in BITS and all(
            isinstance(side, int) and side >= 0 for side in shape
        ):
            entry = TensorEntry(name, dtype, tuple(shape), first + start, first + end)
        case _:
            raise _damaged(path, f"its header does not say what the tensor '{name}' is")
    if start < 0 or (entry.end - entry.start) * 8 != entry.elements * BITS[dtype]:
        raise _damaged(path, f"the tensor '{name}' has another size than its shape")
    return entry


def _damaged(path: Path, why: str) -> DataError:
    return DataError(f"'{path.name}' is no whole safetensors file: {why}", at=str(path), fix=_FIX)
