"""Finds the movies of a knowledge graph that a text names by their titles.

A title counts where it is hardly anything else: with its year, "Heat (1995)", however it is spelled; of two words or
more with its capital letters, "The Help", or with three words that carry content; and of one word only with a capital
letter inside a sentence, "I loved Inception", and by itself, not as in "Goldie Hawn". So "scary movie" is no title, and
a movie called "Up" is found as "Up (2009)" alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ecr_engine.data.knowledge.graph import KnowledgeGraph
from ecr_engine.data.knowledge.titles import split_year
from ecr_engine.emotion.sentences import function_words

_PIECE = re.compile(r"<movie>|[^\W_]+|[.!?]")
_WORD = re.compile(r"[^\W_]+")
_QUOTES = str.maketrans("", "", "'\u2019\u2018")
_ENDS = frozenset(".!?")


class TitleFinder:
    """Finds titles in texts.

    Args:
        graph: whose movies to find.
    """

    __slots__ = ("_items", "_lengths")

    def __init__(self, graph: KnowledgeGraph) -> None:
        self._items: dict[tuple[str, ...], dict[str, str]] = {}
        for item in graph.items:
            title, year = split_year(graph.name_of(item))
            words = _words(title)
            if words:
                self._items.setdefault(words, {})[item] = year
        lengths: dict[str, set[int]] = {}
        for words in self._items:
            lengths.setdefault(words[0], set()).add(len(words))
        self._lengths = {first: sorted(known, reverse=True) for first, known in lengths.items()}

    def __call__(self, text: str) -> list[tuple[str, ...]]:
        """The ids that each title in a text can stand for, in the order of mention, of two titles the longer.

        Several ids stand for one title where movies share it, and no year tells them apart.
        """
        return list(self._found(_PIECE.findall(text.translate(_QUOTES))))

    def _found(self, pieces: list[str]) -> Iterator[tuple[str, ...]]:
        folded = [piece.casefold() for piece in pieces]
        place = 0
        while place < len(pieces):
            for length in self._lengths.get(folded[place], ()):
                words = tuple(folded[place : place + length])
                items = self._meant(words, pieces, place) if words in self._items else ()
                if items:
                    yield items
                    place += length
                    break
            else:
                place += 1

    def _meant(self, words: tuple[str, ...], pieces: list[str], place: int) -> tuple[str, ...]:
        """The ids of a title at a place; none if the words are probably just words."""
        years = self._items[words]
        end = place + len(words)
        if end < len(pieces) and (dated := tuple(item for item, year in years.items() if year == pieces[end])):
            return dated
        clear = _is_phrase(pieces[place:end]) if len(words) > 1 else _is_name(pieces, place)
        return tuple(years) if clear else ()


def _is_phrase(said: list[str]) -> bool:
    """Whether words are hardly anything but a title: spelled as one, or with three words that carry content."""
    content = [word for word in said if word.casefold() not in function_words()]
    return bool(content) and (len(content) > 2 or all(word[0].isupper() or word[0].isdigit() for word in content))


def _is_name(pieces: list[str], place: int) -> bool:
    """Whether one word is a name by itself: inside a sentence, capital, and no part of a longer name."""
    word, around = pieces[place], [pieces[place - 1 : place], pieces[place + 1 : place + 2]]
    if len(word) <= 2 or not word[0].isupper() or word.casefold() in function_words():
        return False
    inside = bool(around[0]) and around[0][0] not in _ENDS
    return inside and not any(near[0][0].isupper() for near in around if near)


def _words(title: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(title.translate(_QUOTES).casefold()))
