"""Cuts the rows out of a file that is one JSON list, without holding or decoding the list."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from ecr_engine.data import files

_BLOCK = 1 << 20
_BOM = b"\xef\xbb\xbf"
_STRUCTURE = re.compile(rb'["\[\]{}]')
_STRING = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of the list.

    Attributes:
        line: the line that it starts on, from 1.
        content: its bytes; empty if there is a fault.
        fault: why it can't be cut out; empty otherwise.
    """

    line: int
    content: bytes
    fault: str = ""


def rows(handle: BinaryIO) -> Iterator[Row]:
    """The entries of the list in a file, one at a time; what can't be cut out is a row with a fault."""
    cutter = _Cutter()
    block = handle.read(_BLOCK).removeprefix(_BOM)
    while block and not cutter.hopeless:
        yield from cutter.feed(block)
        block = handle.read(_BLOCK)
    yield from cutter.close()


class _Cutter:
    """Follows strings and brackets through the bytes, however these are cut into blocks.

    Attributes:
        hopeless: whether the file is no list, so that there is nothing more to find.
    """

    def __init__(self) -> None:
        self.hopeless = False
        self._depth = 0  # 0 outside of the list, 1 between its entries
        self._closed = False
        self._in_string = False
        self._line = 1
        self._start = 1
        self._held = bytearray()  # the entry so far, or what stands between two
        self._length = 0  # of what should be held; more than is held where that is too long
        self._rest = b""  # a backslash at the end of a block: what it escapes is in the next

    def feed(self, block: bytes) -> Iterator[Row]:
        """The entries that end in a block."""
        block, self._rest, at = self._rest + block, b"", 0
        while at < len(block) and not self.hopeless:
            if self._in_string:
                at = self._string(block, at)
            elif (found := _STRUCTURE.search(block, at)) is not None:
                self._hold(block[at : found.start()])
                yield from self._mark(found[0])
                at = found.end()
            else:
                self._hold(block[at:])
                at = len(block)

    def close(self) -> Iterator[Row]:
        """What is wrong with the end of the file."""
        if self.hopeless:
            return
        if self._depth > 1 or self._in_string:
            yield Row(self._start, b"", "the file ends within this row")
        elif self._depth == 1:
            yield from self._between()
            yield Row(self._line, b"", "the file ends before its list does")
        elif self._held.strip():
            yield Row(self._line, b"", _MORE if self._closed else _NO_LIST)

    def _string(self, block: bytes, at: int) -> int:
        """Goes to the end of a string, or of the block."""
        found = _STRING.match(block, at)
        end = at if found is None else found.end()
        if block[end : end + 1] == b'"':
            self._in_string = False
            end += 1
        self._hold(block[at:end])
        self._rest = block[end:] if self._in_string else b""
        return len(block) if self._in_string else end

    def _mark(self, mark: bytes) -> Iterator[Row]:
        """Takes a quote or a bracket."""
        if self._depth == 0 and (mark != b"[" or self._closed or self._held.strip()):
            self.hopeless = True
            yield Row(self._line, b"", _MORE if self._closed else _NO_LIST)
        elif mark == b'"':
            self._hold(mark)
            self._in_string = True
        elif mark in b"[{":
            if self._depth == 1:
                yield from self._between()
                self._start = self._line
            self._depth += 1
            if self._depth > 1:
                self._hold(mark)
        else:
            yield from self._end(mark)

    def _end(self, mark: bytes) -> Iterator[Row]:
        """Takes a closing bracket."""
        self._depth -= 1
        if self._depth == 0:
            yield from self._between()
            self._closed = True
            return
        self._hold(mark)
        if self._depth == 1:
            fits = self._length <= files.LONGEST_LINE
            too_long = f"the row has {self._length:,} bytes; {files.LONGEST_LINE:,} is the limit"
            yield Row(self._start, bytes(self._held) if fits else b"", "" if fits else too_long)
            self._drop()

    def _between(self) -> Iterator[Row]:
        """Looks at what stands between two entries: a comma, and blanks."""
        if stray := self._held.strip().strip(b",").strip():
            yield Row(self._line, b"", f"an entry of the list is no object: {stray[:20].decode('utf-8', 'replace')}")
        self._drop()

    def _drop(self) -> None:
        self._held.clear()
        self._length = 0

    def _hold(self, content: bytes) -> None:
        self._line += content.count(b"\n")
        self._length += len(content)
        if self._length <= files.LONGEST_LINE:
            self._held += content


_NO_LIST = "the file is not a list of rows"
_MORE = "there is more in the file than one list"
