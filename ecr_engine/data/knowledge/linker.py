"""Finds the entities of a knowledge graph, other than movies, that a text mentions.

Genres are found by the words people use for them (`genres`), all else by its full name of at least two words; case does
not matter. That is strict on purpose: "Will" and "Rose" are mostly not the actors.

Most turns mention nothing, so a look at the words alone and in pairs, at a few microseconds, rules them out; only the
others are read exactly.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise

from ecr_engine.data.knowledge import genres
from ecr_engine.data.knowledge.graph import KnowledgeGraph
from ecr_engine.data.knowledge.relations import GENRE, MOVIE

_MARKS = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~\t\n\r\x0b\x0c’‘“”…–—"
_BLANKS = str.maketrans(_MARKS, " " * len(_MARKS))
_WORD = re.compile(r"[^\W_]+")

# Words, and what no name reaches across: a slot, or the end of a clause. The comma of "Downey, Jr." and the full stop
# of an initial or a title are none.
_PIECE = re.compile(r"<movie>|[^\W_]+|,(?!\s*[js]r\b)|(?<!\b[^\W\d_])(?<!\b[djms]r)\.|[;:!?()\[\]\"“”…|]|\s[-–—]+\s")

# "The End" and "You and Me" are names of things, and mostly just words.
_EVERYDAY_WORDS = (
    "a about after again all am an and any are as at back be been before best big but by can come day did do down end "
    "ever every everything for from get girl girls go good got great guy had happy has have he her here him his home "
    "how i if in into is it its just know last life like little live long love made make man me more my never new next "
    "night no not nothing now of off oh old on once one only or our out over people really right same see she so some "
    "something story than that the their them then there they thing things this time to too two up us very want was "
    "way we well what when where which who why will with woman women world year years yes you young your"
)
_EVERYDAY = frozenset(_EVERYDAY_WORDS.split())


class EntityLinker:
    """Finds a graph's entities in texts.

    It holds words only, not the graph, and can be pickled for other processes.

    Args:
        graph: whose entities to find.
    """

    __slots__ = ("_lengths", "_names", "_pairs", "_singles")

    def __init__(self, graph: KnowledgeGraph) -> None:
        self._names: dict[tuple[str, ...], tuple[str, ...]] = {}
        for phrase, names in _phrases(graph):
            self._names.setdefault(phrase, names)
        self._singles = frozenset(phrase[0] for phrase in self._names if len(phrase) == 1)
        self._pairs = frozenset(phrase[:2] for phrase in self._names if len(phrase) > 1)
        lengths: dict[str, set[int]] = {}
        for phrase in self._names:
            lengths.setdefault(phrase[0], set()).add(len(phrase))
        self._lengths = {word: tuple(sorted(found, reverse=True)) for word, found in lengths.items()}

    def __call__(self, text_with_slots: str) -> tuple[str, ...]:
        """Names of the entities that a text mentions, in order of mention, each once.

        Args:
            text_with_slots: a turn with `<movie>` in the place of each movie; what a slot stands for is not looked at.
        """
        lowered = text_with_slots.lower()
        words = lowered.translate(_BLANKS).split()
        if self._singles.isdisjoint(words) and self._pairs.isdisjoint(pairwise(words)):
            return ()
        return tuple(dict.fromkeys(self._mentions(_PIECE.findall(lowered))))

    def _mentions(self, pieces: list[str]) -> Iterator[str]:
        """The names from left to right, the longest first where several begin with one word."""
        place = 0
        while place < len(pieces):
            for length in self._lengths.get(pieces[place], ()):
                names = self._names.get(tuple(pieces[place : place + length]))
                if names is not None:
                    yield from names
                    place += length
                    break
            else:
                place += 1


def _phrases(graph: KnowledgeGraph) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """All that can be found, in words, with the entities' names; earlier phrases count before later ones."""
    for said, names in genres.phrases([name for name in graph.names if graph.kind(name) == GENRE]):
        yield _words(said), names
    for name in graph.names:
        if graph.kind(name) in (MOVIE, GENRE):
            continue
        for words in dict.fromkeys(_spellings(name)):
            if len(words) > 1 and not _EVERYDAY.issuperset(words):
                yield words, (name,)


def _words(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(text.lower()))


def _spellings(name: str) -> Iterator[tuple[str, ...]]:
    """A name's words; also without accents, with initials run together (JJ Abrams), and without apostrophes."""
    plain = "".join(mark for mark in unicodedata.normalize("NFKD", name) if not unicodedata.combining(mark))
    for text in (name, plain):
        words = _words(text)
        yield words
        yield _joined(words)
        yield _words(text.replace("'", "").replace("’", ""))


def _joined(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words, initials in a row as one."""
    joined: list[str] = []
    initials = False
    for word in words:
        if len(word) == 1 and initials:
            joined[-1] += word
        else:
            joined.append(word)
        initials = len(word) == 1
    return tuple(joined)
