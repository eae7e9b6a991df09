"""What a dashboard knows: the events of a run, reduced to one frozen picture."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from ecr_engine.runs.events import Event

HISTORY = 240
"""Values kept of each metric: more than any terminal can draw."""

WARNINGS = 3
"""Warnings kept, the newest."""


@dataclass(frozen=True, slots=True)
class Caution:
    """A warning.

    Attributes:
        what: what was seen.
        fix: what to type against it; empty if nothing is known.
    """

    what: str
    fix: str = ""


class State(StrEnum):
    """Where a stage stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of the job.

    Attributes:
        name: the stage's name.
        state: where it stands.
        started: when it started, in seconds since the epoch.
        seconds: how long it took; None while it runs.
    """

    name: str
    state: State = State.WAITING
    started: float | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the work at hand is.

    Attributes:
        what: what is counted, such as "steps".
        done: how many are done.
        total: how many there are; None if nobody knows.
        since: when this count began.
        first: how many were done then.
        now: when the last of them was done.
    """

    what: str
    done: float
    total: float | None
    since: float
    first: float
    now: float

    def remaining(self) -> float | None:
        """Seconds left at the pace so far; None before there is a pace."""
        moved = self.done - self.first
        if self.total is None or moved <= 0:
            return None
        return (self.now - self.since) / moved * max(0.0, self.total - self.done)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of the stage at hand.

    Attributes:
        first: its first finite value.
        history: its last values, oldest first.
    """

    first: float
    history: tuple[float, ...]

    @property
    def last(self) -> float:
        """The newest value."""
        return self.history[-1]

    def mean(self, count: int) -> float:
        """The mean of the last `count` finite values; NaN without any."""
        finite = [value for value in self.history[-count:] if math.isfinite(value)]
        return sum(finite) / len(finite) if finite else math.nan


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A run as its events tell it.

    Attributes:
        title: what is shown above everything, such as the run folder.
        stages: all stages in order.
        weights: weight of each reward component.
        started: time of the first event.
        now: time of the last event.
        stage: the stage at hand; empty before the first.
        step: its last step.
        progress: how far it is.
        metrics: its metrics by key.
        sample: the newest sample's values.
        warnings: the newest warnings.
    """

    title: str
    stages: tuple[Stage, ...]
    weights: Mapping[str, float] = field(default_factory=dict)
    started: float | None = None
    now: float = 0.0
    stage: str = ""
    step: int = 0
    progress: Progress | None = None
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    sample: Mapping[str, Any] | None = None
    warnings: tuple[Caution, ...] = ()


def begin(title: str, stages: Iterable[str], weights: Mapping[str, float] | None = None) -> Snapshot:
    """The picture before the first event."""
    return Snapshot(title, tuple(Stage(name) for name in stages), weights or {})


def reduce(snapshot: Snapshot, event: Event) -> Snapshot:
    """The picture after one more event."""
    started = event.time if snapshot.started is None else snapshot.started
    now = replace(snapshot, started=started, now=event.time)
    if event.stage != now.stage and event.kind not in {"stage_finished", "stage_skipped"}:
        now = _enter(now, event)
    if event.kind == "stage_started":
        return _enter(now, event)
    if event.kind == "stage_finished":
        seconds = event.values.get("seconds")
        return _mark(now, event.stage, State.DONE, seconds=seconds)
    if event.kind == "stage_skipped":
        return _mark(now, event.stage, State.SKIPPED)
    if event.kind == "progress":
        return replace(now, progress=_progress(now.progress, event))
    if event.kind in {"step", "validation"}:
        return replace(now, step=event.step, metrics=_metrics(now.metrics, event.values))
    if event.kind == "sample":
        return replace(now, sample=event.values)
    if event.kind == "warning":
        return replace(now, warnings=(*now.warnings, _caution(event.values))[-WARNINGS:])
    return now


def reduce_all(snapshot: Snapshot, events: Iterable[Event]) -> Snapshot:
    """The picture after all of `events`."""
    for event in events:
        snapshot = reduce(snapshot, event)
    return snapshot


def _enter(snapshot: Snapshot, event: Event) -> Snapshot:
    """A stage begins: what belonged to the one before is put away."""
    fresh = replace(snapshot, stage=event.stage, step=0, progress=None, metrics={}, sample=None, warnings=())
    return _mark(fresh, event.stage, State.RUNNING, started=event.time)


def _mark(
    snapshot: Snapshot, name: str, state: State, *, started: float | None = None, seconds: float | None = None
) -> Snapshot:
    def marked(stage: Stage) -> Stage:
        if stage.name != name:
            return stage
        begun = stage.started if started is None else started
        took = snapshot.now - begun if seconds is None and begun is not None and state is State.DONE else seconds
        return Stage(name, state, begun, took)

    return replace(snapshot, stages=tuple(marked(stage) for stage in snapshot.stages))


def _progress(before: Progress | None, event: Event) -> Progress:
    values = event.values
    what, done, total = str(values.get("what", "")), values["done"], values.get("total")
    if before is None or before.what != what or before.total != total or done < before.done:
        return Progress(what, done, total, event.time, done, event.time)
    return replace(before, done=done, now=event.time)


def _metrics(before: Mapping[str, Metric], values: Mapping[str, Any]) -> dict[str, Metric]:
    after = dict(before)
    for key, value in values.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            continue
        known = before.get(key)
        if known is None:
            after[key] = Metric(value, (value,))
        else:
            first = known.first if math.isfinite(known.first) else value
            after[key] = Metric(first, (*known.history[-HISTORY + 1 :], value))
    return after


def _caution(values: Mapping[str, Any]) -> Caution:
    """A warning's words and its remedy; of one without words, all that it says."""
    what = str(values.get("what", "")) or ", ".join(f"{key}={value}" for key, value in values.items())
    return Caution(what, str(values.get("fix", "")))
