"""What is known of a processed corpus: its counts, what was skipped and why, and its fingerprint.

The counts explain themselves: messages = turns + joined messages + blank messages, and each recommender turn is one
example.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from operator import attrgetter
from typing import Any

from ecr_engine.data.knowledge.graph import GraphCounts
from ecr_engine.data.reader import RawDialogue, Skipped
from ecr_engine.data.schema import Dialogue, Example, Role, Split, Turn

FORMAT = "ecr-examples/2"
"""Written into `summary.json`; a folder that has it is one of ours."""


FROM_SOURCE = "source"
"""`DataSummary.recogniser` where the emotions came with the source, whoever wrote them: a data set's authors, or an
earlier annotation of examples that were exported and read back."""


@dataclass(frozen=True, slots=True)
class SplitCounts:
    """What one split holds.

    Attributes:
        dialogues: conversations.
        turns: merged turns of both sides.
        recommender_turns: merged turns of the recommender; each is one example.
        recommending_turns: recommender turns with at least one slot.
        slots: movies mentioned by both sides, repetitions included.
        unnamed_slots: slots of movies whose name is not known.
        unlisted_slots: slots of movies that their dialogue does not list.
        repaired_names: movies of dialogues whose missing or yearless name was repaired from a list of names.
        entities: mentions of knowledge-graph entities other than movies, in all turns that an example has as a turn: a
            dialogue's last recommender turn is a target only, which is words.
        messages: messages as sent, before merging.
        joined_messages: messages that were joined to the one before them, of the same sender.
        blank_messages: messages without words, which were left out.
    """

    dialogues: int = 0
    turns: int = 0
    recommender_turns: int = 0
    recommending_turns: int = 0
    slots: int = 0
    unnamed_slots: int = 0
    unlisted_slots: int = 0
    repaired_names: int = 0
    entities: int = 0
    messages: int = 0
    joined_messages: int = 0
    blank_messages: int = 0


@dataclass(frozen=True, slots=True)
class DataSummary:
    """What `process` made.

    Attributes:
        reader: the reader that read the source.
        source_fingerprint: SHA-256 of the files that were read (`process.fingerprint`).
        fingerprint: SHA-256 of `train.jsonl`, `valid.jsonl` and `test.jsonl`, one after the other.
        split_off: the splits that the source lacks and that were split off its training dialogues.
        splits: counts by split.
        skipped: dialogues that could not be read, in the order of the source.
        recogniser: what wrote the emotions: empty if nothing did, `FROM_SOURCE` if they came with it.
        knowledge: what the knowledge graph holds; None without one.
    """

    reader: str
    source_fingerprint: str
    fingerprint: str
    split_off: tuple[Split, ...]
    splits: dict[Split, SplitCounts]
    skipped: tuple[Skipped, ...]
    recogniser: str = ""
    knowledge: GraphCounts | None = None


def count_dialogue(raw: RawDialogue, dialogue: Dialogue) -> SplitCounts:
    """Counts one dialogue, before (`raw`) and after merging."""
    blank = sum(message.is_blank() for message in raw.messages)
    own = [turn for turn in dialogue.turns if turn.role is Role.RECOMMENDER]
    return SplitCounts(
        dialogues=1,
        turns=len(dialogue.turns),
        recommender_turns=len(own),
        recommending_turns=sum(bool(turn.items) for turn in own),
        slots=sum(len(turn.items) for turn in dialogue.turns),
        unnamed_slots=sum(not dialogue.items[item_id].name for turn in dialogue.turns for item_id in turn.items),
        unlisted_slots=sum(item_id not in raw.items for turn in dialogue.turns for item_id in turn.items),
        repaired_names=sum(dialogue.items[item_id].name != item.name for item_id, item in raw.items.items()),
        entities=sum(len(turn.entities) for turn in _kept_whole(dialogue.turns)),
        messages=len(raw.messages),
        joined_messages=len(raw.messages) - blank - len(dialogue.turns),
        blank_messages=blank,
    )


def _kept_whole(turns: Sequence[Turn]) -> list[Turn]:
    """The turns that are in the context of an example, or are its reply: what examples tell all about."""
    targets = [index for index, turn in enumerate(turns) if turn.role is Role.RECOMMENDER]
    return [*turns[: targets[-1]], *turns[targets[-1] + 1 :]] if targets else []


def latest(examples: Sequence[Example]) -> Example:
    """The example of the latest turn, which knows the most of its conversation.

    Args:
        examples: those of one conversation, in any order; at least one.
    """
    return max(examples, key=lambda example: example.turn)


def count_examples(examples: Sequence[Example]) -> SplitCounts:
    """Counts one conversation of which only the examples are known; a turn counts as one message.

    So nothing was joined or blank. Of movies in contexts the names are not known, nor whether a dialogue listed them:
    `unnamed_slots` counts targets only, `unlisted_slots` and `repaired_names` are 0. All else is what `count_dialogue`
    counts of the dialogue, if all its examples are there.

    Args:
        examples: those of one conversation, in any order; at least one.
    """
    last = latest(examples)
    heard = [*last.context, *([last.reply] if last.reply else [])]
    turns = len(heard) + 1
    return SplitCounts(
        dialogues=1,
        turns=turns,
        recommender_turns=len(examples),
        recommending_turns=sum(bool(example.items) for example in examples),
        slots=sum(len(turn.items) for turn in heard) + len(last.items),
        unnamed_slots=sum(not item.name for example in examples for item in example.items),
        entities=sum(len(turn.entities) for turn in heard),
        messages=turns,
    )


def has_emotions(turns: Sequence[Turn]) -> bool:
    """Whether any turn carries emotions."""
    return any(turn.emotions for turn in turns)


def total(counts: Iterable[SplitCounts]) -> SplitCounts:
    """The sum of counts."""
    return SplitCounts(*map(sum, zip(*map(_all_numbers, counts), strict=True)))


_all_numbers = attrgetter(*(field.name for field in fields(SplitCounts)))


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
    for name, wanted in _FIELDS.items():
        if not isinstance(raw[name], wanted):
            raise TypeError(f"the field '{name}' is of the wrong kind")
    return DataSummary(
        reader=raw["reader"],
        source_fingerprint=raw["source_fingerprint"],
        fingerprint=raw["fingerprint"],
        split_off=tuple(Split(name) for name in raw["split_off"]),
        splits={Split(name): _counts(counts, name) for name, counts in raw["splits"].items()},
        skipped=tuple(_skipped(entry) for entry in raw["skipped"]),
        recogniser=raw["recogniser"],
        knowledge=None if raw["knowledge"] is None else GraphCounts(**raw["knowledge"]),
    )


def describe(summary: DataSummary) -> list[tuple[str, ...]]:
    """Rows of a table of counts: a head, then one row a split and their sum; the last column is the skipped ones."""
    head = ("split", "dialogues", "turns", "recommender turns", "with a movie", "slots", "skipped")
    skipped = Counter(entry.split for entry in summary.skipped)
    rows = [(str(split), *_numbers(counts), skipped[split]) for split, counts in summary.splits.items()]
    sums = ("all", *(sum(column) for column in zip(*(row[1:] for row in rows), strict=True)))
    return [head, *(tuple(f"{cell:,}" if isinstance(cell, int) else cell for cell in row) for row in [*rows, sums])]


_FIELDS = {
    "reader": str,
    "source_fingerprint": str,
    "fingerprint": str,
    "split_off": list,
    "splits": dict,
    "skipped": list,
    "recogniser": str,
}


def _counts(raw: dict[str, Any], split: str) -> SplitCounts:
    counts = SplitCounts(**raw)
    if any(type(number) is not int for number in _all_numbers(counts)):
        raise TypeError(f"a count of '{split}' is no whole number")
    return counts


def _skipped(raw: dict[str, Any]) -> Skipped:
    return Skipped(Split(raw["split"]), raw["source"], raw["line"], raw["reason"])


def _numbers(counts: SplitCounts) -> tuple[int, ...]:
    return counts.dialogues, counts.turns, counts.recommender_turns, counts.recommending_turns, counts.slots
