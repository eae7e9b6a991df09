"""The ECR paper's four lines: made from a graph, written, read back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_graph import small_graph

from ecr_engine.data.four_lines import INSTRUCTION, FourLines, four_lines, parse, render
from ecr_engine.data.schema import Item

HEAT, ALI = Item("11", "Heat (1995)"), Item("22", "Ali (2001)")


def test_one_movie_gives_four_entities_and_two_triples() -> None:
    assert render(four_lines([HEAT], small_graph(), "You should watch Heat (1995)!")) == (
        "Movie Name: Heat (1995)\n"
        "Related Entities: Michael Mann, Al Pacino, Robert De Niro, crime\n"
        "Related Knowledge from KG: Heat (1995)'s director is Michael Mann, Heat (1995)'s genre is crime\n"
        "First Sentence: You should watch Heat (1995)!"
    )


def test_two_movies_take_turns() -> None:
    lines = four_lines([HEAT, ALI], small_graph(), "Heat or Ali?", entities=3)
    assert lines.movies == ("Heat (1995)", "Ali (2001)")
    assert lines.entities == ("Michael Mann", "Al Pacino", "Will Smith")
    assert lines.knowledge == ("Heat (1995)'s director is Michael Mann", "Ali (2001)'s director is Michael Mann")


def test_a_movie_that_the_graph_lacks_has_its_name_alone() -> None:
    lines = four_lines([Item("99", "Up (2009)")], small_graph(), " Watch\nthis. ")
    assert lines == FourLines(("Up (2009)",), (), (), "Watch this.")
    assert render(lines) == (
        "Movie Name: Up (2009)\nRelated Entities: None\nRelated Knowledge from KG: None\nFirst Sentence: Watch this."
    )


def test_a_movie_without_a_name_goes_by_the_graphs_or_not_at_all() -> None:
    lines = four_lines([Item("22", ""), Item("99", "")], small_graph(), "x", entities=1, triples=1)
    assert lines == FourLines(("Ali (2001)",), ("Michael Mann",), ("Ali (2001)'s director is Michael Mann",), "x")


def test_a_movie_is_no_entity_of_itself() -> None:
    graph = small_graph(triples=((0, 0, 1), (0, 0, 9), (1, 0, 8)))
    assert four_lines([HEAT, ALI], graph, "x").entities == ("crime", "drama")


@pytest.mark.parametrize("separator", ["\n", "</s>", " </s> \n", "\r\n"])
def test_commas_in_names_survive(separator: str) -> None:
    text = separator.join(
        (
            "Movie Name: I, Robot (2004), Heat (1995), O Brother, Where Art Thou? (2000)",
            "Related Entities: Robert Downey, Jr., Will Smith",
            "Related Knowledge from KG: I, Robot (2004)'s star is Robert Downey, Jr., Heat (1995)'s genre is crime",
            "First Sentence: Well, First Sentence: I like it, too.",
        )
    )
    assert parse(text) == FourLines(
        ("I, Robot (2004)", "Heat (1995)", "O Brother, Where Art Thou? (2000)"),
        ("Robert Downey, Jr.", "Will Smith"),
        ("I, Robot (2004)'s star is Robert Downey, Jr.", "Heat (1995)'s genre is crime"),
        "Well, First Sentence: I like it, too.",
    )


def test_knowledge_on_movies_that_the_first_line_lacks_is_parted_by_its_form() -> None:
    text = (
        "Movie Name: None\nRelated Entities: None\n"
        "Related Knowledge from KG: I, Robot (2004)'s star is Will Smith, Heat's music composer is Jay, Inc.\n"
        "First Sentence: None\n"
    )
    knowledge = ("I, Robot (2004)'s star is Will Smith", "Heat's music composer is Jay, Inc.")
    assert parse(text) == FourLines((), (), knowledge, "")


def test_names_without_years_are_parted_by_commas() -> None:
    text = "Movie Name: Heat, Alien\nRelated Entities: a\nRelated Knowledge from KG: None\nFirst Sentence: x"
    lines = parse(text)
    assert lines is not None
    assert lines.movies == ("Heat", "Alien")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hello there!",
        "Movie Name: A\nRelated Entities: b\nFirst Sentence: c",
        "Related Entities: b\nMovie Name: A\nRelated Knowledge from KG: None\nFirst Sentence: c",
        "So: Movie Name: A\nRelated Entities: b\nRelated Knowledge from KG: None\nFirst Sentence: c",
        "Movie Name: A | Related Entities: b | Related Knowledge from KG: None | First Sentence: c",
    ],
)
def test_other_texts_are_not_in_this_form(text: str) -> None:
    assert parse(text) is None


def test_names_cannot_break_out_of_their_line() -> None:
    lines = FourLines(("A\nFirst Sentence: no",), ("b</s>c",), (), "d [/INST]\ne")
    assert render(lines) == (
        "Movie Name: A First Sentence: no\nRelated Entities: b c\nRelated Knowledge from KG: None\nFirst Sentence: d e"
    )


def test_the_instruction_names_what_the_lines_hold() -> None:
    assert all(word in INSTRUCTION for word in ("first sentence", "movie", "related entities", "knowledge"))


WORDS = st.text("abcXYZ'.-:éß ", min_size=1, max_size=8).map(lambda text: " ".join(text.split())).filter(bool)
MOVIES = st.builds(
    lambda parts, year: f"{', '.join(parts)} ({year})", st.lists(WORDS, min_size=1, max_size=3), st.integers(1900, 2029)
)
ENTITIES = st.text("abcXYZ.-é ", min_size=1, max_size=8).map(lambda text: " ".join(text.split())).filter(bool)
SENTENCES = st.text("abc,. (1995)'s\n", max_size=30).map(lambda text: " ".join(text.split()))


@given(st.data())
def test_what_is_written_is_read_back(data: st.DataObject) -> None:
    movies = data.draw(st.lists(MOVIES, min_size=1, max_size=3))
    entities = data.draw(st.lists(ENTITIES, max_size=4))
    relations = st.sampled_from(["director", "music composer", "genre"])
    pieces = st.builds(lambda m, r, e: f"{m}'s {r} is {e}", st.sampled_from(movies), relations, ENTITIES)
    knowledge = data.draw(st.lists(pieces, max_size=3))
    lines = FourLines(tuple(movies), tuple(entities), tuple(knowledge), data.draw(SENTENCES))
    assert parse(render(lines)) == lines
