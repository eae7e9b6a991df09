"""Runs as people read them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ecr_engine.errors import DataError
from ecrctl.ui.checkpoint_view import moment
from ecrctl.ui.comparison import show_comparison
from ecrctl.ui.console import results, say
from ecrctl.ui.document import print_document
from ecrctl.ui.next_step import after_run
from ecrctl.ui.numbers import duration, size
from ecrctl.ui.tables import Column, facts, show

if TYPE_CHECKING:
    from ecr_engine.runs.folder import RunFolder
    from ecr_engine.runs.record import RunRecord
    from ecr_engine.runs.removal import Removable


def status(run: RunFolder, record: RunRecord) -> str:
    """How a run stands; one that says "running" while nobody is at work in it was killed."""
    return "stopped" if record.status == "running" and run.lock_holder() is None else record.status


def show_list(folder: Path, runs: Sequence[tuple[RunFolder, RunRecord | DataError]], *, as_json: bool) -> None:
    """Prints the runs of a folder, the newest first; those whose record can't be read last, with the reason."""
    whole = [(run, record) for run, record in runs if not isinstance(record, DataError)]
    pairs = sorted(whole, key=lambda pair: -pair[1].started)
    damaged = [(run, error) for run, error in runs if isinstance(error, DataError)]
    if as_json:
        told = [{"run": run.root, "state": status(run, record), **record.to_json()} for run, record in pairs]
        print_document([*told, *({"run": run.root, "state": "damaged", "error": str(error)} for run, error in damaged)])
        return
    if not runs:
        say(f"no runs in {folder}; start one: ecrctl run")
        return
    columns = (
        Column("run"),
        Column("status"),
        Column("started", spare=1),
        Column("took", right=True),
        Column("stages done", right=True, spare=2),
        Column("profiles", spare=3),
    )
    rows = [
        (
            str(run.root),
            status(run, record),
            moment(record.started),
            duration(sum(stage.seconds for stage in record.stages.values())),
            str(sum(stage.status == "done" for stage in record.stages.values())),
            ", ".join(record.profiles),
        )
        for run, record in pairs
    ]
    rows += [(str(run.root), "damaged", "", "", "", str(error)) for run, error in damaged]
    show(results(), columns, rows)


def show_run(run: RunFolder, *, as_json: bool) -> None:
    """Prints one run, with its comparison where there is one."""
    record = run.read_record()
    comparison = None
    if run.comparison.is_file():
        from ecr_engine.evaluation.comparison import read_comparison

        comparison = read_comparison(run.comparison)
    if as_json:
        document = comparison.to_json() if comparison is not None else None
        print_document({"run": run.root, "state": status(run, record), **record.to_json(), "comparison": document})
        return
    console = results()
    facts(console, _facts(run, record))
    console.print()
    rows = [(name, stage.status, duration(stage.seconds)) for name, stage in record.stages.items()]
    show(console, (Column("stage"), Column("status"), Column("took", right=True)), rows)
    if comparison is not None:
        console.print()
        show_comparison(console, comparison)
    next_step = _next(run, record)
    if next_step is not None:
        console.print()
        facts(console, [("next", next_step)])


def _next(run: RunFolder, record: RunRecord) -> str | None:
    """What to type after a look at a run: the responses of one that is done, or how to go on with another."""
    state = status(run, record)
    if state == "done" and run.comparison.is_file():
        return f"ecrctl runs show {shlex.quote(str(run.root))} --samples --sort reward"
    if state == "running":
        return f"ecrctl runs watch {shlex.quote(str(run.root))}"
    return after_run(run, record, state)


def show_removal(chosen: Sequence[Removable], *, removed: bool, as_json: bool) -> None:
    """Prints what goes, or has gone, with runs."""
    if as_json:
        told = [
            {"run": each.run.root, "files": each.files, "bytes": each.bytes, "checkpoints": each.checkpoints}
            for each in chosen
        ]
        print_document({"removed": removed, "runs": told, "bytes": sum(each.bytes for each in chosen)})
        return
    columns = (
        Column("run"),
        Column("size", right=True),
        Column("files", right=True, spare=1),
        Column("checkpoints", folds=True),
    )
    rows = [(str(each.run.root), size(each.bytes), f"{each.files:,}", _checkpoints(each)) for each in chosen]
    show(results(), columns, rows)
    say(f"{'removed' if removed else 'would go'}: {size(sum(each.bytes for each in chosen))}")


def removal_command(runs: Sequence[RunFolder]) -> str:
    """What to type to really remove runs."""
    return shlex.join(["ecrctl", "runs", "remove", *(str(run.root) for run in runs), "--yes"])


def _checkpoints(each: Removable) -> str:
    return ", ".join(f"{count} of {stage}" for stage, count in each.checkpoints.items()) or "none"


def _facts(run: RunFolder, record: RunRecord) -> list[tuple[str, str]]:
    pairs = [
        ("run", str(run.root)),
        ("status", status(run, record)),
        ("command", shlex.join(record.command)),
        ("started", moment(record.started)),
        ("seed", str(record.seed)),
        ("profiles", ", ".join(record.profiles) or "none"),
        ("revision", record.git_revision or "unknown"),
    ]
    return [*pairs, ("report", str(run.report))] if run.report.is_file() else pairs
