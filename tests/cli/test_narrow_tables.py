"""Tables in narrow terminals: columns go, texts fold, and no number is ever cut."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from ecrctl.ui.tables import Column, table

COLUMNS = (
    Column("run"),
    Column("status"),
    Column("started", spare=1),
    Column("took", right=True),
    Column("profiles", spare=2),
)
ROWS = [
    ("runs/a-long-name-of-a-run", "done", "2026-11-22", "20:00", "demo"),
    ("runs/千と千尋", "failed", "", "1:05", ""),
]


def drawn(width: int) -> list[str]:
    stream = io.StringIO()
    Console(file=stream, width=width).print(table(COLUMNS, ROWS, width))
    return [line.rstrip() for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("width", "heads"),
    [
        # 25, 6, 10, 5 and 8 cells, with gaps of 1 between them.
        (58, ["run", "status", "started", "took", "profiles"]),
        (57, ["run", "status", "started", "took"]),
        (48, ["run", "status", "took"]),
        # From here on the run folds, down to 8 cells; then the status goes.
        (37, ["run", "status", "took"]),
        (21, ["run", "status", "took"]),
        (20, ["run", "took"]),
        (14, ["run", "took"]),
    ],
)
def test_columns_go_and_names_fold(width, heads) -> None:
    lines = drawn(width)
    assert lines[0].split() == heads
    assert max(cell_len(line) for line in lines) <= width
    assert all(any(took in line.split() for line in lines) for took in ("20:00", "1:05"))


def test_a_folded_name_is_whole() -> None:
    lines = drawn(20)
    assert "".join(line[:14].strip() for line in lines[1:4]).startswith("runs/a-long-name-of-a-run")
