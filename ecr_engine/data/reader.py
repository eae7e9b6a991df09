"""What a data reader is: it cuts a source into records, and turns a record into a dialogue.

The two steps are apart so that records can be cut in one process and parsed in many. Adding a format is adding one file
to `readers/`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ecr_engine.data.files import LineTooLongError, SourceFiles
from ecr_engine.data.schema import Emotions, Example, Item, Role, Split
from ecr_engine.errors import DataError, UsageError, suggestion
from ecr_engine.registry import Registry

AUTO = "auto"
"""The format that asks every reader whether it knows the source."""

FIX = "mend the line, or leave bad dialogues out with --skip-bad"


MOST_MESSAGES = 1000
"""Messages of one dialogue at most; ReDial has 60. Examples repeat their context, so they grow with its square."""


class MalformedError(Exception):
    """What is wrong with one record; whoever reads it adds the place."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it was sent.

    Attributes:
        role: the sender.
        words: the cleaned text (`cleaning.clean`) between the mentioned movies, one more than there are movies. A
            message without a movie has one, which is empty if the sender sent only blanks.
        movies: ids of the movies between the words.
        entities: knowledge-graph entities that the source says it mentions, other than its movies.
        emotions: emotions that the source says it shows, with probabilities.
    """

    role: Role
    words: tuple[str, ...]
    movies: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    emotions: Emotions = ()

    def is_blank(self) -> bool:
        """Whether it holds neither words nor a movie."""
        return not self.movies and not self.words[0]


@dataclass(frozen=True, slots=True)
class RawDialogue:
    """One conversation as a reader hands it over.

    Attributes:
        conversation_id: unique in the source.
        split: the part of the source it stands in.
        messages: oldest first; at least one of them is not blank.
        items: the movies that the source lists for it, by id.
        source: name of the file it was read from.
        line: line in that file, from 1.
    """

    conversation_id: str
    split: Split
    messages: tuple[Message, ...]
    items: dict[str, Item]
    source: str
    line: int


@dataclass(frozen=True, slots=True)
class Record:
    """The raw bytes of one dialogue.

    Attributes:
        split: the part of the source it stands in.
        source: name of the file.
        line: the line it starts on, from 1.
        lines: the file's lines that belong to it, without line ends; more than one where a format spreads a dialogue
            over lines. Empty if the record can't even be cut out, which `fault` then explains.
        fault: why it can't be cut out; empty otherwise.
    """

    split: Split
    source: str
    line: int
    lines: tuple[bytes, ...]
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A dialogue that could not be read.

    Attributes:
        split: the part of the source it stands in.
        source: name of the file.
        line: line in that file, from 1.
        reason: what is wrong with it.
    """

    split: Split
    source: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something in a record that is readable but not as it should be; `ecrctl data validate` counts them.

    Attributes:
        what: the kind of oddity as a sentence, the same for all of its kind.
        detail: this case: the id, the name, the words.
    """

    what: str
    detail: str


Parsed = RawDialogue | tuple[Example, ...]
"""A dialogue as it was sent, or, from formats that hold nothing else, the finished examples of one conversation."""


class Reader(Protocol):
    """Reads one source format.

    Attributes:
        name: the registered name (the file's name).
        explanation: what it reads, as the end of a sentence ("give a folder with …").
    """

    name: str
    explanation: str

    def recognises(self, files: SourceFiles) -> bool:
        """Whether a source is in this format; looks at names, and at first lines where names do not tell."""

    def parts(self, files: SourceFiles) -> dict[Split, str]:
        """The file of each split that the source has, in the order of `Split`.

        Raises:
            DataError: it has two for one split.
        """

    def records(self, files: SourceFiles, split: Split, name: str) -> Iterator[Record]:
        """The records of one file, streamed: only one is held at a time."""

    def parse(self, record: Record) -> Parsed:
        """What a record without a `fault` says. Depends on the record alone.

        Raises:
            MalformedError: it can't be read.
        """

    def oddities(self, record: Record) -> Iterator[Oddity]:
        """What is odd in a record that `parse` accepts."""


READERS: Registry[Reader] = Registry("ecr_engine.data.readers", "data format")


def find_reader(files: SourceFiles, form: str = AUTO) -> Reader:
    """The reader of a source.

    Args:
        files: the source.
        form: a registered name, or `auto`.

    Raises:
        UsageError: no reader has this name.
        DataError: the source is empty, or is in no known format.
    """
    if form != AUTO:
        if form not in READERS.names():
            names = [AUTO, *READERS.names()]
            raise UsageError(f"unknown data format '{form}'", at="--format", fix=suggestion(form, names))
        return READERS.build(form)
    if not files.names():
        raise DataError("the data folder is empty", at=str(files.place), fix="put train_data.jsonl of ReDial there")
    readers = [READERS.build(name) for name in READERS.names()]
    for reader in readers:
        if reader.recognises(files):
            return reader
    raise DataError(
        "the data source is in no format that a reader knows", at=str(files.place), fix=_formats(files, readers)
    )


def training_part(files: SourceFiles, reader: Reader) -> dict[Split, str]:
    """The parts of a source, the training split among them.

    Raises:
        DataError: there is no training file.
    """
    parts = reader.parts(files)
    if Split.TRAIN not in parts:
        found = f"; it has {', '.join(parts.values())}" if parts else ""
        raise DataError(
            f"the data source has no training file{found}", at=str(files.place), fix=f"give {reader.explanation}"
        )
    return parts


def split_files(files: SourceFiles, pattern: re.Pattern[str], *, last_wins: bool = False) -> dict[Split, str]:
    """The file of each split, by name.

    Args:
        files: the source.
        pattern: matches a whole file name; its group `split` is train, valid, dev or test. A source that is one file
            of another name is all training data.
        last_wins: whether of two files for one split the last by name is meant, rather than neither.

    Raises:
        DataError: two files are for one split.
    """
    found: dict[Split, str] = {}
    for name in named_files(files, pattern):
        matched = pattern.fullmatch(name)
        split = _SPLITS[matched["split"]] if matched else Split.TRAIN
        if split in found and not last_wins:
            raise DataError(
                f"two files of the source are for the split {split}: {found[split]} and {name}",
                at=str(files.place),
                fix="give a folder with one of them",
            )
        found[split] = name
    return {split: found[split] for split in Split if split in found}


def named_files(files: SourceFiles, pattern: re.Pattern[str]) -> tuple[str, ...]:
    """The files whose names a pattern matches, by which a reader can recognise a source; or the only file of a source.

    Args:
        files: the source.
        pattern: matches a whole file name.
    """
    found = tuple(name for name in files.names() if pattern.fullmatch(name))
    alone = not found and not files.is_folder and len(files.names()) == 1
    return files.names() if alone else found


_SPLITS = {"train": Split.TRAIN, "valid": Split.VALID, "dev": Split.VALID, "test": Split.TEST}


def line_records(files: SourceFiles, split: Split, name: str) -> Iterator[Record]:
    """One record for each line of a file."""
    for number, line in files.lines(name):
        if isinstance(line, LineTooLongError):
            yield Record(split, name, number, (), str(line))
        else:
            yield Record(split, name, number, (line,))


def read(
    source: Path, *, form: str = AUTO, skip_bad: bool = False
) -> Iterator[RawDialogue | tuple[Example, ...] | Skipped]:
    """The dialogues of a source, in the order of its splits and lines, streamed.

    Args:
        source: a folder, a zip or a file.
        form: a registered format, or `auto`.
        skip_bad: yield a `Skipped` for a dialogue that can't be read, rather than raise.

    Raises:
        UsageError, DataError: see `find_reader`; or a dialogue can't be read and `skip_bad` is false.
    """
    files = SourceFiles(source)
    reader = find_reader(files, form)
    seen = Seen()
    for split, name in training_part(files, reader).items():
        for record in reader.records(files, split, name):
            parsed = parse(reader, record)
            if not isinstance(parsed, Skipped):
                parsed = seen.check(conversation_of(parsed), record) or parsed
            if isinstance(parsed, Skipped) and not skip_bad:
                raise unreadable(files, parsed)
            yield parsed


def parse(reader: Reader, record: Record) -> Parsed | Skipped:
    """What a record says, or why it can't be read."""
    if record.fault:
        return Skipped(record.split, record.source, record.line, record.fault)
    try:
        parsed = reader.parse(record)
        _check_length(parsed)
    except MalformedError as error:
        return Skipped(record.split, record.source, record.line, str(error))
    return parsed


def _check_length(parsed: Parsed) -> None:
    if isinstance(parsed, RawDialogue) and len(parsed.messages) > MOST_MESSAGES:
        raise MalformedError(f"the dialogue has {len(parsed.messages):,} messages; {MOST_MESSAGES:,} is the limit")


def unreadable(files: SourceFiles, skipped: Skipped) -> DataError:
    """The error for a dialogue that can't be read."""
    return DataError(skipped.reason, at=f"{files.shown(skipped.source)}:{skipped.line}", fix=FIX)


def conversation_of(parsed: Parsed) -> str:
    """The conversation's id."""
    return parsed.conversation_id if isinstance(parsed, RawDialogue) else parsed[0].conversation_id


class Seen:
    """The conversations met so far: each may come once, in one split."""

    def __init__(self) -> None:
        self._places: dict[str, tuple[str, int]] = {}

    def check(self, conversation_id: str, record: Record) -> Skipped | None:
        """Notes the conversation of a record; returns why it can't be taken if an earlier record was of it.

        Call it once for each record: several may stand on one line.
        """
        if conversation_id not in self._places:
            self._places[conversation_id] = (record.source, record.line)
            return None
        source, line = self._places[conversation_id]
        reason = f"conversation '{conversation_id}' is there twice; the first is at {source}:{line}"
        return Skipped(record.split, record.source, record.line, reason)


def _formats(files: SourceFiles, readers: Sequence[Reader]) -> str:
    """What could be given instead; a subfolder that would do is named first, then the folder's only zip."""
    if files.is_folder:
        for folder in sorted(entry for entry in files.place.iterdir() if entry.is_dir()):
            inner = SourceFiles(folder)
            if any(reader.recognises(inner) for reader in readers):
                return f"give its folder {folder}"
        zips = [name for name in files.names() if name.lower().endswith(".zip")]
        if len(zips) == 1:
            return f"give the file {files.place / zips[0]}"
    return "give " + ", or ".join(reader.explanation for reader in readers)


Names = Mapping[str, str]
"""Movie names by id, for movies that a source names badly or not at all."""
