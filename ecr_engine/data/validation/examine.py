"""Runs all checks over a source, in one pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ecr_engine.data.conversations import PROCESSED, Conversation, Source, Unread, open_source
from ecr_engine.data.prompts import Tokenizer
from ecr_engine.data.reader import AUTO
from ecr_engine.data.schema import Role
from ecr_engine.data.store import REMAKE
from ecr_engine.data.validation.check import CHECKS, Corpus, Register, Subject
from ecr_engine.data.validation.lengths import Limits, TokenMeasure, WordMeasure
from ecr_engine.data.validation.report import Finding, Grade, Place, SplitSize, ValidationReport, graded
from ecr_engine.data.validation.tally import Tally, shortened
from ecr_engine.errors import DataError

SKIP = "mend these lines, or leave them out with: ecrctl data process SOURCE --output DIR --skip-bad"


def validate(
    source: Path,
    *,
    form: str = AUTO,
    system: str,
    context_max_length: int,
    resp_max_length: int,
    tokenizer: Tokenizer | None = None,
) -> ValidationReport:
    """Looks for all that is wrong with a source.

    Args:
        source: raw files, a processed folder, or a run folder.
        form: a registered format, or `auto`.
        system: the system message of prompts.
        context_max_length: prompt tokens at most.
        resp_max_length: target tokens at most.
        tokenizer: counts tokens; without one they are estimated by words.

    Raises:
        UsageError: no reader has the name `form`.
        DataError: nothing can be read at all.
    """
    opened = open_source(source, form)
    measure = TokenMeasure(tokenizer, system) if tokenizer else WordMeasure(system)
    return examine(opened, Limits(context_max_length, resp_max_length, measure))


def examine(source: Source, limits: Limits) -> ValidationReport:
    """Looks for all that is wrong with an opened source.

    Raises:
        DataError: none of its dialogues can be read.
    """
    checks = [CHECKS.build(name) for name in CHECKS.names()]
    register, unread = Register(source.parts), _UnreadRecords()
    splits = {split: SplitSize() for split in source.parts}
    for entry in source.conversations():
        if isinstance(entry, Unread):
            unread.add(entry)
            splits[entry.split] = replace(splits[entry.split], unread=splits[entry.split].unread + 1)
            continue
        subject = Subject(len(register), entry, tuple(source.oddities(entry)), limits)
        register.add(entry)
        splits[entry.split] = _counted(splits[entry.split], entry)
        for check in checks:
            check.see(subject)
    if not len(register):
        raise unread.nothing_read(source)
    corpus = Corpus(str(source.place), source.form, source.parts, splits, register, limits)
    found = [finding for check in checks for finding in check.findings(corpus)]
    return graded(corpus.place, source.form, splits, [*unread.findings(corpus), *found])


def _counted(size: SplitSize, conversation: Conversation) -> SplitSize:
    turns = conversation.dialogue.turns
    own = sum(turn.role is Role.RECOMMENDER for turn in turns)
    return replace(size, dialogues=size.dialogues + 1, turns=size.turns + len(turns), examples=size.examples + own)


class _UnreadRecords:
    """What could not be read, by reason."""

    def __init__(self) -> None:
        self._tally = Tally()
        self._first: Unread | None = None

    def add(self, entry: Unread) -> None:
        """Counts one."""
        self._first = self._first or entry
        # The kind of a reason is what stands before its particulars.
        kind = entry.reason.partition(":")[0]
        self._tally.add_place(Place(entry.split, entry.file, entry.line, detail=shortened(entry.reason)), part=kind)

    def findings(self, corpus: Corpus) -> Iterator[Finding]:
        """The finding on them."""
        total = corpus.dialogues + self._tally.cases
        fix = REMAKE if corpus.form == PROCESSED else SKIP
        yield from self._tally.by_case("unreadable", Grade.ERROR, "a record can't be read", total, "records", fix)

    def nothing_read(self, source: Source) -> DataError:
        """The error where there is no dialogue but these."""
        if self._first is None:
            return DataError(
                "the data source holds no dialogues", at=str(source.place), fix="give a source that holds some"
            )
        first, count = self._first, self._tally.cases
        what = f"none of the {count:,} records can be read: {first.reason}" if count > 1 else first.reason
        fix = "mend the source, or name its format with --format"
        return DataError(what, at=f"{first.file}:{first.line}" if first.line else first.file, fix=fix)
