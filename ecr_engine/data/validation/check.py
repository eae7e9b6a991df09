"""What a check of data is: it sees every conversation once, and then says what it found.

A check keeps counts, hashes and a few examples, never texts: the memory of a validation does not grow with them. Adding
a check is adding one file to `checks/`.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from ecr_engine.data.conversations import Conversation
from ecr_engine.data.reader import Oddity
from ecr_engine.data.schema import Role, Split
from ecr_engine.data.validation.lengths import Limits
from ecr_engine.data.validation.report import Finding, Place, SplitSize
from ecr_engine.registry import Registry

_SPLITS = tuple(Split)


@dataclass(frozen=True, slots=True)
class Subject:
    """A conversation under examination.

    Attributes:
        index: its number in the order of reading, from 0; later splits have higher ones.
        conversation: the conversation.
        oddities: what is odd in its source form.
        limits: what prompts and targets are held against.
    """

    index: int
    conversation: Conversation
    oddities: tuple[Oddity, ...]
    limits: Limits

    def targets(self) -> Iterator[int]:
        """The turns that are targets: those of the recommender, by index."""
        turns = self.conversation.dialogue.turns
        return (index for index, turn in enumerate(turns) if turn.role is Role.RECOMMENDER)


class Register:
    """Where each conversation is, by its number, in some 100 bytes each."""

    def __init__(self, files: dict[Split, str]) -> None:
        self._files = files
        self._splits = array("B")
        self._lines = array("Q")
        self._ids: list[str] = []

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, conversation: Conversation) -> None:
        """Notes the next conversation."""
        self._splits.append(_SPLITS.index(conversation.split))
        self._lines.append(conversation.line)
        self._ids.append(conversation.dialogue.conversation_id)

    def split(self, index: int) -> Split:
        """The split of a conversation."""
        return _SPLITS[self._splits[index]]

    def conversation_id(self, index: int) -> str:
        """The id of a conversation."""
        return self._ids[index]

    def place(self, index: int, detail: str = "") -> Place:
        """Where a conversation is."""
        split = self.split(index)
        return Place(split, self._files[split], self._lines[index], self._ids[index], detail)

    def address(self, index: int) -> str:
        """Where a conversation is, as text: `FILE:LINE (ID)`."""
        split = self.split(index)
        return f"{self._files[split]}:{self._lines[index]} ({self._ids[index]})"


@dataclass(frozen=True, slots=True)
class Corpus:
    """What is known of a source once all of it was seen.

    Attributes:
        place: the folder or file.
        form: the reader that read it, or `processed`.
        files: the file of each split that the source has.
        splits: what each of these splits holds.
        register: where the conversations are.
        limits: what prompts and targets are held against.
    """

    place: str
    form: str
    files: dict[Split, str]
    splits: dict[Split, SplitSize]
    register: Register
    limits: Limits

    @property
    def dialogues(self) -> int:
        """Conversations that could be read."""
        return sum(size.dialogues for size in self.splits.values())

    @property
    def turns(self) -> int:
        """Their merged turns."""
        return sum(size.turns for size in self.splits.values())

    @property
    def examples(self) -> int:
        """Recommender turns."""
        return sum(size.examples for size in self.splits.values())


class Check(Protocol):
    """Looks for one kind of fault."""

    def see(self, subject: Subject) -> None:
        """Takes note of one conversation."""

    def findings(self, corpus: Corpus) -> Iterator[Finding]:
        """What was found, after all conversations were seen; nothing where all is well."""


CHECKS: Registry[Check] = Registry("ecr_engine.data.validation.checks", "check of data")
