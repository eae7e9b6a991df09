"""Reads alpaca files: one JSON list of objects with `instruction`, `input` and `output`.

Our own exports hold the example that a row was made from, and are read back to exactly that. Of other rows, such as
those of ECR's `llama_train.json`, each is a conversation of two turns: the input, which the seeker is taken to say, and
the output. In the four lines of ECR the movies of the first line are the items that the output may name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ecr_engine.data.cleaning import clean
from ecr_engine.data.decoding import check_distinct, strict_example
from ecr_engine.data.files import SourceFiles
from ecr_engine.data.four_lines import parse as parse_four_lines
from ecr_engine.data.prompts import transcript
from ecr_engine.data.reader import (
    MalformedError,
    Message,
    Oddity,
    Parsed,
    RawDialogue,
    Reader,
    Record,
    named_files,
    split_files,
)
from ecr_engine.data.readers._rows import Row, rows
from ecr_engine.data.readers._runs import runs
from ecr_engine.data.readers._titles import split_at, title
from ecr_engine.data.records import decode_object, kind, required
from ecr_engine.data.schema import Example, Item, Role, Split

_FILES = re.compile(r"llama_(?P<split>train|valid|test)\.json")
_EXPORTED = re.compile(rb'"example"\s*:\s*\{.*?"conversation_id"\s*:\s*("(?:[^"\\]|\\.)*")', re.DOTALL)
_PLAIN = "take 'example' out of the row to read it as plain text"
_PEEKED = 1 << 16


class AlpacaReader:
    """The reader of alpaca lists."""

    name = "alpaca"
    explanation = "llama_train.json, or another JSON list of rows with instruction, input and output (alpaca)"

    def recognises(self, files: SourceFiles) -> bool:
        """Whether there is a file of that name, or one file whose first rows have an instruction and an output."""
        return any(_FILES.fullmatch(name) or _is_list(files, name) for name in named_files(files, _FILES))

    def parts(self, files: SourceFiles) -> dict[Split, str]:
        """The files that are there, by split."""
        return split_files(files, _FILES)

    def records(self, files: SourceFiles, split: Split, name: str) -> Iterator[Record]:
        """One record a conversation: the successive rows of one that we exported, or one foreign row and its number.

        The number tells rows apart that stand on one line, as they do where a file was written without indentation.
        """
        with files.open(name) as handle:
            found = (_record(row, number, split, name) for number, row in enumerate(rows(handle), start=1))
            yield from runs(found, _EXPORTED)

    def parse(self, record: Record) -> Parsed:
        """The examples of a conversation that we exported, or the two turns of a foreign row."""
        if record.lines[-1].isdigit():
            return _foreign(record, decode_object(record.lines[0], "a row"), int(record.lines[-1]))
        found = []
        for number, line in enumerate(record.lines, start=1):
            try:
                found.append(_exported(decode_object(line, "a row")))
            except MalformedError as error:
                which = f"row {number} of the conversation: " if len(record.lines) > 1 else ""
                raise MalformedError(f"{which}{error}") from error
        check_distinct(found)
        return tuple(found)

    def oddities(self, record: Record) -> Iterator[Oddity]:
        """Nothing: a row has no form that it could deviate from."""
        yield from ()


def _is_list(files: SourceFiles, name: str) -> bool:
    with files.open(name) as handle:
        start = handle.read(_PEEKED).removeprefix(b"\xef\xbb\xbf").lstrip()
    return start.startswith(b"[") and b'"instruction"' in start and b'"output"' in start


def _record(row: Row, number: int, split: Split, name: str) -> Record:
    if row.fault:
        return Record(split, name, row.line, (), row.fault)
    if _EXPORTED.search(row.content):
        return Record(split, name, row.line, (row.content,))
    return Record(split, name, row.line, (row.content, str(number).encode()))


def _text(raw: dict[str, Any], name: str) -> str:
    value = required(raw, name)
    if not isinstance(value, str):
        raise MalformedError(f"'{name}' must be text, found {kind(value)}")
    return value


def _exported(raw: dict[str, Any]) -> Example:
    """The example that a row was made from."""
    output, asked = _text(raw, "output"), _text(raw, "input")
    try:
        example = strict_example({**_object(raw["example"]), "target": output})
    except MalformedError as error:
        raise MalformedError(f"'output' and 'example' do not make an example: {error}; {_PLAIN}") from error
    if asked != transcript(example.context) and parse_four_lines(asked) is None:
        raise MalformedError(f"'input' is not the context of 'example'; {_PLAIN}")
    return example


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise MalformedError(f"'example' must be a JSON object, found {kind(value)}")
    return value


def _foreign(record: Record, raw: dict[str, Any], number: int) -> RawDialogue:
    """A row as a conversation of two turns."""
    _text(raw, "instruction")
    asked, answer = _text(raw, "input"), clean(_text(raw, "output"))
    if not answer:
        raise MalformedError("the row has no output: there is nothing to learn or to compare with")
    lines = parse_four_lines(asked)
    names = dict.fromkeys(filter(None, map(clean, lines.movies if lines else ())))
    words, found = split_at(answer, [title(name, name) for name in names])
    messages = (
        Message(Role.SEEKER, (clean(asked),)),
        Message(Role.RECOMMENDER, words, tuple(item_id for item_id, _ in found)),
    )
    conversation = f"{record.source.removesuffix('.json')}:{number}"
    items = {name: Item(name, name) for name in names}
    return RawDialogue(conversation, record.split, messages, items, record.source, record.line)


def build() -> Reader:
    """The reader."""
    return AlpacaReader()
