"""`run.json`: what a run is, how far it came, and how it ended."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from ecr_engine.errors import DataError

SCHEMA = 1

RunStatus = Literal["running", "done", "failed", "interrupted"]
StageStatus = Literal["running", "done", "failed", "interrupted"]


@dataclass(frozen=True, slots=True)
class StageRecord:
    """One stage of a run.

    Attributes:
        fingerprint: hash of all that the stage depends on.
        status: how far it came.
        seconds: how long it took; so far, while it runs.
        started: seconds since the epoch.
    """

    fingerprint: str
    status: StageStatus
    seconds: float
    started: float


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The content of `run.json`.

    Attributes:
        command: the arguments of the command, the program's name first.
        seed: the seed of everything random.
        git_revision: the commit of the source, or None outside of a checkout.
        packages: version by package.
        hardware: the machine.
        data_fingerprint: hash of the data, or None before the data stage.
        profiles: the profiles that were used, in order.
        stages: the stages by name, in the order in which they first ran.
        status: how far the run came; "running" also after a kill, so ask the lock too.
        exit_code: that of the command, or None while it runs.
        started: seconds since the epoch.
        finished: seconds since the epoch, or None while it runs.
        schema: the version of this format.
    """

    command: tuple[str, ...]
    seed: int
    git_revision: str | None
    packages: dict[str, str]
    hardware: dict[str, Any]
    data_fingerprint: str | None
    profiles: tuple[str, ...]
    started: float
    stages: dict[str, StageRecord] = field(default_factory=dict)
    status: RunStatus = "running"
    exit_code: int | None = None
    finished: float | None = None
    schema: int = SCHEMA

    def to_json(self) -> dict[str, Any]:
        """The record as JSON values, the schema first."""
        return {"schema": self.schema, **asdict(self)}


def read_record(path: Path) -> RunRecord:
    """Reads a `run.json`.

    Raises:
        DataError: it is missing, damaged, or of a newer schema.
    """
    raw = read_json(path, "run record")
    check_schema(raw, SCHEMA, path, "run record")
    try:
        return TypeAdapter(RunRecord).validate_python(raw)
    except ValidationError as error:
        raise damaged(path, "run record", error) from error


def read_json(path: Path, kind: str) -> dict[str, Any]:
    """The JSON object in a file.

    Args:
        path: the file.
        kind: what the file is called in messages.

    Raises:
        DataError: it is missing, or holds no JSON object.
    """
    if not path.is_file():
        raise DataError(f"there is no {kind} '{path.name}' in {path.parent}", at=str(path), fix="check the path")
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise DataError.at_line(f"the {kind} is not valid JSON: {error.msg}", path, error.lineno, _FIX) from error
    except RecursionError as error:
        raise DataError.at_line(f"the {kind} is nested too deep", path, 1, _FIX) from error
    except UnicodeDecodeError as error:
        raise DataError.at_line(f"the {kind} is not UTF-8 text", path, 1, _FIX) from error
    except ValueError as error:
        # The one other complaint of the reader.
        raise DataError.at_line(f"the {kind} has a number with too many digits", path, 1, _FIX) from error
    except OSError as error:
        raise DataError(
            f"the {kind} can't be read: {error.strerror}", at=str(path), fix=f"chmod u+r '{path}'"
        ) from error
    if not isinstance(raw, dict):
        raise DataError.at_line(f"the {kind} is not a JSON object", path, 1, _FIX)
    return raw


def check_schema(raw: dict[str, Any], known: int, path: Path, kind: str) -> None:
    """Refuses a file that a newer version wrote.

    Raises:
        DataError: `schema` is missing or above `known`.
    """
    schema = raw.get("schema")
    if not isinstance(schema, int) or isinstance(schema, bool):
        raise DataError.at_line(f"the {kind} has no 'schema' number", path, 1, _FIX)
    if schema > known:
        raise DataError.at_line(
            f"the {kind} has schema {schema}, and this version reads up to {known}", path, 1, "upgrade ecrctl"
        )


def damaged(path: Path, kind: str, error: ValidationError) -> DataError:
    """The error for JSON of the wrong shape; it names the first wrong field."""
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    return DataError.at_line(f"the {kind} is damaged: {name}: {first['msg'].lower()}", path, 1, _FIX)


_FIX = "restore the file from a copy, or remove the folder and run again"
