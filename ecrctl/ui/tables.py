"""Small tables: a head, rows of text, and columns that go when they do not fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ecrctl.ui.numbers import clip

_GAPS = (2, 1)
"""Blanks between columns: where there is room, and where there is not."""

_SHORTEST = 6
"""A heading keeps so many characters."""

_NARROWEST = 8
"""A column that folds where room is short keeps so many cells, if it has so many."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column.

    Attributes:
        head: its heading.
        right: whether it is set flush right, as numbers are.
        short: the heading where room is short; the same if empty.
        spare: the greater, the sooner the column goes when the table is too wide; 0 stays.
        folds: whether long cells are broken over several lines; one that does not is never broken.
    """

    head: str
    right: bool = False
    short: str = ""
    spare: int = 0
    folds: bool = False


@dataclass(frozen=True, slots=True)
class _Layout:
    """One way to set a table: which columns, with which headings, how far apart, and which of them fold."""

    kept: tuple[int, ...]
    heads: tuple[str, ...]
    gap: int
    folding: tuple[int, ...] = ()


def table(columns: Sequence[Column], rows: Iterable[Sequence[str | Text]], width: int) -> Table:
    """A table without lines that fits into `width` columns if it can.

    Where it is too wide the gaps become narrow, then the headings short, and then spare columns go one by one, with the
    gaps and headings that fit then. If that is not enough, headings are cut with an ellipsis, the first column folds,
    numbers go but for the last column of them (no number is ever cut), all texts fold, and at last texts go too, but
    for the first column.
    """
    body = [list(row) for row in rows]
    layouts = list(_layouts(columns, body))
    layout = next((one for one in layouts if _width(columns, body, one) <= width), layouts[-1])
    drawn = Table(box=None, pad_edge=False, padding=(0, layout.gap, 0, 0), header_style="dim")
    for index in layout.kept:
        column = columns[index]
        drawn.add_column(
            layout.heads[index],
            justify="right" if column.right else "left",
            no_wrap=not _folds(columns, index, layout),
            overflow="fold",
        )
    for row in body:
        drawn.add_row(*(_cell(row[index]) for index in layout.kept))
    return drawn


def _layouts(columns: Sequence[Column], rows: Sequence[Sequence[str | Text]]) -> Iterator[_Layout]:
    """The ways to set a table, from the widest to the narrowest."""
    heads = tuple(column.head for column in columns)
    short = tuple(column.short or column.head for column in columns)
    kept = list(range(len(columns)))
    while True:
        for gap in _GAPS:
            yield _Layout(tuple(kept), heads, gap)
        yield _Layout(tuple(kept), short, _GAPS[-1])
        if not any(columns[index].spare for index in kept):
            break
        kept.remove(max(kept, key=lambda index: columns[index].spare))
    cut = tuple(clip(head, max(_SHORTEST, _widest(rows, index))) for index, head in enumerate(short))
    yield _Layout(tuple(kept), cut, _GAPS[-1])
    yield _Layout(tuple(kept), cut, _GAPS[-1], (0,))
    for number in [index for index in kept[1:] if columns[index].right][:-1]:
        kept.remove(number)
        yield _Layout(tuple(kept), cut, _GAPS[-1], (0,))
    texts = tuple(index for index in kept if not columns[index].right)
    yield _Layout(tuple(kept), cut, _GAPS[-1], texts)
    for text in reversed(texts[1:]):
        kept.remove(text)
        yield _Layout(tuple(kept), cut, _GAPS[-1], texts)


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


def _folds(columns: Sequence[Column], index: int, layout: _Layout) -> bool:
    return columns[index].folds or index in layout.folding


def _widest(rows: Sequence[Sequence[str | Text]], index: int) -> int:
    """The width of the widest cell of a column."""
    return max((_cell(row[index]).cell_len for row in rows), default=0)


def _width(columns: Sequence[Column], rows: Sequence[Sequence[str | Text]], layout: _Layout) -> int:
    """How wide a table is at least; one that always folds counts with its head only."""
    total = 0
    for index in layout.kept:
        cells = 0 if columns[index].folds else _widest(rows, index)
        if index in layout.folding:
            cells = min(_widest(rows, index), _NARROWEST)
        total += max(cell_len(layout.heads[index]), cells) + layout.gap
    return total - layout.gap
