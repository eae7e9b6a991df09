"""Running one stage: anew, or from a checkpoint of an earlier attempt; recorded and told either way."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ecr_engine.config.settings import Settings
from ecr_engine.errors import DataError
from ecr_engine.pipeline.book import Book
from ecr_engine.pipeline.peers import together
from ecr_engine.pipeline.resuming import (
    Found,
    Wish,
    agree,
    differences,
    newest_whole,
    origin_of,
    read_origin,
    set_aside,
    unknown_origin,
    wished_checkpoint,
    write_origin,
)
from ecr_engine.pipeline.stage import Stage, StageContext
from ecr_engine.runs.checkpoints import chosen, discard_after, list_checkpoints, sweep
from ecr_engine.runs.events import EventLog, drop_events
from ecr_engine.runs.folder import TRAINED_STAGES, RunFolder
from ecr_engine.runs.links import step_of
from ecr_engine.runs.manifest import Depth, verify
from ecr_engine.runs.record import StageRecord, StageStatus
from ecr_engine.runs.stopping import Stop


@dataclass(frozen=True, slots=True)
class Task:
    """What every stage of a job is run with.

    Attributes:
        folder: the run's folder.
        settings: the run's settings.
        source: folder of raw dialogues; None for the sample corpus.
        wanted: fingerprints by stage.
        stages: those of the job.
        wish: how the last of them is to be gone on with; None where nobody said.
        anyway: whether an inexact continuation is wanted.
        stop: whether the job was asked to end.
    """

    folder: RunFolder
    settings: Settings
    source: Path | None
    wanted: Mapping[str, str]
    stages: tuple[Stage, ...]
    wish: Wish | None = None
    anyway: bool = False
    stop: Stop = field(default_factory=Stop)


NOTHING = Found(None, ())
"""A stage without checkpoints."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where a stage begins.

    Attributes:
        checkpoint: what is gone on from; None to begin anew.
        notes: what is to be told of it.
        found: the stage's damaged checkpoints.
    """

    checkpoint: Path | None = None
    notes: tuple[str, ...] = ()
    found: Found = NOTHING


def trained_folder(stage: Stage, folder: RunFolder) -> Path | None:
    """The folder of a trained stage's checkpoints; None for any other stage."""
    name = next((name for name in stage.outputs if name in TRAINED_STAGES), None)
    return None if name is None else folder.stage(name)


def start_of(stage: Stage, task: Task, recorded: Mapping[str, StageRecord]) -> Start:
    """Where a stage that has to run begins; nothing is changed by asking.

    Without a wish a stage goes on from its newest whole checkpoint if that was made with the same settings and the
    same results of earlier stages, and begins anew otherwise.

    Args:
        stage: the stage.
        task: what it is run with.
        recorded: the stages as the run's record has them.

    Raises:
        EcrError: the wish can't be fulfilled, or what follows would not be what would have followed.
    """
    place = trained_folder(stage, task.folder)
    if place is None or not stage.resumable:
        return Start()
    wish = task.wish if stage == task.stages[-1] else None
    found = newest_whole(place)
    checkpoint = found.checkpoint if wish is None else wished_checkpoint(wish, place, stage.name)
    if checkpoint is None:
        return Start(found=found)
    earlier = recorded.get(stage.name)
    unchanged = earlier is not None and earlier.fingerprint == task.wanted[stage.name]
    now, before = origin_of(stage, task.settings, task.wanted), read_origin(checkpoint)
    if wish is None and not (unchanged if before is None else before.fingerprint == now.fingerprint):
        return Start(found=found)
    fork = f"{task.folder.root}-2"
    if before is None:
        if not unchanged:
            raise unknown_origin(checkpoint, fork)
        return Start(checkpoint, found=found)
    others = differences(before, now, stage, _earlier(stage, task.stages))
    notes = agree(checkpoint, before, now, others, anyway=task.anyway, fork=fork)
    return Start(checkpoint, tuple(notes), found)


def run_stage(stage: Stage, task: Task, book: Book, log: EventLog) -> float:
    """Runs one stage and records it; returns its seconds."""
    start = start_of(stage, task, book.record.stages)
    warnings = _clear(stage, task.folder, start)
    started, clock = time.time(), time.perf_counter()

    def remember(status: StageStatus) -> float:
        seconds = time.perf_counter() - clock
        book.stage(stage.name, StageRecord(task.wanted[stage.name], status, seconds, started))
        return seconds

    remember("running")
    log.emit(stage.name, "stage_started")
    for text in warnings:
        log.emit(stage.name, "warning", what=text)
    for text in start.notes:
        log.emit(stage.name, "note", what=text)
    try:
        with together(stage, resume=start.checkpoint is not None, start=start.checkpoint):
            stage.run(_context(stage, task, log, start))
    except (KeyboardInterrupt, SystemExit):
        with suppress(OSError):
            remember("interrupted")
        raise
    except BaseException:
        # What went wrong is what is to be told, even if the disk can't take this any more.
        with suppress(OSError):
            remember("failed")
        raise
    seconds = remember("done")
    log.emit(stage.name, "stage_finished", seconds=seconds)
    return seconds


def damage(folder: RunFolder, output: str) -> str | None:
    """What is wrong with an output, in a few words; of a trained stage, with the checkpoint that it stands for.

    Sizes are compared, not hashes: this is asked at every start, and `checkpoint verify` is there for the rest.
    """
    if not (folder.root / output).exists():
        return f"{output} is missing"
    if output not in TRAINED_STAGES:
        return None
    try:
        checkpoint = chosen(folder.stage(output))
    except DataError:
        return f"{output} has no checkpoint"
    wrong = verify(checkpoint, Depth.SIZES)
    return f"{output}/{checkpoint.name} is damaged: {wrong[0].what}" if wrong else None


def _earlier(stage: Stage, stages: tuple[Stage, ...]) -> list[Stage]:
    """The stages that a stage's results depend on, at any distance."""
    known = {one.name: one for one in stages}
    found: dict[str, Stage] = {}
    waiting = list(stage.needs)
    while waiting:
        name = waiting.pop()
        found[name] = known[name]
        waiting += known[name].needs
    return list(found.values())


def _context(stage: Stage, task: Task, log: EventLog, start: Start) -> StageContext:
    origin = origin_of(stage, task.settings, task.wanted) if stage.resumable else None

    def mark(folder: Path) -> None:
        if origin is not None:
            write_origin(folder, origin)

    resume = start.checkpoint is not None
    return StageContext(
        task.folder, task.settings, task.source, log.emit, resume, start.checkpoint, mark=mark, stop=task.stop
    )


def _clear(stage: Stage, folder: RunFolder, start: Start) -> list[str]:
    """Removes what an earlier attempt left and can't be gone on with: files, later checkpoints, events.

    Returns:
        What is to be warned of.
    """
    place = trained_folder(stage, folder)
    if start.checkpoint is None or place is None:
        told = _given_up(stage, start)
        for name in stage.outputs:
            _remove(folder.root / name)
        drop_events(folder.events, stage.name, after=None)
        return told
    told = set_aside(start.found.damaged)
    sweep(place)
    step = step_of(start.checkpoint)
    if any(info.step > step for info in list_checkpoints(place)):
        discard_after(place, step)
    drop_events(folder.events, stage.name, after=step)
    return told


def _given_up(stage: Stage, start: Start) -> list[str]:
    """What is said of damaged checkpoints that leave nothing to go on from."""
    if start.found.checkpoint is not None:
        return []
    return [
        f"{path.name} of {stage.name} is damaged, and none before it is whole: {problem.what}"
        for path, problem in start.found.damaged
    ]


def _remove(path: Path) -> None:
    remove: Callable[[Path], None] = shutil.rmtree if path.is_dir() else _unlink
    remove(path)


def _unlink(path: Path) -> None:
    path.unlink(missing_ok=True)
