"""Several systems' responses to one turn, judged side by side.

The judge knows them by pseudonyms, A, B, C and so on, dealt out anew for each turn: it can't favour a name, and a
liking for a place evens out. How much of it there is, `ecr_engine.scoring.bias` measures.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from ecr_engine.data.schema import Example
from ecr_engine.scoring.judge import Judgement

PSEUDONYMS = "ABCDEFGHIJKLM"
"""The pseudonyms, in the order in which responses stand in the prompt."""


@dataclass(frozen=True, slots=True)
class ListedTurn:
    """One turn and what several systems answered.

    Attributes:
        example: the turn.
        responses: response by name of the system; two to `len(PSEUDONYMS)` of them.
    """

    example: Example
    responses: Mapping[str, str]

    def __post_init__(self) -> None:
        if not 2 <= len(self.responses) <= len(PSEUDONYMS):
            raise ValueError(f"{len(self.responses)} responses to one turn, not 2 to {len(PSEUDONYMS)}")


@dataclass(frozen=True, slots=True)
class ListedJudgement:
    """What a judge says of the responses to one turn.

    Attributes:
        example_id: the turn.
        order: the systems in the order in which the judge saw their responses.
        judgements: one for each system, by its name.
    """

    example_id: str
    order: tuple[str, ...]
    judgements: Mapping[str, Judgement]


class ListJudge(Protocol):
    """A judge that compares."""

    def judge_list(
        self, turns: Iterable[ListedTurn], *, seed: int = 0, reverse: bool = False
    ) -> Iterator[ListedJudgement]:
        """What it says of each turn, in order.

        Args:
            turns: read a window at a time, so that any number fits.
            seed: of the shuffling.
            reverse: the same orders, backwards: for the swap test.
        """


def order_of(turn: ListedTurn, *, seed: int, reverse: bool) -> tuple[str, ...]:
    """The systems in the order of their pseudonyms; it depends on the seed, the turn and their names alone."""
    systems = sorted(turn.responses)
    random.Random(f"{seed}:{turn.example.example_id}").shuffle(systems)
    return tuple(reversed(systems)) if reverse else tuple(systems)
