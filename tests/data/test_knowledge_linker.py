"""Which entities a text mentions."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_engine.data.knowledge.graph import KnowledgeGraph
from ecr_engine.data.knowledge.linker import EntityLinker

GENRES = (
    *("comedy", "romance", "horror", "scary", "sci-fi", "animation", "family", "music", "war"),
    *("film-noir", "mystery", "drama", "action"),
)
PEOPLE = (
    "Tom Hanks",
    "Meg Ryan",
    "Rose",
    "J.J. Abrams",
    "Robert Downey Jr.",
    "Samuel L. Jackson",
    "Penélope Cruz",
    "Conan O'Brien",
    "Tom Hanks Junior",
    "The World",
)
PLACES = ("New York City", "Pixar")


def linker(genres: tuple[str, ...] = GENRES) -> EntityLinker:
    names = (*genres, *PEOPLE, *PLACES, "Meg Ryan (1999)")
    kinds = ("genre",) * len(genres) + ("person",) * len(PEOPLE) + ("",) * len(PLACES) + ("movie",)
    return EntityLinker(KnowledgeGraph(names=names, kinds=kinds, relations=(), triples=(), items={"1": len(names) - 1}))


LINK = linker()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Any comedies?", ("comedy",)),
        ("I love ROMANTIC COMEDIES!", ("romance", "comedy")),
        ("a rom-com, or a romcom", ("romance", "comedy")),
        ("something scary, a horror movie", ("horror",)),
        ("sci fi, SciFi, science fiction", ("sci-fi",)),
        ("an animated one or a cartoon", ("animation",)),
        ("a drama/action thing", ("drama", "action")),
        ("I like film noir", ("film-noir",)),
        ("watch with my family", ()),
        ("a family movie", ("family",)),
        ("good music in that war", ()),
        ("any war films?", ("war",)),
        ("the live action one", ()),
        ("a dramatic actionable comedian", ()),
        ("Tom Hanks' movies", ("Tom Hanks",)),
        ("I love tom  hanks,and Meg Ryan's smile", ("Tom Hanks", "Meg Ryan")),
        ("with Tom Hanks Junior", ("Tom Hanks Junior",)),
        ("Meg Ryan and Tom Hanks and Meg Ryan again", ("Meg Ryan", "Tom Hanks")),
        ("Rose and Tom and Hanks", ()),
        ("by my Tom. Hanks said so", ()),
        ("for Tom, Hanks said", ()),
        ("JJ Abrams or J. J. Abrams or J.J. Abrams", ("J.J. Abrams",)),
        ("robert downey, jr. is great", ("Robert Downey Jr.",)),
        ("Samuel L. Jackson!", ("Samuel L. Jackson",)),
        ("penelope cruz or Penélope Cruz", ("Penélope Cruz",)),
        ("Conan O’Brien, conan obrien", ("Conan O'Brien",)),
        ("it is the best in the world", ()),
        ("set in New York City by Pixar", ("New York City",)),
        ("scary <movie>", ("horror",)),
        ("Tom <movie> Hanks", ()),
        ("family <movie>", ()),
        ("<movie>", ()),
        ("", ()),
    ],
)
def test_what_a_text_mentions(text: str, names: tuple[str, ...]) -> None:
    assert LINK(text) == names


def test_only_genres_of_the_graph_are_found() -> None:
    assert linker(("comedy",))("a romantic comedy, an action drama") == ("comedy",)


def test_genres_are_found_by_the_names_that_other_graphs_give_them() -> None:
    found = linker(("Comedy film", "Science fiction film", "Slasher film", "Space opera", "scary"))
    assert found("a comedy, sci-fi, a slasher flick, space operas and scary movies") == (
        "Comedy film",
        "Science fiction film",
        "Slasher film",
        "Space opera",
        "scary",
    )
    assert found("the slasher") == ("Slasher film",)
    assert linker(("Heist film",))("a heist, and heist movies") == ("Heist film",)
    assert linker(("Heist film",))("a heist") == ()


def test_a_pickled_linker_finds_the_same() -> None:
    assert pickle.loads(pickle.dumps(LINK))("Tom Hanks comedies") == ("Tom Hanks", "comedy")


@given(st.text(max_size=60), st.sampled_from(["Tom Hanks", "comedies"]), st.text(max_size=60))
def test_a_mention_between_any_texts_is_found(before: str, mention: str, after: str) -> None:
    expected = {"Tom Hanks": "Tom Hanks", "comedies": "comedy"}[mention]
    assert expected in LINK(f"{before} ; {mention} ; {after}")
