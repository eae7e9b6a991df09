"""Titles are found in what is typed, and put into the slots of replies by a rule that can be worked out by hand."""

from __future__ import annotations

from collections import Counter

import pytest
from chat_runs import add_movies, bare_run

from ecr_engine.data.knowledge.graph import KnowledgeGraph
from ecr_engine.data.schema import Item, Role, Turn
from ecr_engine.serving.movies import Movies, movies_of

NAMES = {"11": "Heat (1995)", "22": "Schindler's List (1993)", "33": "The Big Short (2015)"}
LIKED = Counter({"11": 1, "22": 5, "33": 2})


@pytest.fixture
def movies():
    return Movies(NAMES, LIKED)


def seeker(slots, *items, entities=()):
    return Turn(Role.SEEKER, slots, slots, items, entities)


@pytest.mark.parametrize(
    ("text", "slots", "items"),
    [
        ("I loved Heat (1995)!", "I loved <movie>!", ("11",)),
        ("I loved heat 1995", "I loved <movie>", ("11",)),
        ("I loved Heat and The Big Short", "I loved <movie> and <movie>", ("11", "33")),
        ("Schindlers List, Schindler’s  List", "<movie>, <movie>", ("22", "22")),
        ("the heat is a big, short problem", "the heat is a big, short problem", ()),
        ("你好 👋", "你好 👋", ()),
    ],
)
def test_titles_become_slots(movies, text, slots, items):
    found = movies.find(text)
    assert (found.slots, found.items, found.entities) == (slots, items, ())


def test_slots_get_the_movies_that_were_liked_most(movies):
    filled = movies.fill("Try <movie> or <movie>.", (seeker("hello"),))
    assert filled.text == "Try Schindler's List (1993) or The Big Short (2015)."
    assert filled.items == (
        Item("22", "Schindler's List (1993)", suggested=True),
        Item("33", "The Big Short (2015)", suggested=True),
    )


def test_no_movie_is_named_twice_and_a_slot_too_many_stays_one(movies):
    filled = movies.fill("<movie>, <movie>, <movie>", (seeker("<movie>", "22"),))
    assert filled.text == "The Big Short (2015), Heat (1995), <movie>"


def test_a_reply_without_slots_is_as_it_was(movies):
    assert movies.fill("How are you?", ()) == type(movies.fill("", ()))("How are you?", ())


def graph():
    """Heat and Ali share a director, Heat and Up a genre that three movies have."""
    names = ("Heat (1995)", "Ali (2001)", "Up (2009)", "Jaws (1975)", "Michael Mann", "drama")
    kinds = ("movie",) * 4 + ("person", "genre")
    triples = ((0, 0, 4), (1, 0, 4), (0, 1, 5), (2, 1, 5), (3, 1, 5))
    items = {"1": 0, "2": 1, "3": 2, "4": 3}
    return KnowledgeGraph(names=names, kinds=kinds, relations=("director", "genre"), triples=triples, items=items)


@pytest.mark.parametrize(
    ("turn", "order"),
    [
        # Of the director's 2 movies and the genre's 3, the rarer says more: 1/log(4) > 1/log(5).
        (seeker("I liked <movie>", "1"), ["Ali (2001)", "Jaws (1975)", "Up (2009)"]),
        (seeker("a drama", entities=("drama",)), ["Jaws (1975)", "Heat (1995)", "Up (2009)"]),
        (seeker("hello"), ["Jaws (1975)", "Heat (1995)", "Ali (2001)"]),
    ],
    ids=["movie", "genre", "nothing"],
)
def test_with_a_graph_what_is_near_goes_first_and_then_what_was_liked(turn, order):
    names = {item: graph().name_of(item) for item in graph().items}
    movies = Movies(names, Counter({"4": 1}), graph())
    assert [item.name for item in movies.fill("<movie> <movie> <movie>", (turn,)).items] == order


def test_with_a_graph_other_entities_are_found_too():
    movies = movies_of(None, graph())
    found = movies.find("Something by Michael Mann, like Heat (1995), a drama")
    assert found.slots == "Something by Michael Mann, like <movie>, a drama"
    assert found.items == ("1",)
    assert found.entities == ("Michael Mann", "drama")
    assert movies.rule == "by the knowledge graph"


def test_the_movies_of_a_run(tmp_path):
    run = bare_run(tmp_path / "demo")
    assert movies_of(run.data, None) is None
    add_movies(run)
    movies = movies_of(run.data, None)
    assert movies.rule == "by popularity in the training dialogues"
    assert movies.fill("<movie> <movie> <movie>", ()).text == "Heat (1995) Alien (1979) Up (2009)"
