"""Follows the events of a run that somebody else writes: each line is read once, however long the file becomes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from ecr_engine.runs.events import Event, parse_event

SECONDS_BETWEEN_LOOKS = 1.0
"""How often the file is looked at."""


def follow(path: Path, alive: Callable[[], bool], *, pause: float = SECONDS_BETWEEN_LOOKS) -> Iterator[Event]:
    """The events of a file, and those that are added to it while `alive` says so.

    Args:
        path: the events file; it need not be there yet.
        alive: whether somebody still writes.
        pause: seconds between two looks.
    """
    tail = _Tail(path)
    while True:
        # Asked before reading: what was written until somebody stopped is then read in this round.
        writing = alive()
        yield from tail.news(to_the_end=not writing)
        if not writing:
            return
        time.sleep(pause)


class _Tail:
    """The place in a file up to which it was read.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = (0, 0)
        self._offset = 0
        self._newest = self._known = 0.0

    def news(self, *, to_the_end: bool) -> Iterator[Event]:
        """The events since the last time.

        Args:
            to_the_end: also takes a last line that has no end; otherwise it is still being written.
        """
        if not self._path.exists():
            return
        with self._path.open("rb") as handle:
            self._find_place(handle)
            for line in handle:
                if not line.endswith(b"\n") and not to_the_end:
                    return
                self._offset += len(line)
                event = parse_event(line)
                if event is not None and event.time > self._known:
                    self._newest = max(self._newest, event.time)
                    yield event

    def _find_place(self, handle: IO[bytes]) -> None:
        """Goes to where the last look ended, or to the start of a file that took the place of the other."""
        state = os.fstat(handle.fileno())
        if (state.st_dev, state.st_ino) != self._file or state.st_size < self._offset:
            self._file, self._offset = (state.st_dev, state.st_ino), 0
            # A stage that runs again takes its old events out of the file; the others are in it once more.
            self._known = self._newest
        handle.seek(self._offset)
