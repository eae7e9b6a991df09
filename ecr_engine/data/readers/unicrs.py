"""Reads the lines that UniCRS (Wang et al., KDD 2022) and ECR train on: one turn a line, `context`, `resp`, `rec`.

UniCRS makes two kinds of them. In the one every turn is a line, and no line says who speaks unless ECR added `role`:
the first to speak is then taken for the seeker. In the other only the recommender's turns are lines, with `<movie>` for
each movie. Ids become names by `entity2id.json`, where the source has one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ecr_engine.data.files import LineTooLongError, SourceFiles
from ecr_engine.data.reader import MalformedError, Oddity, RawDialogue, Reader, Record, named_files, split_files
from ecr_engine.data.readers import _processed, _tables
from ecr_engine.data.readers._processed import Known, Line
from ecr_engine.data.records import decode_object
from ecr_engine.data.schema import Split

_FILES = re.compile(r"(?P<split>train|valid|dev|test)_data_processed\.jsonl")


class UnicrsReader:
    """The reader of UniCRS's turns."""

    name = "unicrs"
    explanation = "train_data_processed.jsonl and the like (UniCRS, ECR), with entity2id.json beside it"

    def recognises(self, files: SourceFiles) -> bool:
        """Whether the first line of a file is a turn, and not one of CFCRS's, which know their dialogue."""
        for name in named_files(files, _FILES):
            first = files.peek(name)
            if b'"context"' in first and b'"resp"' in first and b'"dialog_id"' not in first:
                return True
        return False

    def parts(self, files: SourceFiles) -> dict[Split, str]:
        """The files that are there, by split."""
        return split_files(files, _FILES)

    def records(self, files: SourceFiles, split: Split, name: str) -> Iterator[Record]:
        """One record a dialogue: its lines, and after them one more with what the other files say of its ids."""
        known = _tables.load(files)
        every_turn = _every_turn(files, name)
        for group in _groups(files, split, name):
            if group.lines:
                yield Record(split, name, group.start, (*group.lines, _note(group.turns, known, every_turn)))
            yield from group.faults

    def parse(self, record: Record) -> RawDialogue:
        """The dialogue in a record."""
        lines, known = _content(record)
        conversation = f"{record.source.removesuffix('.jsonl')}:{record.line}"
        return _processed.dialogue(record, conversation, lines, known)

    def oddities(self, record: Record) -> Iterator[Oddity]:
        """What is odd in a record."""
        lines, known = _content(record)
        if known.every_turn and all(line.role is None for line in lines):
            yield Oddity("nobody says who speaks: the first to speak is taken for the seeker", lines[0].response[:40])
        yield from _processed.oddities(self.parse(record), lines)


@dataclass(slots=True)
class _Group:
    """The lines of one dialogue as they come in, and the bad lines met among them."""

    start: int = 0
    lines: list[bytes] = field(default_factory=list)
    turns: list[Line] = field(default_factory=list)
    faults: list[Record] = field(default_factory=list)


def _groups(files: SourceFiles, split: Split, name: str) -> Iterator[_Group]:
    """The dialogues of a file.

    A bad line does not end a dialogue: the next line has its text in the context.
    """
    group = _Group()
    for number, content in files.lines(name):
        turn = _turn(content)
        if isinstance(turn, str):
            group.faults.append(Record(split, name, number, (), turn))
            continue
        if group.turns and not _processed.joins(group.turns[-1], turn):
            yield group
            group = _Group()
        group.start = group.start or number
        assert isinstance(content, bytes)
        group.lines.append(content)
        group.turns.append(turn)
    yield group


def _turn(content: bytes | LineTooLongError) -> Line | str:
    """The turn in a line, or what is wrong with it."""
    if isinstance(content, LineTooLongError):
        return str(content)
    try:
        return _processed.line_of(content)
    except MalformedError as error:
        return str(error)


def _every_turn(files: SourceFiles, name: str) -> bool:
    """Whether the seeker's turns are lines too: told by the first two lines of one dialogue."""
    before: Line | None = None
    for _, content in files.lines(name):
        turn = _turn(content)
        if isinstance(turn, str):
            continue
        if before is not None and _processed.joins(before, turn):
            return len(turn.context) == len(before.context) + 1
        before = turn
    return False


def _note(turns: Sequence[Line], known: Known, every_turn: bool) -> bytes:
    ids = {entity for turn in turns for entity in (*turn.recommended, *turn.entities)}
    movies = None if known.movies is None else sorted(ids & known.movies)
    names = {entity: known.names[entity] for entity in sorted(ids) if entity in known.names}
    note = {"every_turn": every_turn, "names": names, "movies": movies}
    return json.dumps(note).encode()


def _content(record: Record) -> tuple[list[Line], Known]:
    note = decode_object(record.lines[-1], "a note")
    movies = None if note["movies"] is None else frozenset(note["movies"])
    known = Known(every_turn=note["every_turn"], names=note["names"], movies=movies)
    return [_processed.line_of(line) for line in record.lines[:-1]], known


def build() -> Reader:
    """The reader."""
    return UnicrsReader()
