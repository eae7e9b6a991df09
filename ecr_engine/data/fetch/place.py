"""Whether a corpus may be fetched into a folder: never among the files of somebody else."""

from __future__ import annotations

from pathlib import Path

from ecr_engine.data.fetch.corpus import Corpus
from ecr_engine.data.fetch.provenance import read_source
from ecr_engine.errors import UsageError


def check_place(folder: Path, corpus: Corpus) -> None:
    """Refuses a folder that holds anything but this corpus, or the beginnings of it.

    Args:
        folder: where the files go; need not exist.
        corpus: what is fetched.

    Raises:
        UsageError: the folder, or one above it, is a file; or it holds other things.
        DataError: its SOURCE.json can't be read.
    """
    file = next((place for place in (folder, *folder.parents) if place.exists() and not place.is_dir()), None)
    if file is not None:
        raise UsageError(f"'{file}' is a file", at=str(folder), fix="give a folder: --output DIR")
    source = read_source(folder)
    if source is None:
        _check_names(folder, corpus)
    elif source.corpus != corpus.name:
        raise UsageError(
            f"the folder holds the corpus {source.corpus}", at=str(folder), fix="give another folder: --output DIR"
        )


def _check_names(folder: Path, corpus: Corpus) -> None:
    """A folder without a record may hold what an interrupted fetch leaves."""
    names = [file.name for file in corpus.files]
    ours = {*names, *(f"{name}.part" for name in names), *(f"{name}.part.json" for name in names)}
    ours |= {f".{name}.unpacking" for name in names}
    other = sorted({entry.name for entry in folder.iterdir()} - ours) if folder.is_dir() else []
    if other:
        raise UsageError(
            f"the folder holds other files, such as {other[0]}",
            at=str(folder),
            fix="give a folder that is new or empty: --output DIR",
        )
