"""What a validation found, in the shape of its JSON document."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from ecr_engine.data.schema import Split


class Grade(StrEnum):
    """How bad a finding is, worst first.

    An error makes results wrong or loses data, a warning is likely to harm, and a note is good to know.
    """

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Place:
    """Where one case is.

    Attributes:
        split: the part of the source; empty if no part is meant.
        file: the file, as messages write it.
        line: the line in it, from 1; 0 if the whole file is meant.
        conversation_id: the conversation; empty if it can't be known.
        detail: this case: the words, the movie, the number.
    """

    split: str
    file: str
    line: int
    conversation_id: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of fault.

    Attributes:
        code: its short name, the same in all versions.
        grade: how bad it is.
        what: one sentence, without a final full stop.
        count: how many of `total` have it.
        total: how many were looked at.
        unit: what `count` and `total` count: dialogues, examples, movies, …
        cases: how often it occurs altogether; at least `count`.
        parts: cases by kind, where there are few kinds; empty otherwise.
        examples: the first few cases.
        fix: what to do; empty if nothing need be done.
    """

    code: str
    grade: Grade
    what: str
    count: int
    total: int
    unit: str
    cases: int
    parts: dict[str, int]
    examples: tuple[Place, ...]
    fix: str = ""


@dataclass(frozen=True, slots=True)
class SplitSize:
    """What a split holds.

    Attributes:
        dialogues: conversations that could be read.
        turns: their merged turns.
        examples: turns of the recommender, each of which is one example.
        unread: records that could not be read.
    """

    dialogues: int = 0
    turns: int = 0
    examples: int = 0
    unread: int = 0


@dataclass(frozen=True, slots=True)
class ValidationReport:
    """All findings on one source.

    Attributes:
        source: the folder or file.
        form: the reader that read it, or `processed`.
        splits: what each split that the source has holds.
        errors: number of findings of that grade.
        warnings: likewise.
        notes: likewise.
        findings: worst first.
    """

    source: str
    form: str
    splits: dict[Split, SplitSize]
    errors: int
    warnings: int
    notes: int
    findings: tuple[Finding, ...]

    def passes(self, *, strict: bool) -> bool:
        """Whether there is no error, and under `strict` no warning either."""
        return not self.errors and not (strict and self.warnings)


def graded(source: str, form: str, splits: dict[Split, SplitSize], findings: Iterable[Finding]) -> ValidationReport:
    """The report on findings, sorted: worst grade first, then the larger share, then the code."""
    order = list(Grade)
    ranked = sorted(findings, key=lambda one: (order.index(one.grade), -one.count / max(1, one.total), one.code))
    errors, warnings, notes = (sum(one.grade is grade for one in ranked) for grade in Grade)
    return ValidationReport(source, form, splits, errors, warnings, notes, tuple(ranked))
