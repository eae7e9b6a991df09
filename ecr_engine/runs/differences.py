"""How far two checkpoints are apart, tensor by tensor, read in blocks: memory stays flat however large they are."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ecr_engine.errors import DataError
from ecr_engine.runs.tensor_files import BITS, SAFETENSORS, TensorEntry, read_tensors

if TYPE_CHECKING:
    import numpy as np

BLOCK = 1 << 20
"""Numbers of each side that are held at once."""

TRAINER = "trainer"
"""The folder in a checkpoint with what only training needs."""

Change = Literal["same", "moved", "only in A", "only in B", "another shape"]

_FLOATS = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}
_WHOLES = {
    **{"BOOL": "u1", "U8": "u1", "I8": "i1", "I16": "<i2", "U16": "<u2"},
    **{"I32": "<i4", "U32": "<u4", "I64": "<i8", "U64": "<u8"},
}


@dataclass(frozen=True, slots=True)
class TensorDifference:
    """How far one tensor moved from A to B.

    Attributes:
        name: its name; of one in a folder below, with that before it.
        change: what became of it.
        elements: how many numbers it holds.
        moved: how many of them differ.
        largest: the greatest absolute difference.
        relative: the length of the difference by the length of A: 0 is the same; infinite if A is all zeros.
    """

    name: str
    change: Change
    elements: int
    moved: int = 0
    largest: float = 0.0
    relative: float = 0.0


@dataclass(frozen=True, slots=True)
class Difference:
    """How far two checkpoints are apart.

    Attributes:
        a: the first.
        b: the second.
        tensors: every tensor of either, the one that moved most first.
        relative: the length of the difference over all tensors that both have, by the length of A.
    """

    a: Path
    b: Path
    tensors: tuple[TensorDifference, ...]
    relative: float

    def count(self, change: Change) -> int:
        """How many tensors a change befell."""
        return sum(tensor.change == change for tensor in self.tensors)


@dataclass(frozen=True, slots=True)
class _Place:
    """A tensor and its file."""

    file: Path
    entry: TensorEntry


@dataclass(slots=True)
class _Sums:
    """What is added up over blocks: squares of the difference and of A, how many differ, the greatest difference."""

    apart: float = 0.0
    length: float = 0.0
    moved: int = 0
    largest: float = 0.0

    @property
    def relative(self) -> float:
        """The length of the difference by the length of A."""
        if self.apart == 0:
            return 0.0
        return math.sqrt(self.apart / self.length) if self.length > 0 and self.apart < math.inf else math.inf


def compare_tensors(a: Path, b: Path, *, everything: bool = False) -> Difference:
    """Compares the tensors of two checkpoints, wherever in their safetensors files they lie.

    Args:
        a: a folder.
        b: a folder.
        everything: also the state of the trainer: moments of the optimizers, and the value function.

    Raises:
        DataError: one of them has no tensors, or a damaged file.
    """
    left, right = _tensors(a, everything=everything), _tensors(b, everything=everything)
    found: list[TensorDifference] = []
    total = _Sums()
    for name in left | right:
        if name not in left or name not in right:
            side: Change = "only in A" if name in left else "only in B"
            found.append(TensorDifference(name, side, (left.get(name) or right[name]).entry.elements))
            continue
        found.append(_compare(name, left[name], right[name], total))
    found.sort(key=lambda tensor: (tensor.change == "same", -tensor.relative, tensor.name))
    return Difference(a, b, tuple(found), total.relative)


def _tensors(folder: Path, *, everything: bool) -> dict[str, _Place]:
    """The tensors of a folder by name; those of a file are told apart from those of a shard by nothing but the name."""
    files = sorted(folder.glob(f"*{SAFETENSORS}"))
    files += sorted(folder.glob(f"{TRAINER}/*{SAFETENSORS}")) if everything else []
    if not files:
        raise DataError(f"there are no safetensors files in {folder}", at=str(folder), fix="name a checkpoint")
    return {
        (entry.name if file.parent == folder else f"{TRAINER}/{file.stem}/{entry.name}"): _Place(file, entry)
        for file in files
        for entry in read_tensors(file)
    }


def _compare(name: str, left: _Place, right: _Place, total: _Sums) -> TensorDifference:
    """Compares one tensor, and adds what is found to the total."""
    if left.entry.shape != right.entry.shape:
        return TensorDifference(name, "another shape", left.entry.elements)
    sums = _Sums()
    if left.file.samefile(right.file):
        # Checkpoints share the file of a base that does not change: it is read once, for its length.
        for block in _numbers(left):
            sums.length += float(block @ block)
    else:
        for one, other in zip(_numbers(left), _numbers(right), strict=True):
            _add(sums, one, other)
    total.apart += sums.apart
    total.length += sums.length
    change: Change = "moved" if sums.moved else "same"
    return TensorDifference(name, change, left.entry.elements, sums.moved, sums.largest, sums.relative)


def _add(sums: _Sums, one: np.ndarray, other: np.ndarray) -> None:
    import numpy as np

    sums.length += float(one @ one)
    # Two numbers that are not finite are the same if they are the same; else their difference is not a number.
    differ = (one != other) & ~(np.isnan(one) & np.isnan(other))
    moved = int(differ.sum())
    if moved:
        apart = np.abs(other[differ] - one[differ])
        sums.moved += moved
        sums.apart += float(apart @ apart)
        sums.largest = max(sums.largest, float(apart.max()))


def _numbers(place: _Place) -> Iterator[np.ndarray]:
    """The numbers of a tensor, as float64, block by block.

    Raises:
        DataError: they are of a kind that can't be compared.
    """
    import numpy as np

    entry = place.entry
    kind = _FLOATS.get(entry.dtype) or _WHOLES.get(entry.dtype) or ("<u2" if entry.dtype == "BF16" else None)
    if kind is None:
        what = f"the tensor '{entry.name}' is of the kind {entry.dtype}, which can't be compared"
        raise DataError(what, at=str(place.file), fix="compare what was saved in another precision")
    left = entry.elements
    with place.file.open("rb") as handle:
        handle.seek(entry.start)
        while left > 0:
            raw = np.frombuffer(handle.read(min(left, BLOCK) * BITS[entry.dtype] // 8), dtype=kind)
            left -= len(raw)
            if entry.dtype == "BF16":
                # A bfloat16 is the upper half of a float32.
                raw = (raw.astype("<u4") << 16).view("<f4")
            yield raw.astype(np.float64)
