"""What is known of a processed corpus: its counts, what was skipped and why, and its fingerprint."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from ecr_engine.data.reader import RawDialogue, Skipped
from ecr_engine.data.schema import Dialogue, Role, Split

FORMAT = "ecr-examples/1"
"""Written into `summary.json`; a folder that has it is one of ours."""


@dataclass(frozen=True, slots=True)
class SplitCounts:
    """What one split holds.

    Attributes:
        dialogues: conversations.
        turns: merged turns of both sides.
        recommender_turns: merged turns of the recommender; each is one example.
        recommending_turns: recommender turns with at least one slot.
        slots: movies mentioned by both sides, repetitions included.
        unnamed_slots: slots of movies whose name the source does not give.
        unlisted_slots: those of them whose movie the source does not list at all.
        messages: messages as sent, before merging.
        blank_messages: messages without words, which were left out.
    """

    dialogues: int = 0
    turns: int = 0
    recommender_turns: int = 0
    recommending_turns: int = 0
    slots: int = 0
    unnamed_slots: int = 0
    unlisted_slots: int = 0
    messages: int = 0
    blank_messages: int = 0


@dataclass(frozen=True, slots=True)
class DataSummary:
    """What `process` made.

    Attributes:
        reader: the reader that read the source.
        source_fingerprint: SHA-256 of the source's files (`store.fingerprint`).
        fingerprint: SHA-256 of `train.jsonl`, `valid.jsonl` and `test.jsonl`, one after the other.
        split_off: the splits that the source lacks and that were split off its training dialogues.
        splits: counts by split.
        skipped: dialogues that could not be read, in the order of the source.
    """

    reader: str
    source_fingerprint: str
    fingerprint: str
    split_off: tuple[Split, ...]
    splits: dict[Split, SplitCounts]
    skipped: tuple[Skipped, ...]


class Tally:
    """Counts dialogues as they pass."""

    def __init__(self) -> None:
        self._counters: dict[Split, Counter[str]] = {split: Counter() for split in Split}

    def add(self, split: Split, raw: RawDialogue, dialogue: Dialogue) -> None:
        """Counts one dialogue, before (`raw`) and after merging."""
        counter = self._counters[split]
        counter["dialogues"] += 1
        counter["messages"] += len(raw.messages)
        counter["blank_messages"] += sum(not message.text for message in raw.messages)
        for turn in dialogue.turns:
            counter["turns"] += 1
            counter["slots"] += len(turn.items)
            counter["unnamed_slots"] += sum(not dialogue.items[item_id].name for item_id in turn.items)
            counter["unlisted_slots"] += sum(item_id not in raw.items for item_id in turn.items)
            if turn.role is Role.RECOMMENDER:
                counter["recommender_turns"] += 1
                counter["recommending_turns"] += bool(turn.items)

    def counts(self) -> dict[Split, SplitCounts]:
        """The counts so far."""
        return {split: SplitCounts(**counter) for split, counter in self._counters.items()}


def to_json(summary: DataSummary) -> dict[str, Any]:
    """The document of `summary.json`."""
    return {"format": FORMAT, **asdict(summary)}


def from_json(raw: dict[str, Any]) -> DataSummary:
    """The summary in a document that `to_json` made.

    Raises:
        KeyError, TypeError, ValueError: it is not such a document.
    """
    if raw["format"] != FORMAT:
        raise ValueError(f"its format is {raw['format']!r}, not {FORMAT!r}")
    return DataSummary(
        reader=raw["reader"],
        source_fingerprint=raw["source_fingerprint"],
        fingerprint=raw["fingerprint"],
        split_off=tuple(Split(name) for name in raw["split_off"]),
        splits={Split(name): SplitCounts(**counts) for name, counts in raw["splits"].items()},
        skipped=tuple(_skipped(entry) for entry in raw["skipped"]),
    )


def describe(summary: DataSummary) -> list[tuple[str, ...]]:
    """Rows of a table of counts: a head, then one row a split and their sum; the last column is the skipped ones."""
    head = ("split", "dialogues", "turns", "recommender turns", "with a movie", "slots", "skipped")
    skipped = Counter(entry.split for entry in summary.skipped)
    rows = [(str(split), *_numbers(counts), skipped[split]) for split, counts in summary.splits.items()]
    total = ("all", *(sum(column) for column in zip(*(row[1:] for row in rows), strict=True)))
    return [head, *(tuple(f"{cell:,}" if isinstance(cell, int) else cell for cell in row) for row in [*rows, total])]


def _skipped(raw: dict[str, Any]) -> Skipped:
    return Skipped(Split(raw["split"]), raw["source"], raw["line"], raw["reason"])


def _numbers(counts: SplitCounts) -> tuple[int, ...]:
    return counts.dialogues, counts.turns, counts.recommender_turns, counts.recommending_turns, counts.slots
