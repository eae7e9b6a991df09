"""Reads raw ReDial (Li et al., NeurIPS 2018): one JSON dialogue a line in `{train,valid,test}_data.jsonl`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ecr_engine.data.files import SourceFiles
from ecr_engine.data.reader import Oddity, RawDialogue, Reader, Record, line_records, named_files, split_files
from ecr_engine.data.readers import _redial_form
from ecr_engine.data.schema import Split

_FILES = re.compile(r"(?P<split>train|valid|test)_data\.jsonl")


class RedialReader:
    """The reader of raw ReDial."""

    name = "redial"
    explanation = "train_data.jsonl, and valid_data.jsonl and test_data.jsonl where there are such (ReDial)"

    def recognises(self, files: SourceFiles) -> bool:
        """Whether there is a file of that name, or one file of another name whose first line is a dialogue."""
        return any(
            _FILES.fullmatch(name) or b'"initiatorWorkerId"' in files.peek(name) for name in named_files(files, _FILES)
        )

    def parts(self, files: SourceFiles) -> dict[Split, str]:
        """The files that are there, by split."""
        return split_files(files, _FILES)

    def records(self, files: SourceFiles, split: Split, name: str) -> Iterator[Record]:
        """One record a line."""
        return line_records(files, split, name)

    def parse(self, record: Record) -> RawDialogue:
        """The dialogue in a line."""
        return _redial_form.parse(record)

    def oddities(self, record: Record) -> Iterator[Oddity]:
        """What is odd in a line."""
        return _redial_form.oddities(record)


def build() -> Reader:
    """The reader."""
    return RedialReader()
