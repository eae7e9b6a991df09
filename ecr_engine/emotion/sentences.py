"""Cutting a text into sentences, and telling a sentence from a heap of words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from ecr_engine.data.schema import SLOT
from ecr_engine.data.words import is_word, words
from ecr_engine.emotion.lexicon import read_list
from ecr_engine.emotion.phrases import plain

LONGEST = 30
"""A sentence of more words than this is a heap of words."""

FUNCTION_SHARE = 0.15
"""The least share of function words in a sentence of three words or more."""

STUBS = 2
"""So many sentences of one or two words ("Yes!", "You too.") are accepted in a text."""

_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")
_CLOSING = frozenset(".!?")
_END = "end"


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence.

    Attributes:
        tokens: its words and inner punctuation, lower case, without the closing marks.
        words: its words and slots alone, without apostrophes.
        question: whether it ends in a question mark.
        exclaimed: whether it ends in an exclamation mark.
    """

    tokens: tuple[str, ...]
    words: tuple[str, ...]
    question: bool
    exclaimed: bool


@dataclass(frozen=True, slots=True)
class _Grammar:
    """Function words by class, and which classes can't follow one another."""

    classes: dict[str, str]
    function_words: frozenset[str]
    clashes: frozenset[tuple[str, str]]
    allowed: frozenset[tuple[str, str]]


@cache
def _grammar() -> _Grammar:
    raw = read_list("grammar.json")
    kinds = ("determiners", "subjects", "verbs", "prepositions", "conjunctions")
    classes = {plain(word): kind for kind in kinds for word in raw[kind]}
    return _Grammar(
        classes=classes,
        function_words=frozenset(classes) | frozenset(map(plain, raw["others"])),
        clashes=frozenset((first, second) for first, second in raw["clashes"]),
        allowed=frozenset((first, second) for first, second in (pair.split() for pair in raw["allowed"])),
    )


def function_words() -> frozenset[str]:
    """Words that carry grammar and no content, without apostrophes."""
    return _grammar().function_words


@lru_cache(maxsize=4096)
def sentences(text: str) -> tuple[Sentence, ...]:
    """The sentences of `text`; those of closing marks alone are left out.

    Remembered for the latest texts: the turns of a context are looked at with every response to it.
    """
    found = []
    for match in _SENTENCE.finditer(text):
        tokens = words(match.group())
        closing = match.group().rstrip()
        inner = tuple(token for token in tokens if token not in _CLOSING)
        said = tuple(plain(token) for token in inner if is_word(token))
        if inner:
            found.append(Sentence(inner, said, "?" in closing[-3:], closing.endswith("!")))
    return tuple(found)


def looks_like_sentence(said: Sequence[str]) -> bool:
    """Whether the words could be a sentence that a person writes: a rough check that word salad fails.

    It has 3 to `LONGEST` words, at least `FUNCTION_SHARE` function words among those that are not slots, no word three
    times in a row, no content word in more than a quarter of the places (two are always fine), at most four slots, and
    at most one pair of function words in twelve words that can't follow one another ("the is", "a of").
    """
    if not 3 <= len(said) <= LONGEST:
        return False
    grammar = _grammar()
    spoken = [word for word in said if word != SLOT]
    functional = sum(word in grammar.function_words for word in spoken)
    if functional < FUNCTION_SHARE * len(spoken) or not functional or len(said) - len(spoken) > 4:
        return False
    return not _repeats(said, spoken, grammar) and _clashes(said, grammar) <= len(said) // 12


def coherence(parts: Sequence[Sentence]) -> float:
    """Share of a text's words that stand in something like a sentence, in [0, 1]; 0 for a text without words.

    A sentence counts once, however often it is said, and `STUBS` distinct sentences of one or two words are accepted.
    """
    total = sum(len(part.words) for part in parts)
    good, stubs = 0, 0
    for said in dict.fromkeys(part.words for part in parts if part.words):
        if len(said) < 3:
            stubs += 1
            good += len(said) if stubs <= STUBS else 0
        elif looks_like_sentence(said):
            good += len(said)
    return good / total if total else 0.0


def _repeats(said: Sequence[str], spoken: Sequence[str], grammar: _Grammar) -> bool:
    if any(said[i] == said[i + 1] == said[i + 2] for i in range(len(said) - 2)):
        return True
    most = max(2, len(said) // 4)
    return any(n > most for word, n in Counter(spoken).items() if word not in grammar.function_words)


def _clashes(said: Sequence[str], grammar: _Grammar) -> int:
    kinds = [grammar.classes.get(word, "") for word in said] + [_END]
    count = 0
    for index in range(len(said)):
        if (kinds[index], kinds[index + 1]) in grammar.clashes:
            following = said[index + 1] if index + 1 < len(said) else _END
            count += (said[index], following) not in grammar.allowed
    return count
