"""Which training contexts an update answers.

It depends on the seed and the update alone, so that a resumed run draws what an uninterrupted one would, and every
process draws the same.
"""

from __future__ import annotations

import random

from ecr_engine.rl.order import Order
from ecr_engine.rl.rollout import Prompt
from ecr_engine.rl.types import Prompts


def draw(size: int, count: int, step: int, seed: int) -> list[int]:
    """Indices of the examples of update `step`, from 0: every example once before any twice, in a new order each time.

    Args:
        size: how many examples there are.
        count: how many are drawn for each update.
        step: number of the update.
        seed: of the run.
    """
    picked = []
    order: list[int] = []
    current = -1
    for position in range(step * count, (step + 1) * count):
        if position // size != current:
            current = position // size
            order = list(range(size))
            random.Random(f"draw-{seed}-{current}").shuffle(order)
        picked.append(order[position % size])
    return picked


def draw_batch(
    prompts: Prompts,
    *,
    batch_size: int,
    samples_per_prompt: int,
    step: int,
    total: int,
    seed: int,
    order: Order | None,
) -> list[Prompt]:
    """The rows of a global batch: `batch_size / samples_per_prompt` prompts, the rows of a prompt side by side.

    Each row has a sampling seed of its own, so that neither batch size nor process count changes what is answered.

    Args:
        prompts: the training contexts.
        batch_size: rows.
        samples_per_prompt: rows of each prompt; divides the batch.
        step: number of the update.
        total: updates in all.
        seed: of the run.
        order: which examples come first; None for no order.
    """
    count = batch_size // samples_per_prompt
    if order is None:
        indices = draw(len(prompts.examples), count, step, seed)
    else:
        indices = order.draw(count, step, seed, total=total)
    seeds = random.Random(f"roll-{seed}-{step}")
    rows = [index for index in indices for _ in range(samples_per_prompt)]
    return [Prompt(place, index, prompts.ids[index], seeds.getrandbits(48)) for place, index in enumerate(rows)]
