"""Finding a movie by its name, and the movies behind ids."""

from __future__ import annotations

import pytest

from ecr_engine.data.knowledge.dbpedia import entity_names, is_film, relation_name
from ecr_engine.data.knowledge.titles import Titles, link

TITLES = Titles([("Heat (1995)", 1), ("Alien", 2), ("Aladdin", 3), ("Frozen (2010)", 4), ("Frozen (2013)", 5)])


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("  HEAT   (1995) ", 1),
        ("Heat", 1),
        ("Heat (1986)", None),
        ("Alien (1979)", 2),
        ("Frozen (2013)", 5),
        ("Frozen", None),
        ("Nothing", None),
        ("", None),
    ],
)
def test_a_name_matches_but_for_case_blanks_and_one_missing_year(name: str, found: int | None) -> None:
    assert TITLES.find(name) == found


def test_several_ids_may_be_one_movie_but_a_remake_is_not_the_first_film() -> None:
    names = {"a": "Aladdin (2019)", "b": "Aladdin (1992)", "c": "aladdin (1992)", "d": "Aladdin", "e": "Gone (2012)"}
    assert link(TITLES, names) == {"b": 3, "c": 3, "d": 3}


def test_addresses_become_names_that_stay_distinct() -> None:
    resource = "<http://dbpedia.org/resource/{}>".format
    keys = ["Heat_(1995_film)", "Heat_(1986_film)", "Alien_(film)", "Alien_(creature)", "Am%C3%A9lie", "Jay_(2)_Ray"]
    names = entity_names([*map(resource, keys), "Sabu", "Sabu ", "Sabu [2]", "Up (film)"])
    assert names[:4] == ["Heat (1995)", "Heat (1986)", "Alien (film)", "Alien (creature)"]
    assert names[4:6] == ["Amélie", "Jay (2) Ray"]
    assert names[6:] == ["Sabu", "Sabu [2]", "Sabu [2] [2]", "Up (film)"]


def test_films_and_relations_by_their_addresses() -> None:
    assert is_film("<http://dbpedia.org/resource/Heat_(1995_film)>")
    assert not is_film("<http://dbpedia.org/resource/Heat_(band)>")
    assert not is_film("Heat (film)")
    assert relation_name("<http://dbpedia.org/ontology/musicComposer>") == "music composer"
    assert relation_name("director") == "director"
