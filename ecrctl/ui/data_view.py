"""Processed data as people read it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from ecrctl.ui.console import results
from ecrctl.ui.document import print_document
from ecrctl.ui.tables import Column, facts, show

if TYPE_CHECKING:
    from ecr_engine.config.settings import Settings
    from ecr_engine.data.summary import DataSummary

_SKIPPED_SHOWN = 10


def data_folder(source: Path) -> Path:
    """The processed data of a run folder, or `source` itself."""
    return source / "data" if (source / "run.json").is_file() else source


def show_sample(folder: Path, settings: Settings, *, as_json: bool) -> None:
    """Says what sample corpus was written."""
    data = settings.data
    if as_json:
        print_document(
            {"folder": folder, "dialogues": data.sample_dialogues, "movies": data.sample_movies, "seed": settings.seed}
        )
        return
    processed = folder.with_name(folder.name + "-processed")
    facts(
        results(),
        [
            ("written", str(folder)),
            ("dialogues", f"{data.sample_dialogues} on {data.sample_movies} movies, seed {settings.seed}"),
            ("next", shlex.join(["ecrctl", "data", "process", str(folder), "--output", str(processed)])),
        ],
    )


def show_summary(folder: Path, summary: DataSummary, *, as_json: bool) -> None:
    """Prints the counts of a processed folder, and what was skipped."""
    from ecr_engine.data.summary import describe

    if as_json:
        print_document({"folder": folder, **_summary_document(summary)})
        return
    console = results()
    head, *rows = describe(summary)
    columns = [Column(name, right=index > 0) for index, name in enumerate(head)]
    show(console, columns, rows)
    for entry in summary.skipped[:_SKIPPED_SHOWN]:
        console.print(Text(f"skipped {entry.source}:{entry.line}: {entry.reason}", "yellow"), soft_wrap=True)
    if len(summary.skipped) > _SKIPPED_SHOWN:
        console.print(
            Text(f"… and {len(summary.skipped) - _SKIPPED_SHOWN} more in {folder / 'summary.json'}", "yellow")
        )
    console.print()
    facts(console, [*_accounts(summary), ("folder", str(folder)), ("fingerprint", summary.fingerprint[:16])])


def _accounts(summary: DataSummary) -> list[tuple[str, str]]:
    """Where every message went, and what was added."""
    from ecr_engine.data.summary import total

    counts = total(summary.splits.values())
    rows = [
        ("format", summary.reader),
        (
            "messages",
            f"{counts.messages:,} = {counts.turns:,} turns + {counts.joined_messages:,} joined to the one before"
            f" + {counts.blank_messages:,} blank",
        ),
        (
            "movie names",
            f"{counts.repaired_names:,} repaired, {counts.unnamed_slots:,} mentions without one,"
            f" {counts.unlisted_slots:,} of movies that their dialogue does not list",
        ),
    ]
    graph = summary.knowledge
    if graph:
        linked = f"{graph.items:,} movie ids" if graph.items else "no movie of the dialogues: their names differ"
        rows.append(("knowledge", f"{graph.entities:,} entities, {graph.triples:,} triples; links {linked}"))
        rows.append(("entities", f"{counts.entities:,} mentions other than movies"))
    return rows


def _summary_document(summary: DataSummary) -> dict[str, object]:
    from ecr_engine.data.summary import to_json

    return to_json(summary)
