"""What a corpus is that can be fetched. Adding one is one file in `corpora/` and its addresses in the settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ecr_engine.registry import Registry


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file to download.

    Attributes:
        name: the name it is stored under.
        key: its settings are `fetch.KEY_url` and `fetch.KEY_sha256`.
        is_archive: whether it is a zip or a tar.gz that is unpacked beside it.
    """

    name: str
    key: str
    is_archive: bool = False


@dataclass(frozen=True, slots=True)
class FileCount:
    """What the strict reading of one file found.

    Attributes:
        name: the file's name.
        rows: its rows, without a head.
        labels: how often each label or level occurs, in the order of the labels.
    """

    name: str
    rows: int
    labels: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Corpus:
    """A corpus that can be fetched.

    Attributes:
        name: the registered name (the file's name).
        explanation: what it holds, in half a sentence.
        licence: under which it is published.
        citation: the paper to cite.
        page: where its authors describe it.
        files: what is downloaded.
        members: files that the archives must hold.
        form: the data format of its dialogues (`data.reader.READERS`); empty if it holds labelled texts.
        count: for labelled texts, reads all files of a folder strictly; raises DataError at the first bad row.
    """

    name: str
    explanation: str
    licence: str
    citation: str
    page: str
    files: tuple[RemoteFile, ...]
    members: tuple[str, ...] = ()
    form: str = ""
    count: Callable[[Path], tuple[FileCount, ...]] | None = None


CORPORA: Registry[Corpus] = Registry("ecr_engine.data.fetch.corpora", "corpus")
