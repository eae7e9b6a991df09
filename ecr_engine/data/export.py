"""Examples in the forms that other trainers read. Adding a form is adding one file to `exporters/`.

Contexts name their movies and targets have slots, as everywhere; only `Style.names` puts names into targets too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ecr_engine.data.schema import SLOT, Example, Split
from ecr_engine.data.staging import staged
from ecr_engine.data.store import KNOWLEDGE, read_summary, split_path, stream_examples
from ecr_engine.data.turns import UNNAMED, weave
from ecr_engine.errors import DataError, UsageError, suggestion
from ecr_engine.registry import Registry

if TYPE_CHECKING:
    from ecr_engine.data.knowledge.graph import KnowledgeGraph


class Prompt(StrEnum):
    """What a row asks with."""

    DIALOGUE = "dialogue"
    ECR = "ecr"


@dataclass(frozen=True, slots=True)
class Style:
    """How examples are written.

    Attributes:
        system: the system message.
        names: whether targets name their movies, rather than having slots.
        graph: the knowledge behind the four lines of the ECR paper; None: the prompt is the dialogue.
    """

    system: str
    names: bool = False
    graph: KnowledgeGraph | None = None


class Exporter(Protocol):
    """Writes one form.

    Attributes:
        name: the registered name (the file's name).
        explanation: what a file holds.
        prompts: what its rows can ask with; the first is the default.
        one_list: whether a file is one JSON list, rather than one object a line.
        reads_back: whether `data process` makes the same examples of its files.
    """

    name: str
    explanation: str
    prompts: tuple[Prompt, ...]
    one_list: bool
    reads_back: bool

    def file_name(self, split: Split) -> str:
        """Name of the file of a split."""

    def row(self, example: Example, style: Style) -> dict[str, Any] | None:
        """The JSON object of an example; None if this style has none for it."""


EXPORTERS: Registry[Exporter] = Registry("ecr_engine.data.exporters", "export format")


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """One file that was written.

    Attributes:
        name: its name.
        split: the split.
        rows: examples in it.
        left_out: examples that the style has no row for.
        size: bytes.
    """

    name: str
    split: Split
    rows: int
    left_out: int
    size: int


@dataclass(frozen=True, slots=True)
class Export:
    """What was exported.

    Attributes:
        folder: where to.
        form: the form.
        files: the files, in the order of the splits.
        reads_back: whether `data process` makes these examples again of the folder.
    """

    folder: Path
    form: str
    files: tuple[ExportedFile, ...]
    reads_back: bool


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be exported.

    Attributes:
        form: a registered form.
        system: the system message.
        prompt: what rows ask with.
        splits: the splits.
        names: whether targets name their movies.
        limit: examples of each split at most, the first ones; None for all.
        force: whether an earlier export may be replaced.
    """

    form: str
    system: str
    prompt: str = Prompt.DIALOGUE
    splits: tuple[str, ...] = tuple(Split)
    names: bool = False
    limit: int | None = None
    force: bool = False


def export(source: Path, output: Path, wish: Wish) -> Export:
    """Writes the examples of a processed folder in another form; streamed, so memory does not grow with them.

    Args:
        source: a folder that `process` wrote.
        output: the folder to make; it is complete or not there.
        wish: what is to be exported.

    Raises:
        DataError: the source is not a processed folder, or has no knowledge graph where the prompt needs one.
        UsageError: a form, a prompt or a split is not known; or `output` holds other things.
    """
    exporter = find_exporter(wish.form)
    splits = _splits(wish.splits)
    prompt = _prompt(exporter, wish.prompt)
    read_summary(source)
    style = Style(wish.system, wish.names, _graph(source) if prompt is Prompt.ECR else None)
    names = {exporter.file_name(split) for split in Split}
    _refuse_earlier(output, names, force=wish.force)
    with staged(output, _holds_only(names)) as folder:
        files = tuple(_write(source, folder, split, exporter, style, wish.limit) for split in splits)
    return Export(output, exporter.name, files, exporter.reads_back and not wish.names and Split.TRAIN in splits)


def find_exporter(form: str) -> Exporter:
    """The exporter of a form.

    Raises:
        UsageError: there is none of this name.
    """
    if form not in EXPORTERS.names():
        raise UsageError(f"unknown export format '{form}'", at="--to", fix=suggestion(form, EXPORTERS.names()))
    return EXPORTERS.build(form)


def answer(example: Example, style: Style) -> str:
    """The target as the style wants it: with slots, or with names."""
    return named_target(example) if style.names else example.target


def named_target(example: Example) -> str:
    """The target with its movies by name; a slot whose movie or name is not known is `a movie`."""
    words = example.target.split(SLOT)
    slots = len(words) - 1
    known = [item.name or UNNAMED for item in example.items[:slots]]
    return weave(words, known + [UNNAMED] * (slots - len(known)))


def _splits(names: Sequence[str]) -> list[Split]:
    """The named splits, each once, in the order of `Split`."""
    for name in names:
        if name not in list(Split):
            raise UsageError(f"unknown split '{name}'", at="--split", fix=suggestion(name, list(Split)))
    return [split for split in Split if split in names]


def _prompt(exporter: Exporter, name: str) -> Prompt:
    if name not in list(Prompt):
        raise UsageError(f"unknown prompt '{name}'", at="--prompt", fix=suggestion(name, list(Prompt)))
    if name not in exporter.prompts:
        able = [other for other in EXPORTERS.names() if name in EXPORTERS.build(other).prompts]
        raise UsageError(
            f"the format '{exporter.name}' has no prompt '{name}'", at="--prompt", fix=f"--to {' or --to '.join(able)}"
        )
    return Prompt(name)


def _graph(source: Path) -> KnowledgeGraph:
    path = source / KNOWLEDGE
    if not path.is_file():
        raise DataError(
            "the prompt 'ecr' needs a knowledge graph, and the data was processed without one",
            at=str(path),
            fix="process it again: ecrctl data process SOURCE --output DIR --knowledge DIR",
        )
    from ecr_engine.data.knowledge.graph import KnowledgeGraph

    return KnowledgeGraph.load(path)


def _refuse_earlier(output: Path, names: set[str], *, force: bool) -> None:
    if not force and output.is_dir() and any(output.iterdir()) and _holds_only(names)(output):
        raise UsageError("the output folder holds an earlier export", at=str(output), fix="replace it: --force")


def _holds_only(names: set[str]) -> Callable[[Path], bool]:
    """Tells whether a folder holds nothing but files of these names."""
    return lambda folder: {entry.name for entry in folder.iterdir()} <= names


def _write(
    source: Path, folder: Path, split: Split, exporter: Exporter, style: Style, limit: int | None
) -> ExportedFile:
    path = folder / exporter.file_name(split)
    examples = islice(stream_examples(split_path(source, split)), limit)
    form = _write_list if exporter.one_list else _write_lines
    rows, left_out = form(path, (exporter.row(example, style) for example in examples))
    return ExportedFile(path.name, split, rows, left_out, path.stat().st_size)


def _write_lines(path: Path, rows: Iterable[dict[str, Any] | None]) -> tuple[int, int]:
    """Writes one object a line; returns how many rows there were, and how many gaps."""
    written = gaps = 0
    with path.open("w", encoding="utf-8", newline="\n") as handle:
        for row in rows:
            if row is None:
                gaps += 1
                continue
            handle.write(json.dumps(row, ensure_ascii=False) + "\n")
            written += 1
    return written, gaps


def _write_list(path: Path, rows: Iterable[dict[str, Any] | None]) -> tuple[int, int]:
    """Writes one JSON list, with each row on a line of its own; returns the same as `_write_lines`."""
    written = gaps = 0
    with path.open("w", encoding="utf-8", newline="\n") as handle:
        handle.write("[")
        for row in rows:
            if row is None:
                gaps += 1
                continue
            handle.write((",\n" if written else "\n") + json.dumps(row, ensure_ascii=False))
            written += 1
        handle.write("\n]\n")
    return written, gaps
