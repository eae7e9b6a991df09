"""Small tables: a head, rows of text, and columns that go when they do not fit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

_GAP = 2


@dataclass(frozen=True, slots=True)
class Column:
    """A column.

    Attributes:
        head: its heading.
        right: whether it is set flush right, as numbers are.
        spare: the greater, the sooner the column goes when the table is too wide; 0 stays.
        folds: whether long cells are broken over several lines; one that does not is never broken.
    """

    head: str
    right: bool = False
    spare: int = 0
    folds: bool = False


def table(columns: Sequence[Column], rows: Iterable[Sequence[str | Text]], width: int) -> Table:
    """A table without lines, at most `width` columns wide as long as spare columns can go."""
    body = [list(row) for row in rows]
    kept = list(range(len(columns)))
    while _width(columns, body, kept) > width and any(columns[index].spare for index in kept):
        kept.remove(max(kept, key=lambda index: columns[index].spare))
    drawn = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="dim")
    for index in kept:
        column = columns[index]
        drawn.add_column(
            column.head, justify="right" if column.right else "left", no_wrap=not column.folds, overflow="fold"
        )
    for row in body:
        drawn.add_row(*(_cell(row[index]) for index in kept))
    return drawn


def show(console: Console, columns: Sequence[Column], rows: Iterable[Sequence[str | Text]]) -> None:
    """Prints a table at the width of `console`."""
    console.print(table(columns, rows, console.width))


def facts(console: Console, pairs: Iterable[tuple[str, str]]) -> None:
    """Prints pairs of a label and a text, one a line."""
    entries = list(pairs)
    label = max((cell_len(name) for name, _ in entries), default=0)
    for name, text in entries:
        console.print(Text.assemble((f"{name:<{label}}  ", "dim"), text), soft_wrap=True)


def _cell(cell: str | Text) -> Text:
    return Text(cell) if isinstance(cell, str) else cell


def _width(columns: Sequence[Column], rows: Sequence[Sequence[str | Text]], kept: Sequence[int]) -> int:
    """How wide the table is with the columns `kept`; a column that folds counts with its head only."""
    total = 0
    for index in kept:
        cells = [] if columns[index].folds else [row[index] for row in rows]
        widths = [cell_len(cell) if isinstance(cell, str) else cell.cell_len for cell in cells]
        total += max([cell_len(columns[index].head), *widths]) + _GAP
    return total - _GAP
