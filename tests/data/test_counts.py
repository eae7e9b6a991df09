"""What is counted of a dialogue, and of its examples when nothing else is left of it."""

from __future__ import annotations

from ecr_engine.data.reader import Message, RawDialogue
from ecr_engine.data.schema import Item, Role, Split
from ecr_engine.data.summary import SplitCounts, count_dialogue, count_examples
from ecr_engine.data.turns import examples, merge

S, R = Role.SEEKER, Role.RECOMMENDER


def spoken(*messages: Message) -> RawDialogue:
    return RawDialogue("1", Split.TRAIN, messages, {"11": Item("11", "Heat (1995)")}, "a.jsonl", 1)


def test_a_dialogue_counts_the_same_by_its_examples() -> None:
    raw = spoken(
        Message(S, ("a comedy like ", "?"), ("11",), ("comedy",)),
        Message(R, ("a drama?",), (), ("drama", "Tom Hanks")),
        Message(S, ("horror",), (), ("horror",)),
        Message(R, ("see ", ", a western"), ("11",), ("western",)),
        Message(S, ("no, film noir",), (), ("film noir",)),
    )
    dialogue = merge(raw)
    # the western is in a target alone, which examples keep as words
    counts = SplitCounts(
        dialogues=1, turns=5, recommender_turns=2, recommending_turns=1, slots=2, entities=5, messages=5
    )
    assert count_dialogue(raw, dialogue) == counts
    assert count_examples(tuple(examples(dialogue))) == counts


def test_a_dialogue_without_a_recommender_has_no_entities_that_an_example_could_hold() -> None:
    raw = spoken(Message(S, ("a comedy",), (), ("comedy",)))
    assert count_dialogue(raw, merge(raw)) == SplitCounts(dialogues=1, turns=1, messages=1)
