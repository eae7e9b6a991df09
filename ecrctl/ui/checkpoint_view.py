"""Checkpoints as people read them: a list, one of them, and which are whole."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from ecrctl.ui.console import results, say
from ecrctl.ui.document import plain, print_document
from ecrctl.ui.numbers import number, size
from ecrctl.ui.tables import Column, facts, show

if TYPE_CHECKING:
    from ecr_engine.errors import Problem
    from ecr_engine.runs.checkpoints import CheckpointInfo
    from ecr_engine.runs.description import Description, Lineage

_METRICS_SHOWN = 3
_HASH = 12
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def moment(seconds: float) -> str:
    """A time in the local zone, to the minute."""
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M")


def age(seconds: float) -> str:
    """How long ago: `42 s`, `5 min`, `3 h`, `2 d`; a time to come, as after a clock was set back, is `0 s`."""
    for length, unit in _UNITS:
        if seconds >= length:
            return f"{seconds // length:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def marks(info: CheckpointInfo) -> str:
    """What links point to a checkpoint: `latest, best`."""
    return ", ".join(word for word, holds in (("latest", info.is_latest), ("best", info.is_best)) if holds)


def health(info: CheckpointInfo) -> str:
    """`whole` or `damaged`, as far as it shows without reading the files."""
    return "damaged" if info.damaged else "whole"


def show_list(found: Mapping[str, Sequence[CheckpointInfo]], *, as_json: bool) -> None:
    """Prints the checkpoints of each stage."""
    now = time.time()
    if as_json:
        entries = {
            stage: [{**plain(info), "age_s": now - info.created, "health": health(info)} for info in infos]
            for stage, infos in found.items()
        }
        print_document(entries)
        return
    columns = (
        Column("stage"),
        Column("step", right=True),
        Column("is"),
        Column("health"),
        Column("size", right=True),
        Column("age", right=True),
        Column("metrics", spare=1),
    )
    rows = [
        (
            stage,
            str(info.step),
            marks(info),
            health(info),
            size(info.size),
            age(now - info.created),
            info.damaged or _metrics(info.metrics),
        )
        for stage, infos in found.items()
        for info in infos
    ]
    if rows:
        show(results(), columns, rows)
    else:
        say("no checkpoints yet")


def show_one(found: Description, *, as_json: bool) -> None:
    """Prints one checkpoint."""
    manifest = found.manifest
    if as_json:
        rest = ("parameters", "weights", "settings", "changed", "lineage")
        described = plain(found)
        print_document({"folder": found.folder, **manifest.to_json(), **{key: described[key] for key in rest}})
        return
    console = results()
    pairs = [
        ("folder", str(found.folder)),
        ("step", str(manifest.step)),
        ("saved", moment(manifest.created)),
        ("size", size(manifest.size)),
        *([("parameters", f"{found.parameters:,}")] if found.parameters else []),
        *[(key.replace("_", " "), value) for key, value in manifest.origin.items()],
    ]
    facts(console, pairs + [(key, number(value)) for key, value in manifest.metrics.items()])
    if found.lineage is not None:
        _section(console, _lineage(found.lineage))
        _section(console, ((key, json.dumps(value, ensure_ascii=False)) for key, value in found.changed.items()))
    console.print()
    rows = [
        (name, size(entry.size), f"{found.weights[name].parameters:,}" if name in found.weights else "", sha[:_HASH])
        for name, entry in manifest.files.items()
        if (sha := entry.sha256)
    ]
    columns = (Column("file"), Column("size", right=True), Column("parameters", right=True), Column("sha256"))
    show(console, columns, rows)


def show_verified(problems: Mapping[Path, Sequence[Problem]], links: Sequence[Problem], *, as_json: bool) -> None:
    """Prints which checkpoints are whole.

    Args:
        problems: what is wrong with each.
        links: what is wrong with the links to them.
        as_json: whether as one document.

    Raises:
        GateError: something is wrong; it carries all problems.
    """
    from ecr_engine.errors import GateError

    found = [problem for faults in problems.values() for problem in faults] + list(links)
    if as_json:
        checkpoints = {str(folder): faults for folder, faults in problems.items()}
        print_document({"whole": not found, "checkpoints": checkpoints, "links": links})
    else:
        rows = [(str(folder), "damaged" if faults else "whole") for folder, faults in problems.items()]
        show(results(), (Column("checkpoint", folds=True), Column("is")), rows)
    if found:
        error = GateError(found[0].what)
        error.problems = tuple(found)
        raise error


def _section(console: Console, pairs: Iterable[tuple[str, str]]) -> None:
    entries = list(pairs)
    if entries:
        console.print()
        facts(console, entries)


def _lineage(lineage: Lineage) -> list[tuple[str, str]]:
    pairs: list[tuple[str, Any]] = [
        ("stage", lineage.stage),
        ("backbone", lineage.backbone),
        *[(f"made from {stage}", path.name) for stage, path in lineage.parents.items()],
        ("command", " ".join(lineage.command)),
        ("profiles", ", ".join(lineage.profiles)),
        ("seed", lineage.seed),
        ("source", lineage.git_revision),
        ("data", lineage.data_fingerprint),
    ]
    return [(name, str(value)) for name, value in pairs if value not in (None, "")]


def _metrics(metrics: Mapping[str, float]) -> str:
    return "  ".join(f"{key} {number(value)}" for key, value in list(metrics.items())[:_METRICS_SHOWN])
