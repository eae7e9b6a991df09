"""Checkpoints as people read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ecrctl.ui.console import results, say
from ecrctl.ui.document import print_document
from ecrctl.ui.numbers import number, size
from ecrctl.ui.tables import Column, facts, show

if TYPE_CHECKING:
    from ecr_engine.errors import Problem
    from ecr_engine.runs.checkpoints import CheckpointInfo
    from ecr_engine.runs.manifest import Manifest

_METRICS_SHOWN = 3
_HASH = 12


def moment(seconds: float) -> str:
    """A time in the local zone, to the minute."""
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M")


def show_list(found: Mapping[str, Sequence[CheckpointInfo]], *, as_json: bool) -> None:
    """Prints the checkpoints of each stage."""
    if as_json:
        print_document(found)
        return
    columns = (
        Column("stage"),
        Column("step", right=True),
        Column("is"),
        Column("size", right=True),
        Column("saved"),
        Column("metrics", spare=1),
    )
    rows = [
        (
            stage,
            str(info.step),
            "damaged" if info.damaged else _marks(info),
            size(info.size),
            moment(info.created),
            info.damaged or _metrics(info.metrics),
        )
        for stage, infos in found.items()
        for info in infos
    ]
    if rows:
        show(results(), columns, rows)
    else:
        say("no checkpoints yet")


def show_one(folder: Path, manifest: Manifest, *, as_json: bool) -> None:
    """Prints one checkpoint."""
    if as_json:
        print_document({"folder": folder, **manifest.to_json()})
        return
    console = results()
    pairs = [
        ("folder", str(folder)),
        ("step", str(manifest.step)),
        ("saved", moment(manifest.created)),
        ("size", size(manifest.size)),
    ]
    facts(console, pairs + [(key, number(value)) for key, value in manifest.metrics.items()])
    console.print()
    rows = [(name, size(entry.size), entry.sha256[:_HASH]) for name, entry in manifest.files.items()]
    show(console, (Column("file"), Column("size", right=True), Column("sha256")), rows)


def show_verified(problems: Mapping[Path, Sequence[Problem]], *, as_json: bool) -> None:
    """Prints which checkpoints are whole.

    Raises:
        GateError: one of them is not; it carries all problems.
    """
    from ecr_engine.errors import GateError

    found = [problem for faults in problems.values() for problem in faults]
    if as_json:
        print_document(
            {"whole": not found, "checkpoints": {str(folder): faults for folder, faults in problems.items()}}
        )
    else:
        rows = [(str(folder), "damaged" if faults else "whole") for folder, faults in problems.items()]
        show(results(), (Column("checkpoint", folds=True), Column("is")), rows)
    if found:
        error = GateError(found[0].what)
        error.problems = tuple(found)
        raise error


def _marks(info: CheckpointInfo) -> str:
    return ", ".join(word for word, holds in (("latest", info.is_latest), ("best", info.is_best)) if holds)


def _metrics(metrics: Mapping[str, float]) -> str:
    return "  ".join(f"{key} {number(value)}" for key, value in list(metrics.items())[:_METRICS_SHOWN])
