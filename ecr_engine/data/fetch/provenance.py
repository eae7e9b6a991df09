"""`SOURCE.json`: where the files of a folder are from, what they are, and under which licence."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ecr_engine.data.fetch.corpus import Corpus
from ecr_engine.errors import DataError
from ecr_engine.runs import atomic

SOURCE = "SOURCE.json"
FORMAT = "ecr-source/1"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that came from elsewhere.

    Attributes:
        name: the name it is stored under.
        address: its web address.
        taken_from: the name of the local file that was given in place of a download; empty if it was downloaded.
        sha256: its hash.
        bytes: its size.
        verified: whether the hash was known beforehand.
        date: the day it came (UTC), such as 2026-01-31.
    """

    name: str
    address: str
    taken_from: str
    sha256: str
    bytes: int
    verified: bool
    date: str


@dataclass(frozen=True, slots=True)
class UnpackedFile:
    """A file out of an archive.

    Attributes:
        name: its path in the folder.
        sha256: its hash.
        bytes: its size.
    """

    name: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Source:
    """What `SOURCE.json` says.

    Attributes:
        corpus: the corpus's name.
        files: what came from elsewhere, in the order of the corpus.
        unpacked: what its archives held.
    """

    corpus: str
    files: tuple[SourceFile, ...] = ()
    unpacked: tuple[UnpackedFile, ...] = ()

    def file(self, name: str) -> SourceFile | None:
        """The entry of a file, if there is one."""
        return next((file for file in self.files if file.name == name), None)


def read_source(folder: Path) -> Source | None:
    """What the `SOURCE.json` of a folder says; None if it has none.

    Raises:
        DataError: it can't be read.
    """
    path = folder / SOURCE
    if not path.exists():
        return None
    try:
        raw = json.loads(path.read_bytes())
        return Source(
            corpus=raw["corpus"],
            files=tuple(SourceFile(**entry) for entry in raw["files"]),
            unpacked=tuple(UnpackedFile(**entry) for entry in raw["unpacked"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            "the record of where the files are from can't be read", at=str(path), fix="remove it, and fetch again"
        ) from error


def write_source(folder: Path, corpus: Corpus, source: Source) -> None:
    """Writes `SOURCE.json`."""
    document = {
        "format": FORMAT,
        "corpus": source.corpus,
        "explanation": corpus.explanation,
        "licence": corpus.licence,
        "citation": corpus.citation,
        "page": corpus.page,
        "files": [asdict(file) for file in source.files],
        "unpacked": [asdict(file) for file in source.unpacked],
    }
    atomic.write_json(folder / SOURCE, document)
