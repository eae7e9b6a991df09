"""`critic`: what the trained critic expects a judge to think of the response."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ecr_engine.data.prompts import transcript
from ecr_engine.data.schema import Sample
from ecr_engine.errors import UsageError
from ecr_engine.rewards.component import RewardComponent
from ecr_engine.rewards.resources import Resources

if TYPE_CHECKING:
    from ecr_engine.models.critic import CriticModel

BATCH = 32
"""Responses in one forward pass."""

STEEPNESS = 4.0
"""Of the squashing function: with 4 its slope is 1 at a value of 1/2."""

DIGITS = 5
"""Digits that a score keeps: what else stands in a forward pass changes the ones after these."""


class CriticScore:
    """The critic's value of context and response, squashed to [0, 1].

    The value head is trained on judges' overall scores in [0, 1], but is not bounded: `squashed` keeps every
    difference and every order, 0 becomes 0.12, 1/2 stays 1/2, 1 becomes 0.88. The critic is loaded when it is first
    needed, and this copy of it is never trained on.

    Args:
        folder: the critic's checkpoint.
        device: `auto`, `cpu` or `cuda`.
    """

    name = "critic"
    low = 0.0
    high = 1.0
    explanation = "value that the trained critic gives the response, squashed to 0 … 1"

    def __init__(self, folder: Path, device: str) -> None:
        self._folder = folder
        self._device = device
        self._critic: CriticModel | None = None

    def score(self, batch: Sequence[Sample]) -> list[float | None]:
        """The squashed value of each response.

        Raises:
            UnavailableError: the checkpoint can't be read.
        """
        import torch

        from ecr_engine.models.backbone import pick_device
        from ecr_engine.models.critic import load_critic

        device = pick_device(self._device)
        if self._critic is None:
            self._critic = load_critic(self._folder).to(device).eval()
        values: list[float] = []
        with torch.inference_mode():
            for start in range(0, len(batch), BATCH):
                some = batch[start : start + BATCH]
                ids, mask = self._critic.encode(
                    [transcript(one.example.context) for one in some], [one.response for one in some]
                )
                values += self._critic(ids.to(device), mask.to(device)).value.float().cpu().tolist()
        return [round(squashed(value), DIGITS) for value in values]


def squashed(value: float) -> float:
    """The logistic function of `STEEPNESS` · (value - 1/2), in [0, 1]; written so that no value overflows."""
    return 0.5 * (1.0 + math.tanh(STEEPNESS * (value - 0.5) / 2))


def build(resources: Resources) -> RewardComponent:
    """The component with the critic of the run.

    Raises:
        UsageError: there is no critic.
    """
    if resources.critic is None:
        raise UsageError(
            "reward component 'critic' needs a trained critic",
            at="rewards.critic",
            fix="train it first: ecrctl train critic --run DIR; or --set rewards.critic=0",
        )
    return CriticScore(resources.critic, resources.device)
