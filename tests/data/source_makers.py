"""Writes sources in the forms that are not ReDial's, and reads them back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ecr_engine.data.files import SourceFiles
from ecr_engine.data.reader import RawDialogue, Skipped, find_reader, read
from ecr_engine.data.schema import Example
from ecr_engine.errors import DataError

Said = tuple[str, tuple[str, ...], tuple[str, ...]]
"""Who says a message, its words and its movies."""


def write_lines(path: Path, lines: Sequence[Any]) -> Path:
    """A file of lines; what is not text is written as JSON. Returns the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines]
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return path.parent


def form_of(source: Path) -> str:
    """The name of the reader that takes a source."""
    return find_reader(SourceFiles(source)).name


def dialogues(source: Path) -> list[RawDialogue]:
    """The dialogues of a source that holds nothing else."""
    found = list(read(source))
    assert all(isinstance(one, RawDialogue) for one in found)
    return [one for one in found if isinstance(one, RawDialogue)]


def examples_of(source: Path) -> list[tuple[Example, ...]]:
    """The examples of a source that holds nothing else, by conversation."""
    found = list(read(source))
    assert all(isinstance(one, tuple) for one in found)
    return [one for one in found if isinstance(one, tuple)]


def said(dialogue: RawDialogue) -> list[Said]:
    """What is said in a dialogue."""
    return [(message.role.value, message.words, message.movies) for message in dialogue.messages]


def fault(source: Path) -> tuple[str, str]:
    """What is wrong with a source, and where, in the folder."""
    with pytest.raises(DataError) as caught:
        list(read(source))
    (problem,) = caught.value.problems
    return problem.what, problem.at.removeprefix(f"{source}/")


def skipped(source: Path) -> list[tuple[int, str]]:
    """Line and reason of what can't be read in a source."""
    return [(one.line, one.reason) for one in read(source, skip_bad=True) if isinstance(one, Skipped)]


def oddities(source: Path) -> list[tuple[str, str]]:
    """What is odd in a source."""
    files = SourceFiles(source)
    reader = find_reader(files)
    return [
        (oddity.what, oddity.detail)
        for split, name in reader.parts(files).items()
        for record in reader.records(files, split, name)
        for oddity in reader.oddities(record)
    ]
