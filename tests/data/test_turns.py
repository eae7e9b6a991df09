"""Messages to turns, turns to examples."""

from __future__ import annotations

import pytest

from ecr_engine.data.reader import Message, RawDialogue
from ecr_engine.data.schema import Dialogue, Example, Item, Role, Split, Turn
from ecr_engine.data.turns import examples, merge

S, R = Role.SEEKER, Role.RECOMMENDER
HEAT = Item("11", "Heat (1995)", liked=True, seen=True, suggested=False)
ALIEN = Item("22", "Alien (1979)", liked=False, seen=None, suggested=True)


def dialogue(*said: tuple[Role, str], items: tuple[Item, ...] = (HEAT, ALIEN)) -> Dialogue:
    messages = tuple(Message(role, text) for role, text in said)
    listed = {item.item_id: item for item in items}
    return merge(RawDialogue("5", Split.TRAIN, messages, listed, "train_data.jsonl", 3))


def test_a_whole_dialogue() -> None:
    made = dialogue(
        (R, "Hello"),
        (S, "hi"),
        (S, "i liked @11"),
        (R, "Try @22 or @11!"),
        (R, "Both are tense."),
        (S, "thx"),
        (R, ""),
        (S, "bye"),
        (R, "Bye"),
    )
    opening = Turn(R, "Hello", "Hello")
    wish = Turn(S, "hi i liked Heat (1995)", "hi i liked <movie>", ("11",))
    advice = Turn(
        R, "Try Alien (1979) or Heat (1995)! Both are tense.", "Try <movie> or <movie>! Both are tense.", ("22", "11")
    )
    thanks = Turn(S, "thx bye", "thx bye")
    farewell = Turn(R, "Bye", "Bye")
    assert made.turns == (opening, wish, advice, thanks, farewell)
    assert list(examples(made)) == [
        Example("5:0", "5", 0, (), "Hello", (), (), (), "train_data.jsonl", 3),
        Example(
            "5:2",
            "5",
            2,
            (opening, wish),
            "Try <movie> or <movie>! Both are tense.",
            (ALIEN, HEAT),
            ("11",),
            (),
            "train_data.jsonl",
            3,
        ),
        Example("5:4", "5", 4, (opening, wish, advice, thanks), "Bye", (), ("11", "22"), (), "train_data.jsonl", 3),
    ]


@pytest.mark.parametrize(
    ("said", "text", "slots", "ids"),
    [
        ("saw@11and", "saw Heat (1995) and", "saw <movie> and", ("11",)),
        ("@11@22", "Heat (1995) Alien (1979)", "<movie> <movie>", ("11", "22")),
        ("(@11), *@22*.", "(Heat (1995)), *Alien (1979)*.", "(<movie>), *<movie>*.", ("11", "22")),
        ("@Heat or mail@home", "@Heat or mail@home", "@Heat or mail@home", ()),
        ("is @33 good?", "is a movie good?", "is <movie> good?", ("33",)),
        ("is @44 good?", "is a movie good?", "is <movie> good?", ("44",)),
    ],
)
def test_mentions(said: str, text: str, slots: str, ids: tuple[str, ...]) -> None:
    made = dialogue((R, said), items=(HEAT, ALIEN, Item("44", "")))
    assert made.turns == (Turn(R, text, slots, ids),)


def test_an_unlisted_movie_gets_an_item_without_a_name() -> None:
    (example,) = examples(dialogue((R, "@33"), items=()))
    assert example.items == (Item("33", "", None, None, None),)
