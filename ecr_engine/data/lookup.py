"""Finds one example among the files of a processed folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ecr_engine.data.schema import Example, Split
from ecr_engine.data.store import readable, split_path, stream_examples
from ecr_engine.errors import UsageError, suggestion


@dataclass(frozen=True, slots=True)
class Found:
    """An example and its place.

    Attributes:
        example: the example.
        path: its file.
        number: its line, from 1.
        total: lines of the file.
    """

    example: Example
    path: Path
    number: int
    total: int


def split_named(name: str) -> Split:
    """The split of a name.

    Raises:
        UsageError: there is none.
    """
    if name not in list(Split):
        raise UsageError(f"unknown split '{name}'", at="--split", fix=suggestion(name, list(Split)))
    return Split(name)


def numbered(folder: Path, split: Split, number: int) -> Found:
    """The example of a number.

    Args:
        folder: a folder that `process` wrote.
        split: the split.
        number: from 1.

    Raises:
        UsageError: the split has fewer examples.
        DataError: the file is missing, or a line before it is no example.
    """
    path = split_path(folder, split)
    for example in islice(stream_examples(path), number - 1, number):
        return Found(example, path, number, _lines(path))
    total = _lines(path)
    fix = f"name one of 1 to {total}" if total else "the split is empty: name another with --split"
    raise UsageError(f"there is no example {number}", at=str(path), fix=fix)


def identified(folder: Path, splits: Sequence[Split], example_id: str) -> Found:
    """The example of an id.

    Args:
        folder: a folder that `process` wrote.
        splits: where to look.
        example_id: `CONVERSATION:TURN`.

    Raises:
        UsageError: none of the splits has it; the message holds what its conversation has.
        DataError: a file is missing, or a line of it is no example.
    """
    conversation = example_id.rpartition(":")[0] or example_id
    beside = []
    for split in splits:
        path = split_path(folder, split)
        for number, example in enumerate(stream_examples(path), start=1):
            if example.example_id == example_id:
                return Found(example, path, number, _lines(path))
            if example.conversation_id == conversation:
                beside.append(example.example_id)
    fix = f"its conversation has {', '.join(beside)}" if beside else "an id is CONVERSATION:TURN, such as 391:3"
    raise UsageError(f"there is no example '{example_id}'", at=str(folder), fix=fix)


def _lines(path: Path) -> int:
    with readable(path), path.open("rb") as handle:
        return sum(1 for _ in handle)
