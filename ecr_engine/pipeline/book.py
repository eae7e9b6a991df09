"""What a job leaves behind about itself while it runs: `run.json` and the events."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from ecr_engine.config.provenance import provenance
from ecr_engine.errors import EcrError, ExitCode
from ecr_engine.runs.atomic import write_json, write_text
from ecr_engine.runs.events import EventLog, Listener
from ecr_engine.runs.folder import RunFolder
from ecr_engine.runs.record import RunRecord, StageRecord
from ecr_engine.runs.tracking import WandbTracker

if TYPE_CHECKING:
    from ecr_engine.pipeline.job import Job


class Book:
    """The run's record, written at every change.

    Args:
        folder: the run's folder.
        record: as it stands.
    """

    def __init__(self, folder: RunFolder, record: RunRecord) -> None:
        self._folder = folder
        self.record = record
        self._folder.write_record(record)

    def change(self, **changes: object) -> None:
        """Replaces fields of the record and writes it."""
        self.record = replace(self.record, **changes)  # type: ignore[arg-type]
        self._folder.write_record(self.record)

    def stage(self, name: str, stage: StageRecord) -> None:
        """Replaces one stage's record and writes it all."""
        self.change(stages={**self.record.stages, name: stage})


@contextmanager
def recorded(job: Job, folder: RunFolder, wanted: Mapping[str, str]) -> Iterator[Book]:
    """Keeps `run.json` true whatever happens inside the block."""
    before = folder.read_record() if folder.exists() else None
    made_by = provenance()
    record = RunRecord(
        command=job.command,
        seed=job.resolved.settings.seed,
        git_revision=made_by.git_revision,
        packages=made_by.packages,
        hardware=made_by.to_json()["hardware"],
        data_fingerprint=wanted["data"],
        profiles=job.resolved.profiles,
        started=time.time(),
        stages=before.stages if before else {},
    )
    write_text(folder.resolved_config, job.resolved.to_toml())
    write_json(folder.config_origin, job.resolved.origins_json())
    book = Book(folder, record)
    try:
        yield book
    except EcrError as error:
        book.change(status="failed", exit_code=int(error.exit_code), finished=time.time())
        raise
    except KeyboardInterrupt:
        book.change(status="interrupted", exit_code=int(ExitCode.INTERRUPTED), finished=time.time())
        raise
    except SystemExit as leaving:
        book.change(status="interrupted", exit_code=int(leaving.code or 0), finished=time.time())
        raise
    except BaseException:
        book.change(status="failed", exit_code=int(ExitCode.FAILED), finished=time.time())
        raise
    book.change(status="done", exit_code=int(ExitCode.DONE), finished=time.time())


@contextmanager
def run_log(job: Job, folder: RunFolder, listeners: Sequence[Listener]) -> Iterator[EventLog]:
    """The run's event log, with the tracker that the settings ask for among its listeners."""
    tracking = job.resolved.settings.tracking

    def warn(text: str) -> None:
        EventLog(folder.events, listeners).emit("tracking", "warning", what=text)

    tracker = WandbTracker(
        tracking.wandb,
        tracking.project,
        folder.root.name,
        folder.root,
        job.resolved.settings.model_dump(mode="json"),
        warn=warn,
    )
    try:
        yield EventLog(folder.events, (*listeners, tracker))
    finally:
        tracker.close()
