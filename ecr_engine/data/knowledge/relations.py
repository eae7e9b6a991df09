"""What the relations of movie graphs mean: who comes first in a prompt, and what stands at a relation's end.

Names are those of CFCRS (`star`, `director`, …) and of DBpedia's ontology (`starring`, `musicComposer`, …) in blanks.
"""

from __future__ import annotations

from enum import IntEnum

MOVIE, GENRE, PERSON = "movie", "genre", "person"
"""The kinds of entity that this project tells apart; any other kind is kept as its source writes it."""


class Rank(IntEnum):
    """Groups of relations, the most telling first."""

    DIRECTOR = 0
    STAR = 1
    WRITER = 2
    CREW = 3
    GENRE = 4
    OTHER = 5


_RANKS = {
    "director": Rank.DIRECTOR,
    "star": Rank.STAR,
    "starring": Rank.STAR,
    "actor": Rank.STAR,
    "writer": Rank.WRITER,
    "author": Rank.WRITER,
    "producer": Rank.CREW,
    "executive producer": Rank.CREW,
    "music composer": Rank.CREW,
    "composer": Rank.CREW,
    "cinematography": Rank.CREW,
    "editing": Rank.CREW,
    "editor": Rank.CREW,
    "narrator": Rank.CREW,
    "genre": Rank.GENRE,
}


def rank(relation: str) -> Rank:
    """The group of a relation."""
    return _RANKS.get(relation, Rank.OTHER)


def kind_at_end(relation: str) -> str:
    """What kind of entity a relation ends at; empty if it does not tell."""
    group = rank(relation)
    if group is Rank.OTHER:
        return ""
    return GENRE if group is Rank.GENRE else PERSON
