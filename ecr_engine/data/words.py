"""The one way this project cuts text into words, for rewards, judges and metrics alike.

Lower case; a slot is one word; a word keeps its inner apostrophes and hyphens ("didn't", "sci-fi"); every other mark is
a word of its own.
"""

from __future__ import annotations

import re

from ecr_engine.data.schema import SLOT

_WORD = re.compile(rf"{re.escape(SLOT)}|[^\W_]+(?:['-][^\W_]+)*|[^\w\s]|_")
_QUOTES = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'"})


def words(text: str) -> list[str]:
    """The words and punctuation marks of `text`, lower-cased, in order; empty for blank text.

    Args:
        text: any text; typographic apostrophes count as plain ones.
    """
    return _WORD.findall(text.translate(_QUOTES).lower())


def is_word(token: str) -> bool:
    """Whether an item of `words` is a word or a slot rather than a punctuation mark."""
    return token[0].isalnum() or token == SLOT
