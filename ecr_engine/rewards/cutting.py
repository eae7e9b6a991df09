"""The words of a text, remembered: several components cut the same responses and references."""

from __future__ import annotations

from functools import lru_cache

from ecr_engine.data.words import words

_REMEMBERED = 8192
"""Texts whose words are kept: those of a large batch, its references included."""


@lru_cache(maxsize=_REMEMBERED)
def cut(text: str) -> tuple[str, ...]:
    """The words and punctuation marks of `text`, as `ecr_engine.data.words.words` gives them."""
    return tuple(words(text))
