"""What a critic says of responses, head by head and by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from ecr_engine.models.critic import CriticModel
from ecr_engine.models.generation import by_length

BATCH = 64
"""Responses in one forward pass."""


@dataclass(frozen=True, slots=True)
class Predictions:
    """What a critic says of N responses. Scores are shares of the dimension's range: 0 its least, 1 its greatest score.

    Attributes:
        value: of each response; not bounded.
        before: the value of each context alone: what a response to it is worth before it is known; not bounded.
        quality: of each response in [0, 1], by dimension.
        emotions: the chance that the seeker shows it, read from the context alone, by emotion.
    """

    value: tuple[float, ...]
    before: tuple[float, ...]
    quality: Mapping[str, tuple[float, ...]]
    emotions: Mapping[str, tuple[float, ...]]


@torch.no_grad()
def predict(critic: CriticModel, contexts: Sequence[str], responses: Sequence[str]) -> Predictions:
    """What `critic` says, without dropout; its mode stays as it was.

    Args:
        critic: the critic, on any device.
        contexts: the dialogue before each response, as text.
        responses: the responses.
    """
    was_training = critic.training
    critic.eval()
    count = len(contexts)
    value, before = torch.zeros(count), torch.zeros(count)
    quality, emotions = torch.zeros(count, len(critic.dimensions)), torch.zeros(count, len(critic.emotions))
    device = critic.value_head.weight.device
    lengths = [len(context) + len(response) for context, response in zip(contexts, responses, strict=True)]
    for rows in by_length(lengths, BATCH):
        said = [contexts[row] for row in rows]
        ids, mask = critic.encode(said, [responses[row] for row in rows])
        whole = critic(ids.to(device), mask.to(device))
        ids, mask = critic.encode(said, [""] * len(rows))
        alone = critic(ids.to(device), mask.to(device))
        value[rows], quality[rows] = whole.value.float().cpu(), whole.quality.float().sigmoid().cpu()
        before[rows], emotions[rows] = alone.value.float().cpu(), alone.emotion.float().sigmoid().cpu()
    critic.train(was_training)
    return Predictions(
        value=tuple(value.tolist()),
        before=tuple(before.tolist()),
        quality={name: tuple(quality[:, place].tolist()) for place, name in enumerate(critic.dimensions)},
        emotions={name: tuple(emotions[:, place].tolist()) for place, name in enumerate(critic.emotions)},
    )
