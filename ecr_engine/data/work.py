"""What is done to one record, alone or in many processes at once.

Records go out in batches and come back in their order, so the result does not depend on the number of workers.
"""

from __future__ import annotations

import os
import signal
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from threading import Thread

from ecr_engine.data import store
from ecr_engine.data.reader import READERS, Names, RawDialogue, Reader, Record, Skipped, conversation_of, parse
from ecr_engine.data.schema import Split
from ecr_engine.data.splits import assign
from ecr_engine.data.summary import SplitCounts, count_dialogue, count_examples, has_emotions, latest
from ecr_engine.data.turns import Linker, examples, merge

BATCH = 256
"""Records sent to a worker at once: about 50 ms of work."""

_AHEAD = 3
"""Batches held for each worker; more would only fill the memory."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that decides what becomes of a record; sent to each worker once.

    Attributes:
        reader: name of the source's reader.
        names: movie names by id.
        link: finds entities; None without a knowledge graph.
        split_off: shares of the training dialogues that make up for missing splits.
    """

    reader: str
    names: Names
    link: Linker | None
    split_off: dict[Split, float]


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a record.

    Attributes:
        record: where it was: its lines are taken out.
        conversation_id: the conversation's id.
        split: the split it goes to.
        text: the lines of its examples, each with its end.
        counts: what it adds to the split's counts.
        annotated: whether it came with emotions.
    """

    record: Record
    conversation_id: str
    split: Split
    text: str
    counts: SplitCounts
    annotated: bool


def work(records: Iterable[Record], recipe: Recipe, workers: int) -> Iterator[Done | Skipped]:
    """What becomes of each record, in the order of the records.

    Args:
        records: taken as they are needed.
        recipe: what to do.
        workers: processes; 1 works in this one.
    """
    if workers == 1:
        reader = READERS.build(recipe.reader)
        for record in records:
            yield do(record, recipe, reader)
        return
    # Not forked: the caller may hold threads (a dashboard, torch), which a fork would copy in any state.
    with ProcessPoolExecutor(workers, get_context("spawn"), _start, (recipe, os.getpid())) as pool:
        running: deque[Future[list[Done | Skipped]]] = deque()
        for batch in _batches(records):
            running.append(pool.submit(_do_batch, batch))
            if len(running) > workers * _AHEAD:
                yield from running.popleft().result()
        while running:
            yield from running.popleft().result()


def do(record: Record, recipe: Recipe, reader: Reader) -> Done | Skipped:
    """What becomes of one record."""
    parsed = parse(reader, record)
    if isinstance(parsed, Skipped):
        return parsed
    if isinstance(parsed, RawDialogue):
        dialogue = merge(parsed, recipe.names, recipe.link)
        made: Sequence = tuple(examples(dialogue))  # type: ignore[type-arg]
        counts = count_dialogue(parsed, dialogue)
        annotated = has_emotions(dialogue.turns)
    else:
        made, counts, annotated = parsed, count_examples(parsed), has_emotions(latest(parsed).context)
    conversation = conversation_of(parsed)
    split = assign(conversation, recipe.split_off) if record.split is Split.TRAIN else record.split
    text = "".join(line + "\n" for line in store.encode_all(made))
    place = Record(record.split, record.source, record.line, ())
    return Done(place, conversation, split, text, counts, annotated)


_recipe: Recipe
_reader: Reader


def _start(recipe: Recipe, parent: int) -> None:
    """Readies a worker process, which ends when its parent is gone, however that went."""
    global _recipe, _reader
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the parent will say what to do
    Thread(target=_watch, args=(parent,), daemon=True).start()
    _recipe, _reader = recipe, READERS.build(recipe.reader)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _do_batch(batch: list[Record]) -> list[Done | Skipped]:
    return [do(record, _recipe, _reader) for record in batch]


def _batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    source = iter(records)
    while batch := list(islice(source, BATCH)):
        yield batch
