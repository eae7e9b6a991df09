"""The conversations of any source, one at a time, for whoever looks at data: raw files, a processed folder, or a run.

Nothing is judged or left out here: what can't be read comes as an `Unread`, and an id may come twice.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ecr_engine.data import store
from ecr_engine.data.decoding import example_of
from ecr_engine.data.files import LineTooLongError, SourceFiles
from ecr_engine.data.names import movie_names
from ecr_engine.data.reader import (
    AUTO,
    MalformedError,
    Names,
    Oddity,
    RawDialogue,
    Reader,
    Record,
    Skipped,
    find_reader,
    parse,
)
from ecr_engine.data.records import decode
from ecr_engine.data.schema import SLOT, Dialogue, Example, Role, Split, Turn
from ecr_engine.data.summary import latest
from ecr_engine.data.turns import UNNAMED, merge, weave
from ecr_engine.errors import DataError
from ecr_engine.runs.folder import RunFolder

PROCESSED = "processed"
"""What stands in the place of a reader's name for a folder that `process` wrote."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """One conversation, and what it was made of.

    Attributes:
        split: the part of the source it stands in.
        file: the file it is from, as messages write it.
        line: line in that file, from 1.
        dialogue: its merged turns. Of a source that holds finished examples it is put together again from them, and its
            items are those of targets.
        raw: the messages as sent; None where the source holds finished examples.
        examples: the finished examples, in order; empty where the source holds messages.
        lines: the line of each of `examples`.
        record: the bytes it was read from; None in a processed folder.
    """

    split: Split
    file: str
    line: int
    dialogue: Dialogue
    raw: RawDialogue | None
    examples: tuple[Example, ...] = ()
    lines: tuple[int, ...] = ()
    record: Record | None = None

    def line_of(self, turn: int) -> int:
        """The line of the example whose target is turn `turn`; of anything else the conversation's own."""
        for example, line in zip(self.examples, self.lines, strict=True):
            if example.turn == turn:
                return line
        return self.line


@dataclass(frozen=True, slots=True)
class Unread:
    """A record that can't be read.

    Attributes:
        split: the part of the source it stands in.
        file: the file, as messages write it.
        line: its line, from 1; 0 if the whole file is meant.
        reason: what is wrong with it.
    """

    split: Split
    file: str
    line: int
    reason: str


class Source(Protocol):
    """A source opened for looking at it.

    Attributes:
        form: the reader's name, or `processed`.
        place: the folder or the file.
        parts: the file of each split that it has, as messages write it.
    """

    form: str
    place: Path
    parts: dict[Split, str]

    def conversations(self) -> Iterator[Conversation | Unread]:
        """All conversations, in the order of splits and lines, streamed."""

    def oddities(self, conversation: Conversation) -> Iterator[Oddity]:
        """What is odd in the source form of a conversation of this source."""


def open_source(place: Path, form: str = AUTO) -> Source:
    """Opens what is at `place`.

    Args:
        place: raw files (a folder, a zip or a file), a processed folder, or a run folder, whose data is meant.
        form: a registered format, or `auto`.

    Raises:
        UsageError: no reader has this name.
        DataError: there is nothing, or nothing that a reader knows.
    """
    folder = _data_of_run(place)
    if form == AUTO and folder.is_dir() and store.is_processed(folder):
        return _Processed(folder)
    return _Raw(SourceFiles(folder), form)


def _data_of_run(place: Path) -> Path:
    run = RunFolder(place)
    if not run.record.is_file():
        return place
    if not run.data.is_dir():
        fix = f"let the run make it: ecrctl run --run {shlex.quote(str(place))}"
        raise DataError("the run has no processed data yet", at=str(run.data), fix=fix)
    return run.data


class _Raw:
    """A source that a reader cuts into records."""

    def __init__(self, files: SourceFiles, form: str) -> None:
        self._files = files
        self._reader: Reader = find_reader(files, form)
        self._names: Names = movie_names(files)
        self._file_of = self._reader.parts(files)
        if not self._file_of:
            raise DataError(
                "the data source has no file of dialogues", at=str(files.place), fix=f"give {self._reader.explanation}"
            )
        self.form = self._reader.name
        self.place = files.place
        self.parts = {split: files.shown(name) for split, name in self._file_of.items()}

    def conversations(self) -> Iterator[Conversation | Unread]:
        for split, name in self._file_of.items():
            for record in self._reader.records(self._files, split, name):
                yield self._conversation(record)

    def _conversation(self, record: Record) -> Conversation | Unread:
        parsed = parse(self._reader, record)
        file = self.parts[record.split]
        if isinstance(parsed, Skipped):
            return Unread(record.split, file, record.line, parsed.reason)
        if isinstance(parsed, RawDialogue):
            return Conversation(record.split, file, record.line, merge(parsed, self._names), raw=parsed, record=record)
        # A format with one example a line has as many lines as examples; an example's own line may be of another file.
        step = len(record.lines) == len(parsed)
        lines = tuple(record.line + number * step for number in range(len(parsed)))
        return Conversation(record.split, file, record.line, rebuilt(parsed), None, parsed, lines, record)

    def oddities(self, conversation: Conversation) -> Iterator[Oddity]:
        assert conversation.record is not None
        return self._reader.oddities(conversation.record)


class _Processed:
    """A folder that `process` wrote."""

    form = PROCESSED

    def __init__(self, folder: Path) -> None:
        self.place = folder
        self.parts = {split: str(store.split_path(folder, split)) for split in Split}

    def conversations(self) -> Iterator[Conversation | Unread]:
        files = SourceFiles(self.place)
        for split, shown in self.parts.items():
            name = store.split_path(self.place, split).name
            if name not in files.names():
                yield Unread(split, shown, 0, "the file of the split is missing")
                continue
            yield from self._grouped(split, self._lines(files, split, name))

    def _grouped(
        self, split: Split, entries: Iterator[tuple[int, Example] | Unread]
    ) -> Iterator[Conversation | Unread]:
        """One conversation for successive examples of one id; a line between them that can't be read parts nothing."""
        group: list[tuple[int, Example]] = []
        for entry in entries:
            if isinstance(entry, Unread):
                yield entry
                continue
            if group and group[-1][1].conversation_id != entry[1].conversation_id:
                yield self._put_together(split, group)
                group = []
            group.append(entry)
        if group:
            yield self._put_together(split, group)

    def _lines(self, files: SourceFiles, split: Split, name: str) -> Iterator[tuple[int, Example] | Unread]:
        for number, line in files.lines(name):
            if isinstance(line, LineTooLongError):
                yield Unread(split, self.parts[split], number, str(line))
                continue
            try:
                yield number, _example(line)
            except MalformedError as error:
                yield Unread(split, self.parts[split], number, str(error))

    def _put_together(self, split: Split, entries: list[tuple[int, Example]]) -> Conversation:
        found = tuple(example for _, example in entries)
        lines = tuple(number for number, _ in entries)
        return Conversation(split, self.parts[split], lines[0], rebuilt(found), None, found, lines)

    def oddities(self, conversation: Conversation) -> Iterator[Oddity]:
        return iter(())


def rebuilt(examples: tuple[Example, ...]) -> Dialogue:
    """The dialogue that examples were made of, as far as they tell.

    Args:
        examples: those of one conversation, in any order; at least one.
    """
    last = latest(examples)
    target = Turn(Role.RECOMMENDER, _by_name(last), last.target, tuple(item.item_id for item in last.items))
    turns = (*last.context, target, *([last.reply] if last.reply else []))
    items = {item.item_id: item for example in examples for item in example.items}
    return Dialogue(last.conversation_id, turns, items, last.source, last.line)


def _by_name(example: Example) -> str:
    """The target with movies by name."""
    words = example.target.split(SLOT)
    if len(words) != len(example.items) + 1:
        return example.target  # as many slots as movies is what a validation looks for; here they are left alone
    return weave(words, [item.name or UNNAMED for item in example.items])


def _example(line: bytes) -> Example:
    raw = decode(line)
    try:
        return example_of(raw)
    except MalformedError as error:
        raise MalformedError(f"the line is not an example: {error}") from error
