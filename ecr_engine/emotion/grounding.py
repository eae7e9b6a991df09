"""What a response takes up from the words it answers: shared content words, and plain copying."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from ecr_engine.emotion.lexicon import read_list
from ecr_engine.emotion.phrases import plain
from ecr_engine.emotion.sentences import Sentence, function_words

RUN = 5
"""So many words in the same order as in the source are copied, not said."""


@cache
def _empty_words() -> frozenset[str]:
    return function_words() | frozenset(plain(word) for word in read_list("cues.json")["generic"])


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def content(said: Iterable[str]) -> frozenset[str]:
    """The words that carry content, in the singular: no function words, and none that any talk of movies has.

    A slot is content.
    """
    empty = _empty_words()
    return frozenset(_singular(word) for word in said if word not in empty)


def copied_share(parts: Sequence[Sentence], sources: Iterable[Sequence[Sentence]]) -> float:
    """Share of the words of `parts` that lie in a run of `RUN` words taken from one of the sources, in [0, 1].

    Args:
        parts: the sentences of a response.
        sources: the sentences of each text that could have been copied.
    """
    said = [word for part in parts for word in part.words]
    if len(said) < RUN:
        return 0.0
    known = {run for source in sources for run in _runs([word for part in source for word in part.words])}
    taken = [False] * len(said)
    for start, run in enumerate(_runs(said)):
        if run in known:
            taken[start : start + RUN] = [True] * RUN
    return sum(taken) / len(said)


def _runs(said: Sequence[str]) -> Iterable[tuple[str, ...]]:
    return zip(*(said[offset:] for offset in range(RUN)), strict=False)
