"""How long prompts and targets are, in tokens: estimated by words, or exactly by a tokenizer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from ecr_engine.data.prompts import Tokenizer, clean, render_text
from ecr_engine.data.schema import Dialogue, Role

TOKENS_A_WORD = 1.3
"""What the Llama-2 tokenizer makes of an English word, roughly."""


@dataclass(frozen=True, slots=True)
class Length:
    """The length of one example.

    Attributes:
        turn: the target's index among the dialogue's turns.
        prompt: tokens of its prompt, untruncated.
        target: tokens of its target with the stop token.
    """

    turn: int
    prompt: int
    target: int


class Measure(Protocol):
    """Measures examples.

    Attributes:
        exact: whether it counts tokens, rather than estimate them.
    """

    exact: bool

    def lengths(self, dialogue: Dialogue) -> Iterator[Length]:
        """The lengths of a dialogue's examples, in order."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What prompts and targets are held against.

    Attributes:
        context_max_length: prompt tokens at most.
        resp_max_length: target tokens at most, the stop token included.
        measure: what measures them.
    """

    context_max_length: int
    resp_max_length: int
    measure: Measure


class WordMeasure:
    """Estimates tokens as words times 1.3.

    Args:
        system: the system message that stands in every prompt.
    """

    exact = False

    def __init__(self, system: str) -> None:
        self._system = len(system.split())

    def lengths(self, dialogue: Dialogue) -> Iterator[Length]:
        """See `Measure`."""
        before = self._system
        for index, turn in enumerate(dialogue.turns):
            if turn.role is Role.RECOMMENDER:
                yield Length(index, _tokens(before), _tokens(len(turn.slots.split())) + 1)
            before += len(turn.text.split())


class TokenMeasure:
    """Counts tokens, in the prompt that the backbone would read if it were not cut.

    Args:
        tokenizer: the backbone's tokenizer.
        system: the system message.
    """

    exact = True

    def __init__(self, tokenizer: Tokenizer, system: str) -> None:
        self._tokenizer = tokenizer
        self._system = system

    def lengths(self, dialogue: Dialogue) -> Iterator[Length]:
        """See `Measure`."""
        bos, eos = self._tokenizer.bos_token, self._tokenizer.eos_token
        for index, turn in enumerate(dialogue.turns):
            if turn.role is Role.RECOMMENDER:
                text = render_text(dialogue.turns[:index], self._system, bos=bos, eos=eos)
                prompt = self._count(text)
                yield Length(index, prompt, self._count(f"{text} {clean(turn.slots, (bos, eos))} {eos}") - prompt)

    def _count(self, text: str) -> int:
        return len(self._tokenizer.encode(text, add_special_tokens=False))


def _tokens(words: int) -> int:
    return math.ceil(words * TOKENS_A_WORD)
