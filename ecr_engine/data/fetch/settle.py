"""Moves what an archive held to its place, with a record that tells whether all of it is there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from ecr_engine.data.fetch.corpus import Corpus
from ecr_engine.data.fetch.provenance import SOURCE, Source, UnpackedFile, write_source
from ecr_engine.data.fetch.verify import hash_of
from ecr_engine.errors import DataError


def is_intact(folder: Path, files: Iterable[UnpackedFile]) -> bool:
    """Whether all unpacked files are there and unchanged."""
    return all((folder / file.name).is_file() and hash_of(folder / file.name) == file.sha256 for file in files)


def settle(staging: Path, folder: Path, corpus: Corpus, record: Source) -> Source:
    """Moves the files of `staging` into `folder` and takes away those of an earlier archive.

    The record is written first: a stop between two moves is seen the next time, as files that are missing.

    Args:
        staging: what the archive held, on the same disk.
        folder: where it goes.
        corpus: names the files that must be among it.
        record: what is known of the folder.

    Returns:
        The record with the unpacked files.

    Raises:
        DataError: a file is missing, or one would overwrite an archive or the record.
    """
    paths = sorted(path for path in staging.rglob("*") if path.is_file())
    files = tuple(
        UnpackedFile(path.relative_to(staging).as_posix(), hash_of(path), path.stat().st_size) for path in paths
    )
    archive = next(file.name for file in corpus.files if file.is_archive)
    _check_names([file.name for file in files], corpus, folder / archive)
    settled = replace(record, unpacked=files)
    write_source(folder, corpus, settled)
    for gone in {file.name for file in record.unpacked} - {file.name for file in files}:
        (folder / gone).unlink(missing_ok=True)
    for file in files:
        (folder / file.name).parent.mkdir(parents=True, exist_ok=True)
        (staging / file.name).replace(folder / file.name)
    return settled


def _check_names(names: list[str], corpus: Corpus, archive: Path) -> None:
    missing = [name for name in corpus.members if name not in names]
    if missing:
        raise DataError(
            f"the archive holds no {missing[0]}", at=str(archive), fix=f"set another address; see {corpus.page}"
        )
    taken = {SOURCE, *(file.name for file in corpus.files)}
    if clash := [name for name in names if name.partition("/")[0] in taken]:
        raise DataError(
            "the archive is not safe: a member would overwrite a file of ours",
            at=f"{archive}:{clash[0]}",
            fix="set another address of the file",
        )
