"""Holds what a model writes to the JSON form of ratings: token by token, for any tokenizer, nothing else can come out.

The form `{"empathy": 3, "overall": 4}` is a row of places, each with the characters that it may hold: one for the
fixed parts, the ratings' digits for the rest. A token may be written if all of its characters fit where it would stand,
and if what is left behind it can still be filled. So a text that has begun can always be finished.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ecr_engine.errors import UnavailableError
from ecr_engine.scoring.dimensions import DimensionSet


def places_of(dimensions: DimensionSet) -> tuple[frozenset[str], ...]:
    """The characters that may stand at each place of the form."""
    digits = frozenset(str(rating) for rating in dimensions.ratings)
    places: list[frozenset[str]] = []
    for index, name in enumerate(dimensions.names):
        fixed = f'{", " if index else "{"}"{name}": '
        places += [frozenset(letter) for letter in fixed]
        places.append(digits)
    return (*places, frozenset("}"))


def token_texts(tokenizer: Any) -> dict[int, str]:
    """What each token adds to a text that it stands behind; tokens without a meaning of their own are left out."""
    [anchor] = tokenizer.batch_decode([_anchor(tokenizer)], clean_up_tokenization_spaces=False)
    special = set(tokenizer.all_special_ids)
    ids = [token for token in range(len(tokenizer)) if token not in special]
    pairs = [[*_anchor(tokenizer), token] for token in ids]
    texts = tokenizer.batch_decode(pairs, clean_up_tokenization_spaces=False)
    return {
        token: text[len(anchor) :]
        for token, text in zip(ids, texts, strict=True)
        if text.startswith(anchor) and len(text) > len(anchor)
    }


def _anchor(tokenizer: Any) -> list[int]:
    ids: list[int] = tokenizer.encode("a", add_special_tokens=False)
    return ids


class Form:
    """Which tokens may be written where.

    Args:
        places: the characters that each place may hold.
        texts: text of each token.
        judge: name of the model, for the error.

    Raises:
        UnavailableError: the tokens can't fill the form.
    """

    def __init__(self, places: Sequence[frozenset[str]], texts: Mapping[int, str], judge: str) -> None:
        self._texts = texts
        self.length = len(places)
        known = frozenset().union(*places)
        fitting = [(token, text) for token, text in texts.items() if text and known.issuperset(text)]
        live = [False] * self.length + [True]
        allowed: list[tuple[int, ...]] = [()] * self.length
        for start in reversed(range(self.length)):
            allowed[start] = tuple(token for token, text in fitting if self._fits(text, places[start:], live[start:]))
            live[start] = bool(allowed[start])
        if not live[0]:
            raise UnavailableError(
                f"the tokenizer of '{judge}' can't write the JSON that the ratings stand in",
                at="judge.mode",
                fix="--set judge.mode=expect",
            )
        self._allowed = tuple(allowed)

    @staticmethod
    def _fits(text: str, places: Sequence[frozenset[str]], live: Sequence[bool]) -> bool:
        """Whether a text can stand at the first place, and what follows it can be filled."""
        if len(text) > len(places) or not live[len(text)]:
            return False
        return all(letter in place for letter, place in zip(text, places, strict=False))

    def allowed(self, written: int) -> tuple[int, ...]:
        """The tokens that may follow when so many characters are written; at least one before the end."""
        return self._allowed[written]

    def text(self, token: int) -> str:
        """What a token adds."""
        return self._texts[token]
