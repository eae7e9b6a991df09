"""The event stream of a run: trainers emit, everything that draws reads."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ecr_engine.errors import EcrError
from ecr_engine.runs.atomic import write_bytes
from ecr_engine.runs.space import FULL, free_bytes


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    Attributes:
        time: seconds since the epoch.
        stage: the stage of the main job, such as "baseline" or "rl".
        step: the stage's step counter, from 0; 0 for events that have none.
        kind: "stage_started", "stage_finished", "stage_skipped", "progress" (values `done`, `total`, `what`), "step"
            (metrics of one training step), "validation", "checkpoint", "sample", "warning", "note",
            "config" (what the numbers that follow are, such as which KL estimators).
        values: key to number or text; the keys are those of the design (`objective/reward`, `policy/loss`, …).
    """

    time: float
    stage: str
    step: int
    kind: str
    values: Mapping[str, Any]


NON_FINITE = frozenset({"nan", "inf", "-inf"})
"""How `EventLog` writes the numbers that JSON lacks."""

Listener = Callable[[Event], None]


class Emit(Protocol):
    """How a trainer speaks."""

    def __call__(self, stage: str, kind: str, step: int = 0, /, **values: Any) -> None:
        """Records one event."""


class EventLog:
    """Appends events to `events.jsonl` and hands each to the listeners.

    Args:
        path: the file; its folder exists.
        listeners: called with every event, in order.
    """

    def __init__(self, path: Path, listeners: Sequence[Listener] = ()) -> None:
        self._path = path
        self._listeners = tuple(listeners)
        _end_torn_line(path)

    def emit(self, stage: str, kind: str, step: int = 0, /, **values: Any) -> None:
        """Writes one line and calls the listeners.

        Raises:
            EcrError: the disk is full.
        """
        event = Event(time.time(), stage, step, kind, values)
        line = json.dumps(
            {"time": event.time, "stage": stage, "step": step, "kind": kind, "values": _finite(values)},
            ensure_ascii=False,
        )
        self._append(line + "\n")
        for listener in self._listeners:
            listener(event)

    def _append(self, line: str) -> None:
        try:
            with self._path.open("a", encoding="utf-8") as handle:
                handle.write(line)
        except OSError as error:
            if error.errno not in FULL:
                raise
            # A part of the line may be there: it is skipped by readers, and ended by the next writer.
            free = free_bytes(self._path.parent)
            raise EcrError(
                f"no space for the events of the run, {free:,} bytes are free there now",
                at=str(self._path),
                fix="free some space, and go on: --resume auto; the newest checkpoint is whole",
            ) from error


def _finite(values: Mapping[str, Any]) -> dict[str, Any]:
    """JSON has no NaN and no infinity: they are written as text, so that nothing is lost and every reader can read."""
    return {k: str(v) if isinstance(v, float) and not math.isfinite(v) else v for k, v in values.items()}


def _end_torn_line(path: Path) -> None:
    """Ends a last line that a kill cut short, so that the next event gets a line of its own."""
    if path.exists() and path.stat().st_size > 0:
        with path.open("r+b") as handle:
            handle.seek(-1, 2)
            if handle.read(1) != b"\n":
                handle.write(b"\n")


def parse_event(line: bytes) -> Event | None:
    """The event of a line of an events file.

    Args:
        line: the line, its end included or not.

    Returns:
        The event; None if a kill tore the line, or something else was written there.
    """
    try:
        # A line may be torn inside of a letter: replaced, it is still no JSON.
        raw = json.loads(line.decode(errors="replace"))
    except (ValueError, RecursionError):
        return None
    match raw:
        case {
            "time": int() | float() as when,
            "stage": str(stage),
            "step": int(step),
            "kind": str(kind),
            "values": dict(values),
        }:
            return Event(when, stage, step, kind, {key: _number(value) for key, value in values.items()})
    return None


def read_events(path: Path) -> Iterator[Event]:
    """The events of a file, oldest first; lines that hold no event are skipped, a missing file has none."""
    if not path.exists():
        return
    with path.open("rb") as handle:
        for line in handle:
            event = parse_event(line)
            if event is not None:
                yield event


def drop_events(path: Path, stage: str, *, after: int | None) -> None:
    """Removes a stage's events before it runs again, so that no curve has two histories; all else stays as it is.

    A line that can't be read stays too: nobody knows whose it is.

    Args:
        path: the event file; a missing one is left alone.
        stage: the stage that will run.
        after: the stage goes on after this step: events up to it stay. None: it starts anew, and none stay.
    """
    if not path.exists():
        return
    kept = []
    with path.open("rb") as handle:
        for line in handle:
            event = parse_event(line)
            if event is None or event.stage != stage or (after is not None and event.step <= after):
                kept.append(line)
    write_bytes(path, b"".join(kept))


def _number(value: object) -> object:
    """The number behind a text of `NON_FINITE`; anything else as it is."""
    return float(value) if isinstance(value, str) and value in NON_FINITE else value
