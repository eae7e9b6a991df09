"""Phrases with alternatives: `[hi|hello] {name}[!|]` says one thing in many ways."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

Phrase = tuple["str | Choice", ...]
"""Literal text and choices, in order."""

_TOKEN = re.compile(r"[\[\]|]|[^\[\]|]+")
_STRAY_BLANK = re.compile(r" +([,.!?])")
_SENTENCE_START = re.compile(r"(^|[.!?] )([a-z])")


class Choice(tuple[Phrase, ...]):
    """Alternatives, of which one is said."""

    __slots__ = ()


def say(templates: Sequence[str], rng: random.Random, fields: Mapping[str, str]) -> str:
    """One of `templates`, one alternative of each `[a|b]` in it, its `{fields}` filled, its sentences capitalised."""
    text = vary(rng.choice(templates), rng).format_map(fields)
    return _SENTENCE_START.sub(lambda start: start[1] + start[2].upper(), text)


def vary(template: str, rng: random.Random) -> str:
    """`template` with one alternative of each `[a|b]`; its fields stay, nothing is capitalised."""
    return _STRAY_BLANK.sub(r"\1", " ".join("".join(_walk(_parse(template), rng)).split()))


def _walk(phrase: Phrase, rng: random.Random) -> list[str]:
    said: list[str] = []
    for part in phrase:
        said.extend([part] if isinstance(part, str) else _walk(rng.choice(part), rng))
    return said


@cache
def _parse(template: str) -> Phrase:
    tokens = iter(_TOKEN.findall(template))
    options, closed = _options(tokens)
    assert not closed and len(options) == 1, f"unbalanced brackets in {template!r}"
    return options[0]


def _options(tokens: Iterator[str]) -> tuple[list[Phrase], bool]:
    """The alternatives up to the closing bracket (or the end), and whether there was one."""
    options: list[Phrase] = []
    current: list[str | Choice] = []
    for token in tokens:
        if token == "[":
            inner, closed = _options(tokens)
            assert closed, "a bracket is not closed"
            current.append(Choice(inner))
        elif token in "|]":
            options.append(tuple(current))
            current = []
            if token == "]":
                return options, True
        else:
            current.append(token)
    return [*options, tuple(current)], False
