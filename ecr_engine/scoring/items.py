"""Files of judgements as numbers by item, so that files of several judges can be laid side by side.

An item is a response to an example: the same example and the same words are the same item in every file, whatever the
file calls the one who said them. Where a file has them twice, the first is one item and the second another.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ecr_engine.errors import DataError, UsageError
from ecr_engine.scoring.dimensions import DimensionSet, dimension_set
from ecr_engine.scoring.store import JudgedRow, read_judgements

Key = bytes


@dataclass(frozen=True, slots=True)
class Item:
    """What a judge's file has on one item.

    Attributes:
        example_id: the example.
        conversation_id: the dialogue it is from.
        who: whose response it is.
        scores: one score for each dimension of the set, NaN where there is none.
    """

    example_id: str
    conversation_id: str
    who: str
    scores: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class JudgedFile:
    """A file of judgements, without its texts.

    Attributes:
        path: the file.
        name: what it is called in tables: its judges, or its own name if it does not say.
        dimensions: the set that was scored.
        items: what it says of each item, in its order.
        failed: rows with a failure; they are items too.
    """

    path: Path
    name: str
    dimensions: DimensionSet
    items: Mapping[Key, Item]
    failed: int

    def column(self, dimension: str) -> dict[Key, float]:
        """The scores of one dimension, without the items that lack it."""
        place = self.dimensions.names.index(dimension)
        return {key: item.scores[place] for key, item in self.items.items() if not math.isnan(item.scores[place])}


class Keys:
    """Gives the rows of one file their keys, in order."""

    def __init__(self) -> None:
        self._seen: Counter[bytes] = Counter()

    def __call__(self, row: JudgedRow) -> Key:
        """The key of the next row."""
        text = f"{len(row.example_id)}:{row.example_id}{row.response}".encode("utf-8", "surrogatepass")
        digest = hashlib.sha256(text).digest()[:16]
        self._seen[digest] += 1
        again = self._seen[digest] - 1
        return digest if not again else digest + again.to_bytes(4, "big")


def read_files(paths: Sequence[Path]) -> list[JudgedFile]:
    """Files of judgements on the same dimensions; each has a name of its own.

    Raises:
        DataError: a file is missing, empty or damaged.
        UsageError: a file is named twice, or two files are on different dimensions.
    """
    for place, path in enumerate(paths):
        if path.resolve() in {other.resolve() for other in paths[:place]}:
            raise UsageError(f"'{path}' is named twice", at=str(path), fix="name the files of different judges")
    files = [_read(path) for path in paths]
    for file in files[1:]:
        if file.dimensions.name != files[0].dimensions.name:
            raise UsageError(
                f"'{files[0].path}' is on the dimensions '{files[0].dimensions.name}', "
                f"'{file.path}' on '{file.dimensions.name}'",
                at=str(file.path),
                fix="judge both with the same --dimensions",
            )
    counts = Counter(file.name for file in files)
    return [
        JudgedFile(file.path, f"{file.name} ({file.path})", file.dimensions, file.items, file.failed)
        if counts[file.name] > 1
        else file
        for file in files
    ]


def _read(path: Path) -> JudgedFile:
    keys, items, failed = Keys(), {}, 0
    first: JudgedRow | None = None
    for number, row in enumerate(read_judgements(path), start=1):
        first = first or row
        if row.set_name != first.set_name:
            raise DataError.at_line(
                f"the row is on the dimensions '{row.set_name}', the first one on '{first.set_name}'",
                path,
                number,
                "put rows on different dimensions into different files",
            )
        failed += row.judgement.failure is not None
        scores = tuple(row.judgement.scores.get(name, math.nan) for name in dimension_set(row.set_name).names)
        items[keys(row)] = Item(row.example_id, row.conversation_id, row.who, scores)
    if first is None:
        raise DataError("the file has no judgements", at=str(path), fix="make it with `ecrctl score run`")
    return JudgedFile(path, " + ".join(first.judges) or path.stem, dimension_set(first.set_name), items, failed)
