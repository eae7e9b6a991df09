"""From a raw source to a folder of examples: read, merge, link, split, write, count."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from ecr_engine.data import store
from ecr_engine.data.files import SourceFiles
from ecr_engine.data.knowledge.files import graph_files, graph_source, read_graph
from ecr_engine.data.knowledge.linker import EntityLinker
from ecr_engine.data.names import movie_names, name_files
from ecr_engine.data.reader import (
    AUTO,
    Names,
    Reader,
    Record,
    Seen,
    Skipped,
    find_reader,
    training_part,
    unreadable,
)
from ecr_engine.data.schema import Split
from ecr_engine.data.staging import staged
from ecr_engine.data.summary import FROM_SOURCE, DataSummary, SplitCounts, total
from ecr_engine.data.work import Done, Recipe, work
from ecr_engine.errors import DataError, UsageError


def process(
    source: Path,
    output: Path,
    *,
    validation_share: float,
    test_share: float,
    skip_bad: bool,
    form: str = AUTO,
    knowledge: Path | None = None,
    workers: int = 1,
) -> DataSummary:
    """Turns the raw dialogues in `source` into `output/{train,valid,test}.jsonl` and `output/summary.json`.

    The source's own validation and test files are kept as they are. A split that it lacks is set apart from its
    training dialogues, by a hash of the conversation id. Dialogues are streamed, so memory does not grow with the
    corpus (but for 200 bytes or so a conversation id). The bytes written depend on the source and the arguments up to
    `knowledge`, and on nothing else.

    Args:
        source: a folder, a zip or a file that some reader recognises.
        output: a folder that is new, empty, or an earlier result, which is replaced at the end.
        validation_share: share of the training dialogues set apart where the source has no validation file.
        test_share: likewise for the test split.
        skip_bad: skip dialogues that can't be read (they are counted and listed) rather than raise.
        form: a registered format, or `auto`.
        knowledge: folder of knowledge-graph files; its graph goes to `output/knowledge.json`, and turns get entities.
        workers: processes to use.

    Raises:
        DataError: the source or the graph is missing or bad, or leaves nothing to train on.
        UsageError: `output` holds other things, is the working directory or what is read, or the shares leave no
            training dialogue.
    """
    _refuse_to_write_over(output, source, knowledge)
    found = inputs_of(source, form, knowledge)
    shares = {Split.VALID: validation_share, Split.TEST: test_share}
    split_off = {split: share for split, share in shares.items() if split not in found.parts}
    if sum(split_off.values()) >= 1:
        raise UsageError(
            f"validation_share and test_share leave no training dialogue: they make {sum(split_off.values()):g}",
            fix="set data.validation_share and data.test_share to a sum below 1",
        )
    names = found.names()
    graph = read_graph(found.knowledge, names) if found.knowledge else None
    link = EntityLinker(graph) if graph else None
    recipe = Recipe(found.reader.name, names, link, split_off)
    with staged(output, store.is_processed) as folder:
        ledger = _write(found, work(found.records(), recipe, workers), folder, skip_bad)
        _check_trainable(source, ledger)
        if graph:
            graph.save(folder / store.KNOWLEDGE)
        summary = DataSummary(
            reader=found.reader.name,
            source_fingerprint=found.fingerprint(),
            fingerprint=store.digest(store.split_path(folder, split) for split in Split),
            split_off=tuple(split_off),
            splits=ledger.splits(),
            skipped=tuple(ledger.skipped),
            recogniser=FROM_SOURCE if ledger.annotated else "",
            knowledge=graph.counts if graph else None,
        )
        store.write_summary(folder, summary)
    return summary


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that is read: a source, its reader, and what else goes in.

    Attributes:
        files: the source.
        reader: its reader.
        parts: its file of each split.
        knowledge: the files of the knowledge graph; None if there is none.
    """

    files: SourceFiles
    reader: Reader
    parts: dict[Split, str]
    knowledge: SourceFiles | None

    def records(self) -> Iterator[Record]:
        """The records of all splits."""
        for split, name in self.parts.items():
            yield from self.reader.records(self.files, split, name)

    def names(self) -> Names:
        """Movie names by id; the source's own list goes before the knowledge graph's."""
        further = movie_names(self.knowledge) if self.knowledge else {}
        return {**further, **movie_names(self.files)}

    def fingerprint(self) -> str:
        """SHA-256 of all that is read: the dialogues by file name, the lists of names, the knowledge graph."""
        total_hash = hashlib.sha256()
        total_hash.update(self.files.digest(sorted({*self.parts.values(), *name_files(self.files)})).encode())
        if self.knowledge:
            names = sorted({*graph_files(self.knowledge), *name_files(self.knowledge)})
            total_hash.update(self.knowledge.digest(names).encode())
        return total_hash.hexdigest()


def inputs_of(source: Path, form: str = AUTO, knowledge: Path | None = None) -> Inputs:
    """Finds out what a source is.

    Raises:
        DataError: it is missing, or in no known format, or has no training file.
        UsageError: no reader is called `form`.
    """
    files = SourceFiles(source)
    reader = find_reader(files, form)
    return Inputs(files, reader, training_part(files, reader), graph_source(knowledge) if knowledge else None)


def fingerprint(source: Path, form: str = AUTO, knowledge: Path | None = None) -> str:
    """SHA-256 of all files that `process` would read.

    Raises:
        DataError, UsageError: see `inputs_of`.
    """
    return inputs_of(source, form, knowledge).fingerprint()


def knowledge_of(setting: str | None, source: Path) -> Path | None:
    """The folder of the knowledge graph.

    Args:
        setting: `data.knowledge`: a folder, `auto` for the source's own, or None for none.
        source: the source.
    """
    if setting is None:
        return None
    return source if setting == AUTO else Path(setting)


def _refuse_to_write_over(output: Path, *inputs: Path | None) -> None:
    """The output replaces a folder, which must not be, or hold, what is being read."""
    place = os.path.realpath(output)
    for given in inputs:
        if given is not None and os.path.commonpath([place, os.path.realpath(given)]) == place:
            raise UsageError(
                "the output is, or holds, what is to be read", at=str(output), fix="give another folder as --output"
            )


@dataclass(slots=True)
class _Ledger:
    """What was written and what was not."""

    counts: dict[Split, list[SplitCounts]] = field(default_factory=lambda: defaultdict(list))
    skipped: list[Skipped] = field(default_factory=list)
    annotated: bool = False

    def add(self, done: Done) -> None:
        self.counts[done.split].append(done.counts)
        if len(self.counts[done.split]) >= 1000:  # sum as we go: a corpus may have a million dialogues
            self.counts[done.split] = [total(self.counts[done.split])]
        self.annotated |= done.annotated

    def splits(self) -> dict[Split, SplitCounts]:
        return {split: total([SplitCounts(), *self.counts[split]]) for split in Split}


def _write(found: Inputs, results: Iterator[Done | Skipped], folder: Path, skip_bad: bool) -> _Ledger:
    """Writes the three files."""
    ledger, seen = _Ledger(), Seen()
    with ExitStack() as stack:
        files = {
            split: stack.enter_context(store.split_path(folder, split).open("w", encoding="utf-8", newline="\n"))
            for split in Split
        }
        for result in results:
            taken = result
            if isinstance(result, Done):
                taken = seen.check(result.conversation_id, result.record) or result
            if isinstance(taken, Done):
                ledger.add(taken)
                files[taken.split].write(taken.text)
            elif skip_bad:
                ledger.skipped.append(taken)
            else:
                raise unreadable(found.files, taken)
    return ledger


def _check_trainable(source: Path, ledger: _Ledger) -> None:
    if ledger.splits()[Split.TRAIN].recommender_turns:
        return
    skipped = ledger.skipped
    reason = f"; {len(skipped)} skipped, the first because {skipped[0].reason}" if skipped else ""
    raise DataError(
        f"the training split holds no recommender turn{reason}", at=str(source), fix="give a source with more dialogues"
    )
