"""Fetches a corpus: every file downloaded or found, verified, unpacked, and its origin written down.

The folder it makes holds `raw/` (the files, what their archives held, and SOURCE.json) and, for dialogues,
`processed/` (the examples). Fetching again verifies what is there and downloads what is not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from ecr_engine.config.sections.data import FetchSettings
from ecr_engine.data.fetch.address import Address, address_of
from ecr_engine.data.fetch.archive import Limits
from ecr_engine.data.fetch.corpus import CORPORA, Corpus, FileCount, RemoteFile
from ecr_engine.data.fetch.download import download
from ecr_engine.data.fetch.local import copy, find_local
from ecr_engine.data.fetch.place import check_place
from ecr_engine.data.fetch.progress import Listener, Notice
from ecr_engine.data.fetch.provenance import Source, SourceFile, UnpackedFile, read_source, write_source
from ecr_engine.data.fetch.settle import is_intact, settle
from ecr_engine.data.fetch.unpack import unpacked
from ecr_engine.data.fetch.verify import Received, hash_of
from ecr_engine.data.process import process
from ecr_engine.data.summary import DataSummary

RAW = "raw"
PROCESSED = "processed"
_MIB = 2**20


class How(StrEnum):
    """How a file came to be there."""

    DOWNLOADED = "downloaded"
    COPIED = "copied"
    KEPT = "was there"


@dataclass(frozen=True, slots=True)
class FetchedFile:
    """One file of a corpus.

    Attributes:
        source: what it is and where it is from.
        how: how it came to be there.
    """

    source: SourceFile
    how: How


@dataclass(frozen=True, slots=True)
class Fetched:
    """What `fetch` made.

    Attributes:
        corpus: the corpus.
        folder: where its files are: `OUTPUT/raw`.
        files: what came from elsewhere.
        unpacked: what the archives among them held.
    """

    corpus: Corpus
    folder: Path
    files: tuple[FetchedFile, ...]
    unpacked: tuple[UnpackedFile, ...]


def fetch(
    name: str,
    output: Path,
    settings: FetchSettings,
    *,
    listener: Listener,
    source: Path | None = None,
    force: bool = False,
    sleep: Callable[[float], None] = time.sleep,
) -> Fetched:
    """Fetches a corpus into `output/raw`.

    Args:
        name: a registered corpus.
        output: a folder that is new, empty, or holds the same corpus.
        settings: addresses, hashes and limits.
        listener: hears how far it is.
        source: a local file or folder to take the files from in place of the network.
        force: fetch also what is there and right.
        sleep: waits for so many seconds between attempts.

    Raises:
        UsageError: the corpus is unknown, `output` holds other things, or an address or hash can't be right.
        UnavailableError: a file can't be had; what came of it stays, to be continued.
        DataError: a file is another one than it must be, or an archive is broken or hostile.
        EcrError: the disk is full, or another process is fetching the same file.
    """
    corpus = CORPORA.build(name)
    flat = settings.model_dump()
    addresses = {file.name: address_of(file, flat) for file in corpus.files}
    folder = output / RAW
    check_place(folder, corpus)
    limits = Limits(settings.max_unpacked_mib * _MIB)
    job = _Fetch(corpus, folder, addresses, source, force, settings.max_mib * _MIB, limits, listener, sleep)
    with _folder(folder):
        return job.run()


@dataclass(frozen=True, slots=True)
class _Fetch:
    """The fetching of one corpus."""

    corpus: Corpus
    folder: Path
    addresses: Mapping[str, Address]
    place: Path | None
    force: bool
    max_bytes: int
    limits: Limits
    listener: Listener
    sleep: Callable[[float], None]

    def run(self) -> Fetched:
        """All files, one after the other; the record is written after each, so that a stop loses nothing."""
        record = read_source(self.folder) or Source(self.corpus.name)
        files: list[FetchedFile] = []
        for file in self.corpus.files:
            fetched = self._file(file, record)
            files.append(fetched)
            changed = self._with_file(record, fetched.source)
            if file.is_archive:
                known = record.file(file.name)
                same = fetched.how is How.KEPT and known is not None and known.sha256 == fetched.source.sha256
                changed = self._unpacked(file, changed, same=same)
            if changed != record:
                record = changed
                write_source(self.folder, self.corpus, record)
        return Fetched(self.corpus, self.folder, tuple(files), record.unpacked)

    def _with_file(self, record: Source, entry: SourceFile) -> Source:
        """The record with a new entry, in the order of the corpus."""
        entries = {known.name: known for known in (*record.files, entry)}
        order = [file.name for file in self.corpus.files]
        return replace(record, files=tuple(entries[name] for name in order if name in entries))

    def _file(self, file: RemoteFile, record: Source) -> FetchedFile:
        address = self.addresses[file.name]
        fetched = None if self.force else self._kept(file, record)
        if fetched is None:
            fetched = self._fetched(file, address)
        if not address.sha256:
            self.listener(
                Notice(
                    f"{file.name}: its SHA-256 is not known, so nothing vouches for it; "
                    f"if you trust it: --set {address.hash_setting}={fetched.source.sha256}",
                    is_warning=True,
                )
            )
        return fetched

    def _kept(self, file: RemoteFile, record: Source) -> FetchedFile | None:
        """The file that is there, if it is the right one."""
        path, address, entry = self.folder / file.name, self.addresses[file.name], record.file(file.name)
        if not path.is_file():
            return None
        noted = entry.sha256 if entry is not None and entry.address == address.shown else ""
        found = hash_of(path)
        if found != (address.sha256 or noted):
            return None
        received = Received(found, path.stat().st_size)
        known = bool(address.sha256)
        if entry is None or entry.sha256 != found:
            return FetchedFile(self._entry(file, received, ""), How.KEPT)
        return FetchedFile(replace(entry, address=address.shown, verified=known), How.KEPT)

    def _fetched(self, file: RemoteFile, address: Address) -> FetchedFile:
        target = self.folder / file.name
        if self.place is None:
            received = download(address, target, max_bytes=self.max_bytes, listener=self.listener, sleep=self.sleep)
            return FetchedFile(self._entry(file, received, ""), How.DOWNLOADED)
        path = find_local(self.place, file, address, alone=len(self.corpus.files) == 1)
        received = copy(path, address, target, max_bytes=self.max_bytes, listener=self.listener)
        return FetchedFile(self._entry(file, received, path.name), How.COPIED)

    def _entry(self, file: RemoteFile, received: Received, taken_from: str) -> SourceFile:
        address = self.addresses[file.name]
        return SourceFile(
            name=file.name,
            address=address.shown,
            taken_from=taken_from,
            sha256=received.sha256,
            bytes=received.size,
            verified=bool(address.sha256),
            date=datetime.now(UTC).date().isoformat(),
        )

    def _unpacked(self, file: RemoteFile, record: Source, *, same: bool) -> Source:
        """The record with what the archive holds, which lies in the folder then.

        Args:
            file: the archive.
            record: what is known of the folder.
            same: whether it is the archive of which the record tells the content.
        """
        if same and record.unpacked and is_intact(self.folder, record.unpacked):
            return record
        with unpacked(self.folder / file.name, self.limits) as folder:
            return settle(folder, self.folder, self.corpus, record)


@contextmanager
def _folder(folder: Path) -> Iterator[None]:
    """The folder is there in the block; after it, it and its parents go if they were made for nothing."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        for place in missing:
            if any(place.iterdir()):
                break
            place.rmdir()
        raise


@dataclass(frozen=True, slots=True)
class Processed:
    """What became of a fetched corpus.

    Attributes:
        folder: the folder of examples; None for a corpus of labelled texts.
        summary: the counts of the examples; None likewise.
        counts: what the strict reading of labelled texts found; empty for dialogues.
    """

    folder: Path | None
    summary: DataSummary | None
    counts: tuple[FileCount, ...]


def process_fetched(
    fetched: Fetched, output: Path, *, validation_share: float, test_share: float, skip_bad: bool
) -> Processed:
    """Turns fetched dialogues into examples in `output/processed`; reads labelled texts strictly and counts them.

    Args:
        fetched: what `fetch` returned.
        output: the folder given to `fetch`.
        validation_share: see `data.process.process`.
        test_share: likewise.
        skip_bad: likewise; labelled texts are never skipped.

    Raises:
        DataError: a dialogue or a row is bad.
        UsageError: `output/processed` holds other things.
    """
    if fetched.corpus.count is not None:
        return Processed(None, None, fetched.corpus.count(fetched.folder))
    folder = output / PROCESSED
    summary = process(
        fetched.folder,
        folder,
        validation_share=validation_share,
        test_share=test_share,
        skip_bad=skip_bad,
        form=fetched.corpus.form,
    )
    return Processed(folder, summary, ())
