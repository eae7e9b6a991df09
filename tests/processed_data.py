"""Processed folders of a few examples, written by hand: what the tests of export, annotation and show share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ecr_engine.data import store
from ecr_engine.data.schema import Emotions, Example, Item, Role, Split, Turn
from ecr_engine.data.summary import DataSummary, SplitCounts

HELLO = Turn(Role.RECOMMENDER, "Hello!", "Hello!")
ASKED = Turn(
    Role.SEEKER, "I love Heat (1995), what is like it?", "I love <movie>, what is like it?", ("11",), ("crime",)
)
NAMED = Turn(Role.RECOMMENDER, "Try Alien (1979) & a movie", "Try <movie> & <movie>", ("22", "33"))
THANKS = Turn(Role.SEEKER, "Thanks so much, bye", "Thanks so much, bye")

ALIEN = Item("22", "Alien (1979)", liked=False, seen=None, suggested=True)
NAMELESS = Item("33", "")

OPENING = Example("5:0", "5", 0, (), "Hello!", (), (), (), "train_data.jsonl", 3, ASKED)
OFFER = Example(
    example_id="5:2",
    conversation_id="5",
    turn=2,
    context=(HELLO, ASKED),
    target="Try <movie> & <movie>",
    items=(ALIEN, NAMELESS),
    mentioned=("11",),
    emotions=(),
    source="train_data.jsonl",
    line=3,
    reply=THANKS,
)
CLOSING = replace(
    OFFER,
    example_id="5:4",
    turn=4,
    context=(HELLO, ASKED, NAMED, THANKS),
    target="Enjoy “it”",
    items=(),
    mentioned=("11", "22", "33"),
    reply=None,
)
OTHER = replace(OPENING, example_id="8:0", conversation_id="8", source="test_data.jsonl", line=1)
TRAIN = (OPENING, OFFER, CLOSING)


def write_processed(
    folder: Path,
    train: Sequence[Example] = TRAIN,
    valid: Sequence[Example] = (),
    test: Sequence[Example] = (OTHER,),
    *,
    recogniser: str = "",
) -> Path:
    """A folder as `data process` makes it; its counts are all 0."""
    folder.mkdir(parents=True)
    for split, examples in zip(Split, (train, valid, test), strict=True):
        store.write_examples(store.split_path(folder, split), examples)
    store.write_summary(
        folder,
        DataSummary("redial", "source", "before", (), {split: SplitCounts() for split in Split}, (), recogniser),
    )
    return folder


def feeling(turn: Turn, *emotions: tuple[str, float]) -> Turn:
    """The turn with emotions."""
    found: Emotions = emotions
    return replace(turn, emotions=found)
