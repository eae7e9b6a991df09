"""Labels that people gave, from a CSV file, as another judge's scores.

A row is found by its column `example_id`, and by `who` where the file has it. Labels of several
people on one response are averaged; an empty cell is no label.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from ecr_engine.errors import DataError, UsageError, suggestion
from ecr_engine.scoring.dimensions import Dimension, DimensionSet
from ecr_engine.scoring.items import Item, JudgedFile, Key

IDENTITY = ("example_id", "who")
"""Columns that say which response a row is about; the first has to be there."""


@dataclass(frozen=True, slots=True)
class Labels:
    """Where labels are.

    Attributes:
        path: the CSV file, with a head.
        columns: column by dimension.
        scale: lowest and highest label; None if labels are on the scale of their dimension.
    """

    path: Path
    columns: Mapping[str, str]
    scale: tuple[float, float] | None = None


def parse_columns(texts: Sequence[str], dimensions: DimensionSet) -> dict[str, str]:
    """Columns by dimension, from `COLUMN` (named as the dimension) or `COLUMN=DIMENSION`.

    Raises:
        UsageError: a dimension is not of the set, or is named twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        column, equals, dimension = text.partition("=")
        name = dimension if equals else column
        if name not in dimensions.names:
            raise UsageError(
                f"the dimensions '{dimensions.name}' have no '{name}'",
                at=f"--column {text}",
                fix=f"{suggestion(name, dimensions.names)}; a column of another name: --column COLUMN=DIMENSION",
            )
        if name in found:
            raise UsageError(f"two columns for '{name}'", at=f"--column {text}", fix="name one column a dimension")
        found[name] = column
    return found


def parse_scale(text: str) -> tuple[float, float]:
    """Lowest and highest label, from `LOW:HIGH`.

    Raises:
        UsageError: it is something else.
    """
    low, _, high = text.partition(":")
    try:
        found = float(low), float(high)
    except ValueError:
        found = math.nan, math.nan
    if not (math.isfinite(found[0]) and math.isfinite(found[1]) and found[0] < found[1]):
        raise UsageError(f"'{text}' is no scale", at="--scale", fix="write LOW:HIGH, such as --scale 1:5")
    return found


def labelled(labels: Labels, judged: JudgedFile) -> JudgedFile:
    """The labels of a judge's items, as a file of their own.

    Raises:
        DataError: the file is missing or damaged, lacks a column, or a label is none or could be of several responses.
    """
    given, identity = _read(labels, judged.dimensions)
    wanted: dict[tuple[str, ...], Key] = {}
    for key, item in judged.items.items():
        name = _identity(item, identity)
        if name in given and name in wanted:
            raise DataError(
                f"the label of '{item.example_id}' could be of several responses",
                at=str(labels.path),
                fix="add a column `who` that says whose response was labelled",
            )
        wanted[name] = key
    blank = (math.nan,) * len(judged.dimensions.names)
    unknown = ((f"{name}".encode(), Item(name[0], "", "", blank)) for name in given if name not in wanted)
    items = {
        key: _scored(judged.items[key], given[name], judged.dimensions) for name, key in wanted.items() if name in given
    }
    return JudgedFile(labels.path, str(labels.path), judged.dimensions, {**items, **dict(unknown)}, 0)


Given = dict[tuple[str, ...], dict[str, list[float]]]
"""Labels by the identity of a response and by dimension."""


def _read(labels: Labels, dimensions: DimensionSet) -> tuple[Given, tuple[str, ...]]:
    if not labels.path.is_file():
        raise DataError(f"there is no file '{labels.path}'", at="--human", fix="name a CSV file with a head")
    found: Given = {}
    try:
        with labels.path.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle)
            identity = _check_head(labels, reader.fieldnames or ())
            for row in reader:
                name = tuple(row[column] or "" for column in identity)
                for dimension, label in _labels(row, labels, dimensions, reader.line_num):
                    found.setdefault(name, {}).setdefault(dimension, []).append(label)
    except UnicodeDecodeError as error:
        raise DataError("the labels are not UTF-8 text", at=str(labels.path), fix="save the file as UTF-8") from error
    except csv.Error as error:
        raise DataError(f"the labels are no CSV: {error}", at=str(labels.path), fix="save the file as CSV") from error
    if not found:
        raise DataError("the file has no labels", at=str(labels.path), fix="fill in the columns, or name others")
    return found, identity


def _check_head(labels: Labels, head: Sequence[str]) -> tuple[str, ...]:
    for column in (IDENTITY[0], *labels.columns.values()):
        if column not in head:
            known = ", ".join(head) or "none"
            raise DataError.at_line(
                f"the labels have no column '{column}'", labels.path, 1, f"the columns are: {known}"
            )
    return tuple(column for column in IDENTITY if column in head)


def _labels(
    row: Mapping[str, str | None], labels: Labels, dimensions: DimensionSet, line: int
) -> Iterator[tuple[str, float]]:
    for name, column in labels.columns.items():
        text = (row[column] or "").strip()
        if text:
            yield name, _label(text, dimensions.dimension(name), labels, column, line)


def _label(text: str, dimension: Dimension, labels: Labels, column: str, line: int) -> float:
    """A label, on the scale of its dimension."""
    low, high = labels.scale or (dimension.low, dimension.high)
    try:
        label = float(text)
    except ValueError:
        label = math.nan
    if not low <= label <= high:
        raise DataError.at_line(
            f"the label '{text}' in column '{column}' is no number from {low:g} to {high:g}",
            labels.path,
            line,
            "say how labels are scaled: --scale LOW:HIGH; or mend the cell",
        )
    return dimension.low + (label - low) / (high - low) * (dimension.high - dimension.low)


def _identity(item: Item, columns: Sequence[str]) -> tuple[str, ...]:
    return (item.example_id, item.who)[: len(columns)]


def _scored(item: Item, given: Mapping[str, Sequence[float]], dimensions: DimensionSet) -> Item:
    scores = tuple(fmean(given[name]) if name in given else math.nan for name in dimensions.names)
    return Item(item.example_id, item.conversation_id, item.who, scores)
