"""Finding many phrases in a text at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from ecr_engine.data.words import words

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Hit(Generic[T]):
    """A phrase that was found.

    Attributes:
        start: index of its first word.
        end: index after its last word.
        value: what the phrase stands for.
    """

    start: int
    end: int
    value: T


def plain(token: str) -> str:
    """A word without its apostrophes: chat writes "im" and "didnt" as often as "i'm" and "didn't"."""
    return token.replace("'", "") or token


def plain_words(text: str) -> list[str]:
    """`words`, each without its apostrophes."""
    return [plain(token) for token in words(text)]


class PhraseTable(Generic[T]):
    """Phrases of one or more words, each with a value; the longest phrase that starts at a word wins.

    Args:
        entries: phrase and value; a phrase that occurs twice keeps its first value.
    """

    def __init__(self, entries: Iterable[tuple[str, T]]) -> None:
        found: dict[str, dict[tuple[str, ...], T]] = {}
        for phrase, value in entries:
            key = tuple(plain_words(phrase))
            found.setdefault(key[0], {}).setdefault(key[1:], value)
        self._by_first = {
            first: sorted(rests.items(), key=lambda rest: -len(rest[0])) for first, rests in found.items()
        }

    def find(self, tokens: Sequence[str]) -> Iterator[Hit[T]]:
        """The hits in `tokens` (as `plain_words` gives them), from left to right, none overlapping another."""
        index, length = 0, len(tokens)
        while index < length:
            rests = self._by_first.get(tokens[index])
            hit = self._longest(tokens, index, rests) if rests else None
            if hit is None:
                index += 1
                continue
            yield hit
            index = hit.end

    @staticmethod
    def _longest(tokens: Sequence[str], index: int, rests: list[tuple[tuple[str, ...], T]]) -> Hit[T] | None:
        start = index + 1
        for rest, value in rests:
            end = start + len(rest)
            if tuple(tokens[start:end]) == rest:
                return Hit(index, end, value)
        return None
