"""Processed data as people read it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from ecrctl.ui.console import results, say
from ecrctl.ui.document import print_document
from ecrctl.ui.tables import Column, facts, show

if TYPE_CHECKING:
    from ecr_engine.config.settings import Settings
    from ecr_engine.data.schema import Example, Item
    from ecr_engine.data.summary import DataSummary

_SKIPPED_SHOWN = 10
_FEEDBACK = {True: "liked", False: "disliked", None: "not said"}


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
    facts(
        results(),
        [
            ("written", str(folder)),
            ("dialogues", f"{data.sample_dialogues} on {data.sample_movies} movies, seed {settings.seed}"),
            ("next", f"ecrctl data process {folder} --output {folder.with_name(folder.name + '-processed')}"),
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
    facts(console, [("folder", str(folder)), ("fingerprint", summary.fingerprint[:16])])


def _summary_document(summary: DataSummary) -> dict[str, object]:
    from ecr_engine.data.summary import to_json

    return to_json(summary)


def show_example(folder: Path, split: str, number: int, system: str, *, as_json: bool) -> None:
    """Prints one example of a processed folder.

    Raises:
        UsageError: there is no such split, or it has fewer examples.
    """
    from ecr_engine.data.prompts import render_text
    from ecr_engine.data.schema import Split
    from ecr_engine.data.store import read_examples, split_path
    from ecr_engine.errors import UsageError, suggestion

    if split not in list(Split):
        raise UsageError(f"unknown split '{split}'", at="--split", fix=suggestion(split, list(Split)))
    path = split_path(folder, Split(split))
    examples = read_examples(path)
    if number > len(examples):
        raise UsageError(f"there is no example {number}", at=str(path), fix=f"name one of 1 to {len(examples)}")
    example = examples[number - 1]
    prompt = render_text(example.context, system)
    if as_json:
        print_document({"prompt": prompt, "example": example})
        return
    _print_example(example, prompt, f"{number} of {len(examples)} in {path}")


def _print_example(example: Example, prompt: str, place: str) -> None:
    say(prompt)
    say("")
    pairs = [
        ("reference", example.target),
        ("movies", "; ".join(_movie(item) for item in example.items) or "none"),
        ("emotions", ", ".join(example.emotions) or "none"),
        ("id", f"{example.example_id}, from {example.source}:{example.line}"),
        ("example", place),
    ]
    facts(results(), pairs)


def _movie(item: Item) -> str:
    return f"{item.name or '@' + item.item_id} ({_FEEDBACK[item.liked]})"
