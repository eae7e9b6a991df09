"""A terminal small enough to read: it keeps rows, moves a cursor, and breaks its rows anew when it becomes narrow."""

from __future__ import annotations

import re

_PIECE = re.compile(r"\x1b\[(\?*)([0-9;]*)([A-Za-z])|([\r\n])|([^\x1b\r\n]+)")


class Screen:
    """Understands what Rich writes; every letter counts one cell.

    Args:
        width: columns.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self.rows = [""]
        self.row = 0
        self.column = 0
        self.cursor_shown = True
        self.encoding = "utf-8"

    def isatty(self) -> bool:
        return True

    def flush(self) -> None:
        """Nothing is held back."""

    def write(self, text: str) -> None:
        for private, numbers, command, control, letters in _PIECE.findall(text):
            if private:
                self.cursor_shown = command == "h" if numbers == "25" else self.cursor_shown
            elif command:
                self._move(command, numbers)
            elif control == "\r":
                self.column = 0
            elif control == "\n":
                self.row, self.column = self.row + 1, 0
                self.rows += [""] * (self.row + 1 - len(self.rows))
            else:
                self._put(letters)

    def narrow(self, width: int) -> None:
        """Becomes narrower, as most terminals do it: long rows are broken, and the cursor stays with its letter."""
        rows: list[str] = []
        for place, row in enumerate(self.rows):
            broken = [row[start : start + width] for start in range(0, max(1, len(row.rstrip())), width)]
            rows += broken
            if place == self.row:
                self.row, self.column = len(rows) - 1, min(self.column, len(broken[-1]))
                rest = len(rows)
        self.rows, self.width = rows[:rest], width

    def _move(self, command: str, numbers: str) -> None:
        if command == "A":
            self.row = max(0, self.row - int(numbers or 1))
        elif command == "K":
            self.rows[self.row] = ""

    def _put(self, letters: str) -> None:
        row = self.rows[self.row].ljust(self.column)
        self.rows[self.row] = row[: self.column] + letters + row[self.column + len(letters) :]
        self.column += len(letters)
