"""Splits that are missing, empty, or too small to tell anything."""

from __future__ import annotations

from collections.abc import Iterator

from ecr_engine.data.conversations import PROCESSED
from ecr_engine.data.schema import Split
from ecr_engine.data.validation.check import Check, Corpus, Subject
from ecr_engine.data.validation.report import Finding, Grade, Place

FEWEST = 30
"""Examples of a split that something is measured on."""


class SplitSizes:
    """The check."""

    def see(self, subject: Subject) -> None:
        """Nothing: the sizes are counted anyway."""

    def findings(self, corpus: Corpus) -> Iterator[Finding]:
        """What is wrong with each split."""
        for split in Split:
            if split not in corpus.splits:
                yield self._missing(corpus, split)
            elif not corpus.splits[split].examples:
                yield self._empty(corpus, split)
            elif split is not Split.TRAIN and corpus.splits[split].examples < FEWEST:
                what = f"the {split} split has fewer than {FEWEST} examples: measures on it say little"
                yield _finding(corpus, f"small-{split}", Grade.WARNING, what, split, _more(corpus))

    def _missing(self, corpus: Corpus, split: Split) -> Finding:
        if split is Split.TRAIN:
            what, fix = "there is no training file", "put it beside the others"
            return _finding(corpus, "missing-train", Grade.ERROR, what, split, fix)
        what = f"there is no file of the {split} split: processing sets a share of the training dialogues apart"
        return _finding(corpus, f"missing-{split}", Grade.NOTE, what, split, "")

    def _empty(self, corpus: Corpus, split: Split) -> Finding:
        grade = Grade.ERROR if split is Split.TRAIN else Grade.WARNING
        what = f"the {split} split has no example"
        return _finding(corpus, f"empty-{split}", grade, what, split, _more(corpus))


def _more(corpus: Corpus) -> str:
    if corpus.form == PROCESSED:
        return "process again with a greater data.validation_share or data.test_share, or with more dialogues"
    return "give a source with more dialogues, or take the file away: processing sets a share apart then"


def _finding(corpus: Corpus, code: str, grade: Grade, what: str, split: Split, fix: str) -> Finding:
    examples = corpus.splits[split].examples if split in corpus.splits else 0
    place = Place(split, corpus.files.get(split, corpus.place), 0)
    return Finding(code, grade, what, examples, corpus.examples, "examples", examples, {}, (place,), fix)


def build() -> Check:
    """The check."""
    return SplitSizes()
