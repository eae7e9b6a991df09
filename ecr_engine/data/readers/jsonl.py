"""Reads our own examples, as `ecrctl data process` writes them into `{train,valid,test}.jsonl`, one a line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ecr_engine.data.decoding import check_distinct, strict_example
from ecr_engine.data.files import SourceFiles
from ecr_engine.data.reader import MalformedError, Oddity, Reader, Record, line_records, named_files, split_files
from ecr_engine.data.readers._runs import runs
from ecr_engine.data.records import decode
from ecr_engine.data.schema import Example, Split

_FILES = re.compile(r"(?P<split>train|valid|test)\.jsonl")
_KEY = re.compile(rb'"conversation_id"\s*:\s*("(?:[^"\\]|\\.)*")')


class JsonlReader:
    """The reader of our examples."""

    name = "jsonl"
    explanation = "train.jsonl, valid.jsonl and test.jsonl (what data process writes)"

    def recognises(self, files: SourceFiles) -> bool:
        """Whether the first line of a file is an example."""
        return any(b'"example_id"' in files.peek(name) for name in named_files(files, _FILES))

    def parts(self, files: SourceFiles) -> dict[Split, str]:
        """The files that are there, by split."""
        return split_files(files, _FILES)

    def records(self, files: SourceFiles, split: Split, name: str) -> Iterator[Record]:
        """One record a conversation: its successive lines."""
        return runs(line_records(files, split, name), _KEY)

    def parse(self, record: Record) -> tuple[Example, ...]:
        """The examples of a conversation, unchanged."""
        found = []
        for number, line in enumerate(record.lines, start=1):
            which = f"line {number} of the conversation" if len(record.lines) > 1 else "the line"
            try:
                found.append(strict_example(decode(line)))
            except MalformedError as error:
                raise MalformedError(f"{which} is not an example: {error}") from error
        check_distinct(found)
        return tuple(found)

    def oddities(self, record: Record) -> Iterator[Oddity]:
        """Nothing: examples are what is left when the oddities are gone."""
        yield from ()


def build() -> Reader:
    """The reader."""
    return JsonlReader()
