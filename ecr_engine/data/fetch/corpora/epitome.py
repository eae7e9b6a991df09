"""EPITOME: how empathic a response to a post is, on three mechanisms of empathy, each at level 0, 1 or 2.

One CSV a mechanism, with a head: sp_id, rp_id (the two posts' ids), seeker_post, response_post, level, rationales (the
parts of the response that show it, joined by `|`). Posts may span lines.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from ecr_engine.data.fetch.corpus import Corpus, FileCount, RemoteFile
from ecr_engine.data.fetch.rows import REFETCH, text_lines
from ecr_engine.errors import DataError

MECHANISMS = ("emotional-reactions", "interpretations", "explorations")
COLUMNS = ("sp_id", "rp_id", "seeker_post", "response_post", "level", "rationales")
LEVELS = ("0", "1", "2")


def build() -> Corpus:
    """The corpus."""
    return Corpus(
        name="epitome",
        explanation="posts and responses with levels of three mechanisms of empathy",
        licence="BSD-3-Clause",
        citation=(
            "Sharma, Miner, Atkins, Althoff: A Computational Approach to Understanding Empathy Expressed in "
            "Text-Based Mental Health Support. EMNLP 2020"
        ),
        page="https://github.com/behavioral-data/Empathy-Mental-Health",
        files=tuple(RemoteFile(_file(name), f"epitome_{name.replace('-', '_')}") for name in MECHANISMS),
        count=count,
    )


def count(folder: Path) -> tuple[FileCount, ...]:
    """Reads the three files strictly.

    Raises:
        DataError: the columns are others, or a row is not as it must be.
    """
    return tuple(_count_file(folder / _file(name)) for name in MECHANISMS)


def _file(mechanism: str) -> str:
    return f"{mechanism}-reddit.csv"


def _count_file(path: Path) -> FileCount:
    counts: Counter[str] = Counter()
    column: int | None = None
    for line, row in _rows(path):
        if column is None:
            column = _level_column(path, row)
        elif len(row) != len(COLUMNS):
            raise DataError.at_line(f"the row has {len(row)} fields, not {len(COLUMNS)}", path, line, REFETCH)
        elif row[column] not in LEVELS:
            raise DataError.at_line(f"'{row[column]}' is no level: they are 0, 1 and 2", path, line, REFETCH)
        else:
            counts[row[column]] += 1
    if column is None:
        raise DataError.at_line("the file is empty", path, 1, REFETCH)
    return FileCount(path.name, counts.total(), {level: counts[level] for level in LEVELS})


def _level_column(path: Path, head: list[str]) -> int:
    if sorted(head) != sorted(COLUMNS):
        what = f"the columns are {', '.join(head)}, not {', '.join(COLUMNS)}"
        raise DataError.at_line(what, path, 1, REFETCH)
    return head.index("level")


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The line on which a row starts, and its fields; blank lines are left out."""
    reader = csv.reader((line for _, line in text_lines(path)), strict=True)
    first = 1
    try:
        for row in reader:
            if row:
                yield first, row
            first = reader.line_num + 1
    except csv.Error as error:
        raise DataError.at_line(f"the row can't be read: {error}", path, first, REFETCH) from error
