"""Reads the lines of a labelled corpus strictly: UTF-8, and line numbers for whatever is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ecr_engine.errors import DataError

REFETCH = "fetch it again with --force; if it stays so, set another address of the file"


def text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Line numbers, from 1, and lines without their ends; a byte order mark is dropped.

    Raises:
        DataError: a line is not UTF-8.
    """
    with path.open("rb") as handle:
        for number, raw in enumerate(handle, start=1):
            try:
                text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise DataError.at_line("the line is not UTF-8", path, number, REFETCH) from error
            yield number, text.rstrip("\r\n")
