"""The outer form of a response, and what kind of turn a turn is, in a few small numbers."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

from ecr_engine.data.schema import SLOT
from ecr_engine.data.words import is_word

GREETINGS = frozenset({"hi", "hello", "hey", "greetings"})
FAREWELLS = frozenset({"bye", "goodbye", "thanks", "thank", "night"})

LENGTHS = (1, 2, 3, 4, 6, 8, 11, 15, 20, 30, 45, 79)
"""Steps of length, in words."""

COARSE = (2, 4, 8, 14, 25)
"""Wider steps of length, for what is told apart by length and something else."""


def step(value: float, edges: Sequence[float]) -> int:
    """Into which of the steps a value falls: 0 up to the first edge, `len(edges)` beyond the last."""
    return bisect_left(edges, value)


def acts(words: Sequence[str]) -> int:
    """What a turn does, as four bits: asks, greets, thanks or takes leave, names a movie."""
    said = frozenset(words)
    return (
        ("?" in said)
        + 2 * (not GREETINGS.isdisjoint(words[:3]))
        + 4 * (not FAREWELLS.isdisjoint(said))
        + 8 * (SLOT in said)
    )


def form(text: str, words: Sequence[str]) -> list[tuple[str, int, int]]:
    """The outer form of a response: how long, how many slots and marks, capitals, strange letters, repetitions.

    Args:
        text: the response, without what is beyond the words.
        words: its words, at least one.

    Returns:
        Facts as (kind, value, value); the first two go with the dialogue's state.
    """
    length = step(len(words), LENGTHS)
    coarse = step(len(words), COARSE)
    slots = min(words.count(SLOT), 5)
    first, last = text[:1], text[-1:]
    spoken = sum(map(is_word, words)) / len(words)
    facts = [
        ("length", length, 0),
        ("slots", slots, coarse),
        ("marks", min(words.count("?"), 3), min(words.count("!"), 3)),
        ("slots alone", slots, 0),
        ("capitals", _capitals(text), coarse),
        ("ends", _kind(first), _kind(last)),
        ("first", _kind(first), 0),
        ("last", _kind(last), 0),
        ("variety", step(len(set(words)) / len(words), (0.3, 0.5, 0.65, 0.8, 0.9, 0.999)), coarse),
        ("spoken", step(spoken, (0.3, 0.5, 0.7, 0.85, 0.999)), 0),
        ("said twice", _said_twice(words), 0),
    ]
    return facts if text.isascii() else [*facts, *_foreign(text, words)]


def _kind(mark: str) -> int:
    """Which sort of character a response begins or ends with."""
    if mark.isupper():
        return 1
    if mark.islower():
        return 2
    return 4 + ".?!<>,".find(mark)


def _capitals(text: str) -> int:
    letters = sum(map(str.isalpha, text))
    return step(sum(map(str.isupper, text)) / max(1, letters), (0.0, 0.05, 0.1, 0.2, 0.5, 0.8))


def _foreign(text: str, words: Sequence[str]) -> list[tuple[str, int, int]]:
    """Letters beyond ASCII, and words that mix them with ASCII letters (accents of Latin letters are no mixing)."""
    odd = sum(not mark.isascii() for mark in text)
    mixed = sum(_mixed(word) for word in words if not word.isascii())
    return [("odd", step(odd, (1, 3, 8, 20)), 0), ("mixed", min(mixed, 3), 0)]


def _mixed(word: str) -> bool:
    ascii_letters = any(mark.isascii() and mark.isalpha() for mark in word)
    return ascii_letters and any(ord(mark) > 0x24F and mark.isalpha() for mark in word)


def _said_twice(words: Sequence[str]) -> int:
    """How large a part of the pairs of neighbours occurs again."""
    pairs = list(pairwise(words))
    return step(1 - len(set(pairs)) / max(1, len(pairs)), (0.0, 0.1, 0.3, 0.45))
