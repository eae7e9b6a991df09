"""Records of several lines: successive lines that name the same conversation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from ecr_engine.data.reader import Record


def runs(records: Iterable[Record], key: re.Pattern[bytes]) -> Iterator[Record]:
    """Joins successive records of one line each that have the same key; one without a key stays alone.

    Args:
        records: in the order of the file.
        key: finds the key in a line; its group is the key. As a quote within a JSON string is escaped, a pattern that
            begins with a quoted field name finds that field and nothing that somebody typed.
    """
    first: Record | None = None
    lines: list[bytes] = []
    last = b""
    for record in records:
        found = key.search(record.lines[0]) if record.lines else None
        if first is not None and found is not None and found[1] == last:
            lines += record.lines
            continue
        if first is not None:
            yield replace(first, lines=tuple(lines))
        first, lines, last = record, list(record.lines), found[1] if found else b""
    if first is not None:
        yield replace(first, lines=tuple(lines))
