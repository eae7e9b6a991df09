"""What a dashboard knows: the events of a run, reduced to one frozen picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from ecr_engine.runs.events import Event
from ecrctl.ui.course import Metric, begun

WARNINGS = 8
"""Warnings kept, the newest."""

_WORK = frozenset({"stage_started", "progress", "step", "validation", "sample"})
"""Events that only the stage at hand gives; a tracker, say, may warn in between."""

_NOTHING: Mapping[str, Metric] = {}


@dataclass(frozen=True, slots=True)
class Caution:
    """A warning.

    Attributes:
        what: what was seen.
        fix: what to type against it; empty if nothing is known.
        stage: where it was seen.
        step: after which step; 0 if it belongs to none.
    """

    what: str
    fix: str = ""
    stage: str = ""
    step: int = 0


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
        note: the last thing that it said of itself; empty for nothing.
        held_out: its first and its newest reward on held-out turns; None without any.
        rewards: the reward of each thing that it measured, such as ("policy", 0.37).
    """

    name: str
    state: State = State.WAITING
    started: float | None = None
    seconds: float | None = None
    note: str = ""
    held_out: tuple[float, float] | None = None
    rewards: tuple[tuple[str, float], ...] = ()


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

    def pace(self) -> float | None:
        """How many are done in a second; None before there is a pace."""
        moved, took = self.done - self.first, self.now - self.since
        return moved / took if moved > 0 and took > 0 else None


@dataclass(frozen=True, slots=True)
class Aims:
    """What the settings say the numbers are to be held against.

    Attributes:
        weights: weight of each reward component.
        kl_target: KL of a response that the penalty steers to, in nats; None where its weight is fixed.
        kl_bound: KL of a token above which the health watch warns, in nats; None where nobody watches.
    """

    weights: Mapping[str, float] = field(default_factory=dict)
    kl_target: float | None = None
    kl_bound: float | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A run as its events tell it.

    Attributes:
        title: what is shown above everything, such as the run folder.
        stages: all stages in order.
        aims: what its numbers are held against.
        now: time of the last event; 0 before the first.
        stage: the stage at hand; empty before the first.
        step: its last step.
        progress: how far it is.
        metrics: its metrics by key.
        earlier: the metrics of its earlier try, and how many steps that had; it may go on from there.
        evaluations: its measurements by what was measured, such as "policy", each by key.
        sample: the newest sample's values.
        warnings: the newest warnings, of all stages.
    """

    title: str
    stages: tuple[Stage, ...]
    aims: Aims = Aims()
    now: float = 0.0
    stage: str = ""
    step: int = 0
    progress: Progress | None = None
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    earlier: tuple[int, Mapping[str, Metric]] = (0, _NOTHING)
    evaluations: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    sample: Mapping[str, Any] | None = None
    warnings: tuple[Caution, ...] = ()

    @property
    def at_hand(self) -> Stage | None:
        """The stage at hand; None before the first."""
        return next((stage for stage in self.stages if stage.name == self.stage), None)

    def worked(self, now: float) -> float:
        """Seconds that all stages took until `now`; what lay between two sittings is no work."""
        running = [stage.started for stage in self.stages if stage.state is State.RUNNING and stage.started is not None]
        return sum(stage.seconds or 0.0 for stage in self.stages) + sum(max(0.0, now - since) for since in running)


def begin(title: str, stages: Iterable[str], weights: Mapping[str, float] | None = None) -> Snapshot:
    """The picture before the first event.

    Args:
        title: what is shown above everything.
        stages: the names of all stages, in order.
        weights: weight of each reward component, where nothing else is known of the settings.
    """
    return Snapshot(title, tuple(Stage(name) for name in stages), Aims(weights or {}))


def reduce(snapshot: Snapshot, event: Event) -> Snapshot:
    """The picture after one more event."""
    now = replace(snapshot, now=event.time)
    if event.kind == "stage_started" or (event.kind in _WORK and event.stage != now.stage):
        now = _enter(now, event)
    match event.kind:
        case "stage_finished":
            return _with(now, event.stage, state=State.DONE, seconds=_seconds(now, event))
        case "stage_skipped":
            return _with(now, event.stage, state=State.SKIPPED)
        case "progress":
            return replace(now, progress=_progress(now.progress, event))
        case "step":
            return _stepped(now, event)
        case "validation":
            return _validated(now, event)
        case "sample":
            return replace(now, sample=event.values)
        case "warning":
            return replace(now, warnings=(*now.warnings, _caution(event))[-WARNINGS:])
        case "note":
            return _with(now, event.stage, note=str(event.values.get("what", "")))
    return now


def reduce_all(snapshot: Snapshot, events: Iterable[Event]) -> Snapshot:
    """The picture after all of `events`."""
    for event in events:
        snapshot = reduce(snapshot, event)
    return snapshot


def recalled(snapshot: Snapshot, events: Iterable[Event]) -> Snapshot:
    """The picture of a job that goes on: what it told before is known, and none of its stages has begun."""
    before = reduce_all(snapshot, events)
    stages = tuple(replace(stage, state=State.WAITING, started=None, seconds=None) for stage in before.stages)
    return replace(before, stages=stages, progress=None)


def _enter(snapshot: Snapshot, event: Event) -> Snapshot:
    """A stage begins: what belonged to the one before, and to an earlier try of its own, is put away."""
    same = snapshot.stage == event.stage
    fresh = replace(
        snapshot,
        stage=event.stage,
        step=0,
        progress=None,
        metrics={},
        earlier=(snapshot.step, snapshot.metrics) if same else (0, _NOTHING),
        evaluations={},
        sample=None,
        warnings=tuple(warning for warning in snapshot.warnings if warning.stage != event.stage),
    )
    return _with(
        fresh, event.stage, state=State.RUNNING, started=event.time, seconds=None, note="", held_out=None, rewards=()
    )


def _with(snapshot: Snapshot, name: str, **changes: Any) -> Snapshot:
    """The picture with one stage changed."""
    stages = tuple(replace(stage, **changes) if stage.name == name else stage for stage in snapshot.stages)
    return replace(snapshot, stages=stages)


def _seconds(snapshot: Snapshot, event: Event) -> float | None:
    """How long a stage took, by its own word or by the clock."""
    told: float | None = event.values.get("seconds")
    started = next((stage.started for stage in snapshot.stages if stage.name == event.stage), None)
    return event.time - started if told is None and started is not None else told


def _stepped(snapshot: Snapshot, event: Event) -> Snapshot:
    """The metrics with those of one event, going on with an earlier try's where the steps do."""
    step, before = snapshot.earlier
    known = before if step and event.step > step else snapshot.metrics
    return replace(snapshot, step=event.step, metrics=_metrics(known, event.values), earlier=(0, _NOTHING))


def _validated(snapshot: Snapshot, event: Event) -> Snapshot:
    """A validation goes on a curve; a measurement of something with a name stands beside the others."""
    name = event.values.get("what")
    if isinstance(name, str):
        numbers = {key: value for key, value in event.values.items() if _is_number(value)}
        evaluations = {**snapshot.evaluations, name: numbers}
        rewards = tuple((each, of["eval/reward"]) for each, of in evaluations.items() if "eval/reward" in of)
        return _with(replace(snapshot, evaluations=evaluations), event.stage, rewards=rewards)
    after = _stepped(snapshot, event)
    reward = after.metrics.get("eval/reward")
    return after if reward is None else _with(after, event.stage, held_out=(reward.first, reward.last))


def _progress(before: Progress | None, event: Event) -> Progress:
    values = event.values
    what, done, total = str(values.get("what", "")), values["done"], values.get("total")
    if before is None or before.what != what or before.total != total or done < before.done:
        return Progress(what, done, total, event.time, done, event.time)
    return replace(before, done=done, now=event.time)


def _metrics(before: Mapping[str, Metric], values: Mapping[str, Any]) -> dict[str, Metric]:
    after = dict(before)
    for key, value in values.items():
        if _is_number(value):
            known = before.get(key)
            after[key] = begun(value) if known is None else known.after(value)
    return after


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _caution(event: Event) -> Caution:
    """A warning's words and its remedy; of one without words, all that it says."""
    values = event.values
    what = str(values.get("what", "")) or ", ".join(f"{key}={value}" for key, value in values.items())
    return Caution(what, str(values.get("fix", "")), event.stage, event.step)
