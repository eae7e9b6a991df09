"""What a data reader is: it turns one source format into raw dialogues, one at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ecr_engine.data.schema import Item, Role, Split
from ecr_engine.errors import DataError
from ecr_engine.registry import Registry


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it was sent.

    Attributes:
        role: the sender.
        text: cleaned words (`cleaning.clean`), a movie being `@` and its id; empty if the sender sent only blanks.
    """

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class RawDialogue:
    """One conversation as a reader hands it over.

    Attributes:
        conversation_id: unique in the source.
        split: the part of the source it stands in.
        messages: oldest first; at least one of them has words.
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


class Reader(Protocol):
    """Reads one source format.

    Attributes:
        name: the registered name (the file's name).
        explanation: one sentence that says what it reads.
    """

    name: str
    explanation: str

    def recognises(self, source: Path) -> bool:
        """Whether the folder `source` is in this format; looks at file names only."""

    def files(self, source: Path) -> dict[Split, Path]:
        """The files that `read` reads, in its order.

        Raises:
            DataError: the training file is missing.
        """

    def read(self, source: Path, *, skip_bad: bool) -> Iterator[RawDialogue | Skipped]:
        """The dialogues of `source`, streamed: only one is held at a time.

        Args:
            source: a folder that `recognises` accepts.
            skip_bad: yield a `Skipped` for a dialogue that can't be read, rather than raise.

        Raises:
            DataError: a file is missing, or a dialogue can't be read and `skip_bad` is false.
        """


READERS: Registry[Reader] = Registry("ecr_engine.data.readers", "data reader")


def find_reader(source: Path) -> Reader:
    """The reader that recognises the folder `source`.

    Raises:
        DataError: `source` is missing, is no folder, is empty, or is in no known format.
    """
    if not source.exists():
        raise DataError("the data folder does not exist", at=str(source), fix="give the folder of the raw dialogues")
    if not source.is_dir():
        raise DataError(
            "the data source is a file, not a folder", at=str(source), fix=f"give its folder: {source.parent}"
        )
    if not any(source.iterdir()):
        raise DataError("the data folder is empty", at=str(source), fix="put train_data.jsonl of ReDial there")
    readers = [READERS.build(name) for name in READERS.names()]
    for reader in readers:
        if reader.recognises(source):
            return reader
    raise DataError("the data folder is in no format that a reader knows", at=str(source), fix=_formats(readers))


def _formats(readers: Sequence[Reader]) -> str:
    return "give a folder with " + ", or ".join(reader.explanation for reader in readers)
