"""GoEmotions: comments labelled with 27 emotions or neutral.

A row of `{train,dev,test}.tsv` is a text, comma-separated label ids and a comment id, with neither a head nor quotes;
`labels.txt` names the labels, one a line, in the order of their ids.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from ecr_engine.data.fetch.corpus import Corpus, FileCount, RemoteFile
from ecr_engine.data.fetch.rows import REFETCH, text_lines
from ecr_engine.errors import DataError

LABELS = "labels.txt"
SPLITS = ("train.tsv", "dev.tsv", "test.tsv")
_FIELDS = 3


def build() -> Corpus:
    """The corpus."""
    return Corpus(
        name="goemotions",
        explanation="comments labelled with 27 emotions or neutral",
        licence="Apache-2.0",
        citation=(
            "Demszky, Movshovitz-Attias, Ko, Cowen, Nemade, Ravi: GoEmotions: A Dataset of Fine-Grained Emotions. "
            "ACL 2020"
        ),
        page="https://github.com/google-research/google-research/tree/master/goemotions",
        files=(
            *(RemoteFile(name, f"goemotions_{Path(name).stem}") for name in SPLITS),
            RemoteFile(LABELS, "goemotions_labels"),
        ),
        count=count,
    )


def count(folder: Path) -> tuple[FileCount, ...]:
    """Reads the three splits strictly.

    Args:
        folder: holds `labels.txt` and the splits.

    Raises:
        DataError: a row is not as it must be, or an id has no label.
    """
    labels = _labels(folder / LABELS)
    return tuple(_count_split(folder / name, labels) for name in SPLITS)


def _labels(path: Path) -> list[str]:
    labels: list[str] = []
    for number, line in text_lines(path):
        if not line.strip() or line in labels:
            what = "a label is named twice" if line.strip() else "the line names no label"
            raise DataError.at_line(what, path, number, REFETCH)
        labels.append(line)
    return labels


def _count_split(path: Path, labels: list[str]) -> FileCount:
    counts: Counter[str] = Counter()
    rows = 0
    for number, line in text_lines(path):
        fields = line.split("\t")
        if len(fields) != _FIELDS:
            what = f"the row has {len(fields)} fields, not text, label ids and comment id"
            raise DataError.at_line(what, path, number, REFETCH)
        counts.update(_names(fields[1], labels, path, number))
        rows += 1
    return FileCount(path.name, rows, {label: counts[label] for label in labels})


def _names(ids: str, labels: list[str], path: Path, number: int) -> list[str]:
    """The labels of one row."""
    names = []
    for text in ids.split(","):
        if not (text.isascii() and text.isdecimal()) or int(text) >= len(labels):
            what = f"'{text}' is no label id: they go from 0 to {len(labels) - 1}"
            raise DataError.at_line(what, path, number, REFETCH)
        names.append(labels[int(text)])
    return names
