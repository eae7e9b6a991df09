"""What a job leaves behind about itself while it runs: `run.json` and the events."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from ecr_engine.config.provenance import provenance
from ecr_engine.errors import EcrError, ExitCode
from ecr_engine.runs.atomic import write_json, write_text
from ecr_engine.runs.events import EventLog, Listener
from ecr_engine.runs.folder import RunFolder
from ecr_engine.runs.record import RunRecord, RunStatus, StageRecord
from ecr_engine.runs.secrets import text_without_secrets, without_secrets
from ecr_engine.runs.tracking import Tracked, trackers

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

    def close(self, status: RunStatus, code: int) -> None:
        """Writes how the run ended early, if the disk still takes it: what ended the run is what is to be told.

        A record that says "running", without a lock, is known to be of a run that ended.

        Args:
            status: how it ended.
            code: the command's exit code.
        """
        with suppress(OSError):
            self.change(status=status, exit_code=code, finished=time.time())

    def stage(self, name: str, stage: StageRecord) -> None:
        """Replaces one stage's record and writes it all."""
        self.change(stages={**self.record.stages, name: stage})


@contextmanager
def recorded(job: Job, folder: RunFolder, wanted: Mapping[str, str]) -> Iterator[Book]:
    """Keeps `run.json` true whatever happens inside the block."""
    before = folder.read_record() if folder.exists() else None
    made_by = provenance()
    record = RunRecord(
        command=tuple(map(text_without_secrets, job.command)),
        seed=job.resolved.settings.seed,
        git_revision=made_by.git_revision,
        packages=made_by.packages,
        hardware=made_by.to_json()["hardware"],
        data_fingerprint=wanted["data"],
        profiles=job.resolved.profiles,
        started=time.time(),
        stages=before.stages if before else {},
    )
    write_text(folder.resolved_config, text_without_secrets(job.resolved.to_toml()))
    write_json(folder.config_origin, without_secrets(job.resolved.origins_json()))
    book = Book(folder, record)
    try:
        yield book
    except EcrError as error:
        book.close("failed", int(error.exit_code))
        raise
    except KeyboardInterrupt:
        book.close("interrupted", int(ExitCode.INTERRUPTED))
        raise
    except SystemExit as leaving:
        book.close("interrupted", int(leaving.code or 0))
        raise
    except BaseException:
        book.close("failed", int(ExitCode.FAILED))
        raise
    book.change(status="done", exit_code=int(ExitCode.DONE), finished=time.time())


@contextmanager
def run_log(job: Job, folder: RunFolder, listeners: Sequence[Listener]) -> Iterator[EventLog]:
    """The run's event log, with the trackers that the settings ask for among its listeners."""

    def tell(kind: str, what: str) -> None:
        EventLog(folder.events, listeners).emit("tracking", kind, what=what)

    settings = job.resolved.settings
    run = Tracked(
        name=folder.root.resolve().name,
        folder=folder.root,
        config=without_secrets(settings.model_dump(mode="json")),
        events=folder.events,
    )
    with trackers(settings.tracking, run, tell) as following:
        yield EventLog(folder.events, (*listeners, *following))
