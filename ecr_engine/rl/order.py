"""The curriculum of dialogues: the easy ones first.

Examples are ranked once. Update by update a greater part of the ranking is open to the draw: the share `open` at the
start, all of it from progress `until` on, on a straight line between. The draw goes through passes: each takes every
example that is open when the pass begins, once, in an order of its own; what opens during a pass waits for the next.
So among the examples that are open none is used twice before all are used once, and what an update draws depends on
the arguments alone: a resumed run draws what an uninterrupted one would.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch

from ecr_engine.config.sections.curriculum import CurriculumSettings
from ecr_engine.data.schema import Example
from ecr_engine.models.generation import by_length
from ecr_engine.models.response import collate

if TYPE_CHECKING:
    from ecr_engine.models.response import ResponseOutput, TokenBatch


class Measure(Protocol):
    """A language model that says how likely responses are."""

    def __call__(self, batch: TokenBatch) -> ResponseOutput:
        """Log-probabilities of the response tokens."""


ROUNDING = 1e-9
"""What a product of shares may be above the whole number that it stands for."""


@dataclass(frozen=True, slots=True)
class Order:
    """Which examples are drawn when.

    Attributes:
        ranking: indices of all examples, the easiest first.
        share: share of the ranking that is open at the start, above 0.
        until: progress from which all of it is open, above 0.
    """

    ranking: Sequence[int]
    share: float = 1.0
    until: float = 1.0

    def draw(self, batch_size: int, step: int, seed: int, *, total: int) -> list[int]:
        """Indices of the examples of update `step`.

        Args:
            batch_size: how many are drawn.
            step: number of the update, from 0.
            seed: of the order.
            total: updates in all.
        """
        first, last = step * batch_size, (step + 1) * batch_size
        picked: list[int] = []
        begin, number = 0, 0
        while begin < last:
            size = self.open_at(begin // batch_size / total)
            if begin + size > first:
                drawn = self._pass(number, size, seed)
                picked += drawn[max(0, first - begin) : last - begin]
            begin, number = begin + size, number + 1
        return picked

    def open_at(self, progress: float) -> int:
        """How many of the easiest examples are open at a progress from 0 to 1; at least one."""
        share = min(1.0, self.share + (1 - self.share) * progress / self.until)
        return max(1, math.ceil(share * len(self.ranking) - ROUNDING))

    def _pass(self, number: int, size: int, seed: int) -> list[int]:
        # Sorted first, so that with everything open the order is that of a training without a curriculum.
        found = sorted(self.ranking[:size])
        random.Random(f"draw-{seed}-{number}").shuffle(found)
        return found


def ranked(difficulty: Sequence[float]) -> list[int]:
    """Indices by difficulty, the easiest first; equally difficult ones keep their order."""
    return sorted(range(len(difficulty)), key=lambda index: difficulty[index])


def order_of(
    settings: CurriculumSettings, examples: Sequence[Example], losses: Callable[[], Sequence[float]]
) -> Order | None:
    """The order that the settings ask for; None if they ask for none.

    Args:
        settings: the section `[curriculum]`.
        examples: the training examples.
        losses: gives the baseline's loss on each example's target; called only where it decides.
    """
    match settings.order:
        case "none":
            return None
        case "length":
            ranking = ranked([_words(example) for example in examples])
        case "turns":
            ranking = ranked([len(example.context) for example in examples])
        case "baseline_loss":
            ranking = ranked(losses())
    return Order(ranking, settings.open, settings.order_until)


@torch.no_grad()
def response_losses(
    model: Measure,
    prompts: Sequence[Sequence[int]],
    targets: Sequence[Sequence[int]],
    *,
    pad: int,
    batch_size: int,
    device: torch.device,
) -> list[float]:
    """The mean negative log-likelihood of each target's tokens after its prompt, in nats.

    Args:
        model: the baseline behind its `ResponseModel`, on `device` and in eval mode.
        prompts: prompt ids of each example.
        targets: ids of each example's target, at least one.
        pad: id of the padding token.
        batch_size: examples in one forward pass; those of like length go together.
        device: where the model is.
    """
    losses = [0.0] * len(prompts)
    lengths = [len(prompt) + len(target) for prompt, target in zip(prompts, targets, strict=True)]
    for rows in by_length(lengths, batch_size):
        batch = collate([prompts[row] for row in rows], [targets[row] for row in rows], pad)
        totals = model(batch.to(device)).log_probs.sum(-1).tolist()
        for row, total in zip(rows, totals, strict=True):
            losses[row] = -total / len(targets[row])
    return losses


def _words(example: Example) -> float:
    """Words of an example's context, before any truncation."""
    return sum(len(turn.text.split()) for turn in example.context)
