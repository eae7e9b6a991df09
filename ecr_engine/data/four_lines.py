r"""The four lines that the ECR paper (arXiv 2409.10527) puts before its response generator: written, and read back.

    Movie Name: Heat (1995), I, Robot (2004)
    Related Entities: Michael Mann, Alex Proyas, Al Pacino, Will Smith
    Related Knowledge from KG: Heat (1995)'s director is Michael Mann, I, Robot (2004)'s director is Alex Proyas
    First Sentence: You should watch Heat (1995) or I, Robot (2004)!

An empty line says `None`. Commas part the entries of a line and also stand in names, so reading back goes by what the
border between two entries looks like: a movie ends with its year, a piece of knowledge begins with the name of one of
the movies. A movie with a comma and no year can't be told from two movies.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise, zip_longest

from ecr_engine.data.cleaning import TEMPLATE_MARKERS
from ecr_engine.data.knowledge.graph import KnowledgeGraph
from ecr_engine.data.schema import Item

INSTRUCTION = (
    "You recommend movies to a seeker. Go on from the first sentence below, warmly and in a natural voice. Use the "
    "movie's name, and of the related entities and the knowledge what helps the seeker want to see it; add no facts "
    "of your own."
)
"""What the model is told to do with the four lines."""

ENTITIES = 4
TRIPLES = 2
"""Most entities and pieces of knowledge at inference; more of them make the model invent things (ECR paper)."""

NONE = "None"
"""What an empty line says."""


@dataclass(frozen=True, slots=True)
class FourLines:
    """The content of the four lines.

    Attributes:
        movies: names of the recommended movies.
        entities: names of entities that they are related to.
        knowledge: sentences such as `Heat (1995)'s director is Michael Mann`.
        first_sentence: the recommendation, with the movies by name; the reply goes on from it.
    """

    movies: tuple[str, ...]
    entities: tuple[str, ...]
    knowledge: tuple[str, ...]
    first_sentence: str


def four_lines(
    movies: Sequence[Item],
    graph: KnowledgeGraph,
    first_sentence: str,
    *,
    entities: int = ENTITIES,
    triples: int = TRIPLES,
) -> FourLines:
    """The four lines for movies that are recommended.

    Each movie gives its best entity and its best triple before any gives its second.

    Args:
        movies: the movies, in the order of the sentence; one without a name goes by the graph's, or is left out.
        graph: what is known about them.
        first_sentence: the recommendation, with the movies by name.
        entities: at most this many for all movies together.
        triples: likewise.
    """
    named = {item.item_id: _flat(item.name or graph.name_of(item.item_id)) for item in movies}
    named = {item_id: name for item_id, name in named.items() if name}
    related = _in_turns(graph.related(item_id, entities + len(named)) for item_id in named)
    known = _in_turns(
        [f"{name}'s {relation} is {entity}" for relation, entity in graph.triples(item_id, triples)]
        for item_id, name in named.items()
    )
    names = tuple(dict.fromkeys(named.values()))
    others = (entity for entity in related if entity not in names)
    return FourLines(names, tuple(islice(others, entities)), tuple(islice(known, triples)), _flat(first_sentence))


def render(lines: FourLines) -> str:
    """The four lines as text, without a line end after the last.

    Line breaks in names and in the sentence become blanks, and so do markers of the chat format.
    """
    contents = (*map(_joined, (lines.movies, lines.entities, lines.knowledge)), _flat(lines.first_sentence) or NONE)
    return "\n".join(f"{label}: {content}" for label, content in zip(_LABELS, contents, strict=True))


def parse(text: str) -> FourLines | None:
    """What four lines say; None if the text is not in that form.

    Args:
        text: the lines, parted by line ends or by `</s>`.
    """
    parts = _LABEL.split(text.replace("</s>", "\n").strip(), maxsplit=len(_LABELS))
    if parts[0] or tuple(parts[1::2]) != _LABELS:
        return None
    movies, entities, knowledge, sentence = ("" if _flat(part) == NONE else _flat(part) for part in parts[2::2])
    names = tuple(_movies(movies))
    return FourLines(names, _parted(_BORDER, entities), _knowledge(knowledge, names), sentence)


_LABELS = ("Movie Name", "Related Entities", "Related Knowledge from KG", "First Sentence")
_LABEL = re.compile(rf"^[ \t]*({'|'.join(_LABELS)}):", re.MULTILINE)
_BORDER = re.compile(r", (?!(?:Jr|Sr|Inc|Ltd)\b)")
_AFTER_YEAR = re.compile(r"(?<=\(\d{4}\)), ")
_SENTENCE = r"[^,]*?'s [a-z][\w -]{0,40}? is "


def _in_turns(columns: Iterable[Iterable[str]]) -> Iterator[str]:
    """The first of each column, then the second of each, each text once."""
    return iter(dict.fromkeys(one for row in zip_longest(*columns) for one in row if one is not None))


def _flat(text: str) -> str:
    return " ".join(TEMPLATE_MARKERS.sub(" ", text).split())


def _joined(entries: Iterable[str]) -> str:
    return ", ".join(flat for entry in entries if (flat := _flat(entry))) or NONE


def _parted(border: re.Pattern[str], text: str) -> tuple[str, ...]:
    return tuple(part for part in border.split(text) if part)


def _movies(text: str) -> Iterator[str]:
    """Movies end at a year; what has none at its end goes by its commas."""
    for part in _AFTER_YEAR.split(text):
        if part.endswith(")") and _AFTER_YEAR.search(f"{part}, "):
            yield part
        else:
            yield from _parted(_BORDER, part)


def _knowledge(text: str, movies: Sequence[str]) -> tuple[str, ...]:
    """Sentences begin with a movie of the first line, or look like one."""
    known = sorted(movies, key=len, reverse=True)
    begin = "|".join([*(re.escape(name) + "'s " for name in known), _SENTENCE])
    starts = [found.start(1) for found in re.finditer(rf"(?:^|, )({begin})", text)]
    # The first sentence begins at 0, even where its movie is unknown and holds a comma.
    borders = [0, *starts[1:], len(text) + len(", ")]
    return tuple(part for a, b in pairwise(borders) if (part := text[a : b - len(", ")]))
