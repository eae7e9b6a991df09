"""The folder of a run: where everything is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ecr_engine.errors import DataError
from ecr_engine.runs.atomic import write_json
from ecr_engine.runs.lock import Holder, holder, locked
from ecr_engine.runs.record import RunRecord, read_record

TRAINED_STAGES = ("baseline", "critic", "policy")
"""The folders that hold checkpoints."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The paths of one run.

    Attributes:
        root: the run's folder.
    """

    root: Path

    @property
    def record(self) -> Path:
        """What the run is and how far it came: `run.json`."""
        return self.root / "run.json"

    @property
    def resolved_config(self) -> Path:
        """All settings of the run."""
        return self.root / "config.resolved.toml"

    @property
    def config_origin(self) -> Path:
        """Where each setting comes from."""
        return self.root / "config.origin.json"

    @property
    def events(self) -> Path:
        """The event stream."""
        return self.root / "events.jsonl"

    @property
    def data(self) -> Path:
        """The processed splits."""
        return self.root / "data"

    @property
    def scores(self) -> Path:
        """The judge's scores."""
        return self.root / "scores"

    @property
    def report(self) -> Path:
        """The report to open in a browser."""
        return self.root / "report.html"

    @property
    def plots(self) -> Path:
        """Plots, each with its numbers beside it."""
        return self.root / "plots"

    @property
    def card(self) -> Path:
        """The model card."""
        return self.root / "README.md"

    @property
    def comparison(self) -> Path:
        """The comparison of the baseline with the policy."""
        return self.root / "evaluation" / "comparison.json"

    def stage(self, name: str) -> Path:
        """The folder of a trained stage: "baseline", "critic" or "policy"."""
        return self.root / name

    def evaluation(self, name: str) -> Path:
        """The folder of an evaluation, such as "baseline" or "policy"."""
        return self.root / "evaluation" / name

    def create(self) -> None:
        """Makes the run's folder and the folders that every run has."""
        for folder in (self.root, self.data, self.root / "evaluation"):
            folder.mkdir(parents=True, exist_ok=True)

    def exists(self) -> bool:
        """Whether a run was begun here."""
        return self.record.is_file()

    def read_record(self) -> RunRecord:
        """The run's record.

        Raises:
            DataError: it is missing, damaged, or of a newer schema.
        """
        if not self.root.is_dir():
            raise DataError(
                f"there is no run folder '{self.root}'", at=str(self.root), fix="`ecrctl runs list` shows the runs"
            )
        return read_record(self.record)

    def write_record(self, record: RunRecord) -> None:
        """Writes the run's record in one step."""
        write_json(self.record, record.to_json())

    @contextmanager
    def lock(self) -> Iterator[Holder | None]:
        """Keeps other processes out of the run folder, which exists.

        Yields:
            The process whose stale lock was taken over; None if there was none.

        Raises:
            EcrError: another process is at work in it; the message holds its process id.
        """
        with locked(self.root / ".lock", f"the run folder {self.root}") as stale:
            yield stale

    def lock_holder(self) -> Holder | None:
        """The process that is at work in the run folder, or None."""
        return holder(self.root / ".lock")


def list_runs(root: Path) -> list[RunFolder]:
    """The runs directly in the folder `root`, by name; none if there is no such folder."""
    return [RunFolder(record.parent) for record in sorted(root.glob("*/run.json"))]


def scan_runs(root: Path) -> list[tuple[RunFolder, RunRecord | DataError]]:
    """The runs directly in the folder `root`, by name, each with its record, or with what is wrong with that."""
    return [(run, _record_or_error(run)) for run in list_runs(root)]


def _record_or_error(run: RunFolder) -> RunRecord | DataError:
    try:
        return run.read_record()
    except DataError as error:
        return error
