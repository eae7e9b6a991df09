"""Messages to turns, turns to examples."""

from __future__ import annotations

import pytest

from ecr_engine.data.reader import Message, RawDialogue
from ecr_engine.data.readers._redial_form import marked
from ecr_engine.data.schema import Dialogue, Emotions, Example, Item, Role, Split, Turn
from ecr_engine.data.turns import examples, merge

S, R = Role.SEEKER, Role.RECOMMENDER
HEAT = Item("11", "Heat (1995)", liked=True, seen=True, suggested=False)
ALIEN = Item("22", "Alien (1979)", liked=False, seen=None, suggested=True)


def dialogue(*said: tuple[Role, str], items: tuple[Item, ...] = (HEAT, ALIEN)) -> Dialogue:
    messages = tuple(Message(role, *marked(text)) for role, text in said)
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
        Example("5:0", "5", 0, (), "Hello", (), (), (), "train_data.jsonl", 3, wish),
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
            thanks,
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


def message(role: Role, text: str, emotions: Emotions = (), entities: tuple[str, ...] = ()) -> Message:
    return Message(role, *marked(text), entities, emotions)


def told(*messages: Message) -> Dialogue:
    return merge(RawDialogue("5", Split.TRAIN, messages, {"11": HEAT}, "train_data.jsonl", 3))


def test_joined_messages_keep_their_two_likeliest_emotions_and_all_entities() -> None:
    made = told(
        message(S, "hi", (("happy", 0.4), ("like", 0.3)), ("comedy",)),
        message(S, "a laugh", (("curious", 0.6), ("like", 0.9)), ("Tom Hanks", "comedy")),
    )
    (turn,) = made.turns
    assert turn.emotions == (("like", 0.9), ("curious", 0.6))
    assert turn.entities == ("comedy", "Tom Hanks")


def test_a_mention_takes_the_emotions_of_the_seekers_next_turn() -> None:
    made = told(
        message(S, "hi", (("curious", 0.5),)),
        message(R, "try @11", (("neutral", 0.9),)),
        message(S, "loved it", (("like", 0.8),)),
        message(R, "good", (("happy", 0.7),)),
        message(S, "bye", (("grateful", 0.6),)),
        message(R, "or @11 again", (("happy", 0.7),)),
    )
    shown = [turn.emotions for turn in made.turns]
    assert shown == [
        (("curious", 0.5),),
        (("like", 0.8),),
        (("like", 0.8),),
        (("happy", 0.7),),  # no movie in it: its own
        (("grateful", 0.6),),
        (("happy", 0.7),),  # nobody answers
    ]
    made_examples = list(examples(made))
    assert [example.emotions for example in made_examples] == [("curious",), ("like",), ("grateful",)]
    assert [example.reply.slots if example.reply else None for example in made_examples] == ["loved it", "bye", None]


def test_names_are_repaired_by_id() -> None:
    names = {"1": "Heat (1995)", "2": "Alien (1979)", "3": "Up (2009)", "4": "Jaws", "9": "Big (1988)"}
    items = {
        "1": Item("1", "Heat", liked=True),
        "2": Item("2", ""),
        "3": Item("3", "Up (2010)"),
        "4": Item("4", "Jaws 2"),
        "5": Item("5", "Ran"),
    }
    raw = RawDialogue("5", Split.TRAIN, (message(S, "@1 @2 @3 @4 @5 @9"),), items, "train_data.jsonl", 3)
    made = merge(raw, names)
    # A year is never replaced, and a name without one only by a name that has it.
    assert made.turns[0].text == "Heat (1995) Alien (1979) Up (2010) Jaws 2 Ran Big (1988)"
    assert made.items["1"] == Item("1", "Heat (1995)", liked=True)
    assert made.items["9"] == Item("9", "Big (1988)")


def test_entities_are_linked_where_the_source_gives_none() -> None:
    messages = (message(S, "a @11 comedy"), message(R, "ok", entities=("drama",)))
    raw = RawDialogue("5", Split.TRAIN, messages, {"11": HEAT}, "train_data.jsonl", 3)
    made = merge(raw, link=lambda text: tuple(text.split()))
    assert [turn.entities for turn in made.turns] == [("a", "<movie>", "comedy"), ("drama",)]
