"""Reads the form of ECR (Zhang et al., RecSys 2024): ReDial's dialogues, each message with `entity` and `emotion`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from ecr_engine.data.files import SourceFiles
from ecr_engine.data.reader import Message, Oddity, RawDialogue, Reader, Record, line_records, named_files, split_files
from ecr_engine.data.readers import _redial_form
from ecr_engine.data.readers._titles import plain
from ecr_engine.data.schema import Split

_FILES = re.compile(r"(?P<split>train|valid|test)_data(?:_dbpedia(?:_emo)?)?\.jsonl")
_LINKED = re.compile(r".*_dbpedia(?:_emo)?\.jsonl")
_EMOTION = re.compile(rb'"emotion"\s*:')


class EcrReader:
    """The reader of ECR's form."""

    name = "ecr"
    explanation = "train_data_dbpedia_emo.jsonl and the like (ECR)"

    def recognises(self, files: SourceFiles) -> bool:
        """Whether a file holds ReDial's dialogues, and is linked to DBpedia by its name or has emotions in it."""
        for name in named_files(files, _FILES):
            first = files.peek(name)
            if b'"initiatorWorkerId"' in first and (_LINKED.fullmatch(name) or _EMOTION.search(first)):
                return True
        return False

    def parts(self, files: SourceFiles) -> dict[Split, str]:
        """The files that are there, by split; of two for one split, the one with more in it."""
        return split_files(files, _FILES, last_wins=True)

    def records(self, files: SourceFiles, split: Split, name: str) -> Iterator[Record]:
        """One record a line."""
        return line_records(files, split, name)

    def parse(self, record: Record) -> RawDialogue:
        """The dialogue in a line; entities that are DBpedia addresses by their names."""
        dialogue = _redial_form.parse(record)
        return replace(dialogue, messages=tuple(map(_named, dialogue.messages)))

    def oddities(self, record: Record) -> Iterator[Oddity]:
        """What is odd in a line."""
        return _redial_form.oddities(record)


def _named(message: Message) -> Message:
    if not message.entities:
        return message
    return replace(message, entities=tuple(dict.fromkeys(map(plain, message.entities))))


def build() -> Reader:
    """The reader."""
    return EcrReader()
