"""Reads INSPIRED (Hayati et al., EMNLP 2020): one utterance a row in `{train,dev,test}.tsv`, plain tabs, no quoting.

`text_with_placeholder` has `[MOVIE_TITLE_0]` where `text` has a movie; the number points into `movie_dict`, the movies
of the whole dialogue. It lacks words here and there, so the words are taken from `text`. A movie's id is its title.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ecr_engine.data.cleaning import clean
from ecr_engine.data.files import SourceFiles
from ecr_engine.data.reader import (
    MalformedError,
    Message,
    Oddity,
    RawDialogue,
    Reader,
    Record,
    line_records,
    named_files,
    split_files,
)
from ecr_engine.data.readers._runs import runs
from ecr_engine.data.readers._titles import gaps, title
from ecr_engine.data.records import role_of
from ecr_engine.data.schema import Item, Role, Split

_FILES = re.compile(r"(?P<split>train|valid|dev|test)\.tsv")
_KEY = re.compile(rb"^([^\t]+)\t")
_COLUMNS = ("dialog_id", "speaker", "text", "text_with_placeholder", "movie_dict")
_PLACEHOLDER = re.compile(r"\[([A-Z]+(?:_[A-Z]+)*)_(\d+)\]")
_MOVIE = "MOVIE_TITLE"
_QUOTE = "QUOTATION_MARK"
_VERDICTS = {"accept_rating_good": True, "reject": False}
_VERDICT_COLUMNS = ("case", "fine_label")


@dataclass(frozen=True, slots=True)
class _Row:
    """One utterance, by column."""

    fields: dict[str, str]

    def names(self, column: str) -> list[str]:
        """The entries of a column that holds a list; empty where the column is missing."""
        return [name for name in map(clean, self.fields.get(column, "").split(";")) if name]


class InspiredReader:
    """The reader of INSPIRED."""

    name = "inspired"
    explanation = "train.tsv, and dev.tsv and test.tsv where there are such (INSPIRED, its folder dialog_data)"

    def recognises(self, files: SourceFiles) -> bool:
        """Whether the first line of a file names INSPIRED's columns."""
        return any(
            {b"dialog_id", b"speaker", b"text"} <= set(files.peek(name).split(b"\t"))
            for name in named_files(files, _FILES)
        )

    def parts(self, files: SourceFiles) -> dict[Split, str]:
        """The files that are there, by split."""
        return split_files(files, _FILES)

    def records(self, files: SourceFiles, split: Split, name: str) -> Iterator[Record]:
        """One record a dialogue: the line of column names, then the dialogue's rows."""
        lines = line_records(files, split, name)
        header = next(lines, None)
        if header is None:
            return
        if header.fault:
            yield header
        for record in runs(lines, _KEY):
            yield record if record.fault else replace(record, lines=(*header.lines, *record.lines))

    def parse(self, record: Record) -> RawDialogue:
        """The dialogue in a record."""
        rows = _rows(record)
        conversation = clean(rows[0].fields["dialog_id"])
        if not conversation:
            raise MalformedError("'dialog_id' is empty")
        titles = _titles(rows[0].fields["movie_dict"])
        messages = tuple(_message(row, titles) for row in rows)
        if all(message.is_blank() for message in messages):
            raise MalformedError("the dialogue has no messages")
        return RawDialogue(
            conversation, record.split, messages, _items(rows, messages, titles), record.source, record.line
        )

    def oddities(self, record: Record) -> Iterator[Oddity]:
        """What is odd in a record."""
        raw = self.parse(record)
        for row, message in zip(_rows(record), raw.messages, strict=True):
            for name in row.names("movies"):
                if name not in message.movies:
                    yield Oddity("a listed movie is not in the words", f"{name} in {row.fields['text'][:60]!r}")
            if message.is_blank():
                yield Oddity("a message is blank", f"conversation {raw.conversation_id}")


def _rows(record: Record) -> list[_Row]:
    lines = []
    for line in record.lines:
        try:
            lines.append(line.decode("utf-8"))
        except UnicodeDecodeError as error:
            raise MalformedError(
                f"the line is not UTF-8: byte 0x{line[error.start]:02x} at column {error.start + 1}"
            ) from error
    columns = lines[0].split("\t")
    for name in _COLUMNS:
        if name not in columns:
            raise MalformedError(f"the column '{name}' is missing")
    return [_row(line, columns, number) for number, line in enumerate(lines[1:], start=1)]


def _row(line: str, columns: Sequence[str], number: int) -> _Row:
    values = line.split("\t")
    if len(values) > len(columns) or len(values) <= columns.index("movie_dict"):
        found = f"{len(values)} columns; the first line names {len(columns)}"
        raise MalformedError(f"row {number} of the dialogue has {found}")
    return _Row(dict(zip(columns, values, strict=False)))


def _titles(text: str) -> dict[int, str]:
    """The movies of the dialogue by number: a Python dictionary of title to number."""
    try:
        table = ast.literal_eval(text.strip() or "{}")
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise MalformedError("'movie_dict' can't be read: it must be a dictionary of title to number") from error
    if not isinstance(table, dict):
        raise MalformedError("'movie_dict' must be a dictionary of title to number")
    titles = {}
    for name, number in table.items():
        if not isinstance(name, str) or isinstance(number, bool) or not isinstance(number, int):
            raise MalformedError(f"'movie_dict' must be a dictionary of title to number, found {name!r}: {number!r}")
        titles[number] = clean(name)
    return titles


def _message(row: _Row, titles: dict[int, str]) -> Message:
    role = role_of(row.fields["speaker"], "'speaker'")
    text = clean(row.fields["text"].replace(_QUOTE, '"'))
    words, movies = _slotted(text, clean(row.fields["text_with_placeholder"].replace(_QUOTE, '"')), titles)
    entities = dict.fromkeys([*row.names("genres"), *row.names("people_names")])
    return Message(role, words, movies, tuple(entities))


def _slotted(text: str, marked: str, titles: dict[int, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words of a text around its movies, and the movies."""
    pieces = _PLACEHOLDER.split(marked)  # words, kind, number, words, …
    names = [
        titles.get(int(number), "") if what == _MOVIE else ""
        for what, number in zip(pieces[1::3], pieces[2::3], strict=True)
    ]
    if not any(names):
        return (text,), ()
    spans = _aligned(text, pieces[::3], names) or _found(text, names)
    words, movies, end = [], [], 0
    for start, stop, name in spans:
        words.append(text[end:start])
        movies.append(name)
        end = stop
    return (*words, text[end:]), tuple(movies)


def _aligned(text: str, pieces: Sequence[str], names: Sequence[str]) -> list[tuple[int, int, str]]:
    """Where the movies stand, if all other words are the same in both texts; empty otherwise."""
    filled = gaps(pieces, text)
    if filled is None:
        return []
    spans, at = [], 0
    for piece, gap, name in zip(pieces, filled, names, strict=False):
        at += len(piece)
        if name:
            spans.append((at, at + len(gap), name))
        at += len(gap)
    return spans


def _found(text: str, names: Sequence[str]) -> list[tuple[int, int, str]]:
    """Where the movies stand by their titles, in their order; one whose title is not there is left out."""
    spans, lowered, end = [], text.lower(), 0
    for name in filter(None, names):
        base = title(name, name).base.lower()
        start = lowered.find(base, end)
        if start >= 0 and len(lowered) == len(text):
            end = start + len(base)
            spans.append((start, end, name))
    return spans


def _items(rows: Sequence[_Row], messages: Sequence[Message], titles: dict[int, str]) -> dict[str, Item]:
    """All movies of the dialogue; the verdict is on the one movie that the recommender brought up, if it is one."""
    listed = [*titles.values(), *(name for row in rows for name in row.names("movies"))]
    items = {name: Item(name, name) for name in listed}
    brought: dict[str, Role] = {}
    for message in messages:
        for name in message.movies:
            brought.setdefault(name, message.role)
    suggested = [name for name, role in brought.items() if role is Role.RECOMMENDER]
    labels = {rows[0].fields[column] for column in _VERDICT_COLUMNS if column in rows[0].fields}
    verdict = next((_VERDICTS[label] for label in labels if label in _VERDICTS), None)
    if len(suggested) == 1 and verdict is not None:
        items[suggested[0]] = replace(items[suggested[0]], liked=verdict)
    return items


def build() -> Reader:
    """The reader."""
    return InspiredReader()
