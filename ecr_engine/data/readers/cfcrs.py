"""Reads the forms of CFCRS (Wang et al., KDD 2023).

- ReDial's dialogues, each message with `item` (names), `entity` and `masked_text`.
- INSPIRED: a line is `{"dialog_id": …, "dialog": [{"role": …, "text": …, "entity": […], "movie": […]}, …]}`, a movie
  such as `Heat (1995)`; UniCRS's INSPIRED, where a line is the list alone, is read too.
- Turns prepared for training: `{"dialog_id": …, "context": […], "entity": […], "resp": …}`, the recommender's only. A
  `<mask>` there may stand for a movie, a person or a genre. What it stands for is seen in the next line's context; in a
  dialogue's last turn nothing tells, and it is taken for a movie without a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ecr_engine.data.files import SourceFiles
from ecr_engine.data.reader import (
    MalformedError,
    Oddity,
    RawDialogue,
    Reader,
    Record,
    line_records,
    named_files,
    split_files,
)
from ecr_engine.data.readers import _listed, _processed, _redial_form
from ecr_engine.data.readers._processed import Known
from ecr_engine.data.readers._runs import runs
from ecr_engine.data.records import decode, kind
from ecr_engine.data.schema import Split

_FILES = re.compile(r"(?P<split>train|valid|dev|test)(?:_data|_data_processed|_data_dbpedia)?\.jsonl")
# Only prepared turns have a response; of them those of one dialogue belong together.
_KEY = re.compile(rb'\A(?=.*"resp"\s*:).*?"dialog_id"\s*:\s*("(?:[^"\\]|\\.)*"|-?\d+)', re.DOTALL)
_LIST = re.compile(rb'\[\s*\{.*"role"\s*:', re.DOTALL)
_KNOWN = Known(masks_are_movies=False, recommended_are_movies=True)


class CfcrsReader:
    """The reader of CFCRS's forms."""

    name = "cfcrs"
    explanation = "train_data.jsonl with masked texts, or train_data_processed.jsonl with a dialog_id (CFCRS)"

    def recognises(self, files: SourceFiles) -> bool:
        """Whether the first line of a file has what CFCRS adds."""
        return any(_is_ours(files.peek(name)) for name in named_files(files, _FILES))

    def parts(self, files: SourceFiles) -> dict[Split, str]:
        """The files that are there, by split."""
        return split_files(files, _FILES)

    def records(self, files: SourceFiles, split: Split, name: str) -> Iterator[Record]:
        """One record a dialogue: a line, or the successive lines with one `dialog_id`."""
        return runs(line_records(files, split, name), _KEY)

    def parse(self, record: Record) -> RawDialogue:
        """The dialogue in a record."""
        first = decode(record.lines[0])
        if isinstance(first, list):
            return _listed.dialogue(record, f"{record.source.removesuffix('.jsonl')}:{record.line}", first)
        if not isinstance(first, dict):
            raise MalformedError(f"the line is not a dialogue: expected a JSON object, found {kind(first)}")
        if "messages" in first:
            return _redial_form.parse(record)
        conversation = _listed.conversation_of(first)
        if "dialog" in first:
            return _listed.dialogue(record, conversation, first["dialog"])
        return _processed.dialogue(record, conversation, [_processed.line_of(line) for line in record.lines], _KNOWN)

    def oddities(self, record: Record) -> Iterator[Oddity]:
        """What is odd in a record."""
        first: Any = decode(record.lines[0])
        if "messages" in first:
            yield from _redial_form.oddities(record)
        elif isinstance(first, list) or "dialog" in first:
            yield from _listed.oddities(self.parse(record), first if isinstance(first, list) else first["dialog"])
        else:
            lines = [_processed.line_of(line) for line in record.lines]
            yield from _processed.oddities(self.parse(record), lines)


def _is_ours(first: bytes) -> bool:
    if b'"initiatorWorkerId"' in first:
        return b'"masked_text"' in first
    return b'"dialog_id"' in first or _LIST.match(first) is not None


def build() -> Reader:
    """The reader."""
    return CfcrsReader()
