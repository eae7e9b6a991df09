"""Several systems' responses to one turn, judged side by side.

The judge knows them by pseudonyms, A, B, C and so on, dealt out anew for each turn: it can't favour a name, and a
liking for a place evens out. How much of it there is, `ecr_engine.scoring.bias` measures.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from ecr_engine.config.sections.evaluation import JudgeSettings
from ecr_engine.data.schema import Example
from ecr_engine.errors import UsageError
from ecr_engine.scoring.dimensions import dimension_set
from ecr_engine.scoring.judge import ENDPOINT, JUDGES, Judge, Judgement, check_judge_name

PSEUDONYMS = "ABCDEFGHIJKLM"
"""The pseudonyms, in the order in which responses stand in the prompt."""


@dataclass(frozen=True, slots=True)
class ListedTurn:
    """One turn and what several systems answered.

    Attributes:
        example: the turn.
        responses: response by name of the system; two to `len(PSEUDONYMS)` of them.
        swapped: whether they are laid out in the opposite of their order, as the second time in a swap test.
    """

    example: Example
    responses: Mapping[str, str]
    swapped: bool = False

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


class ComparingJudge(Judge, ListJudge, Protocol):
    """A judge that scores responses one at a time, and side by side."""


def check_list_judge(name: str) -> None:
    """Refuses what can't compare, as far as it shows without loading anything.

    Raises:
        UsageError: no such name, or a judge that looks at one response at a time.
        UnavailableError: no such folder, or one that holds no model.
    """
    check_judge_name(name)
    if name in JUDGES.names():
        raise UsageError(
            f"the judge '{name}' looks at one response at a time: it can't lay several side by side",
            at="--listwise",
            fix="name a language model with --judge, or leave --listwise out",
        )


def find_list_judge(name: str, settings: JudgeSettings, *, device: str = "auto") -> ComparingJudge:
    """The judge of this name, ready to compare.

    Args:
        name: a registered model, a local folder, a hub id, or `openai:URL#MODEL`.
        settings: how it judges. Its `name` is not looked at.
        device: where a local model runs: `auto`, `cpu` or `cuda`.

    Raises:
        UsageError: there are no such dimensions, or the name can't be a judge that compares.
        UnavailableError: the model can't be had.
    """
    check_list_judge(name)
    dimensions = dimension_set(settings.dimensions)
    if name.startswith(ENDPOINT):
        from ecr_engine.scoring.endpoint.judge import endpoint_judge

        return endpoint_judge(name, dimensions, settings)
    from ecr_engine.scoring.local.judge import local_judge

    return local_judge(name, dimensions, settings, device=device)


def order_of(turn: ListedTurn, *, seed: int, reverse: bool) -> tuple[str, ...]:
    """The systems in the order of their pseudonyms; it depends on the seed, the turn and their names alone."""
    systems = sorted(turn.responses)
    random.Random(f"{seed}:{turn.example.example_id}").shuffle(systems)
    return tuple(systems) if reverse == turn.swapped else tuple(reversed(systems))
