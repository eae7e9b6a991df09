"""Choosing some of many examples."""

from __future__ import annotations

import random
from collections.abc import Sequence

from ecr_engine.data.schema import Example


def pick(examples: Sequence[Example], count: int | None, seed: int) -> list[Example]:
    """`count` examples at random, in their order; all if there are no more, or if `count` is None."""
    if count is None or len(examples) <= count:
        return list(examples)
    places = sorted(random.Random(f"pick-{seed}").sample(range(len(examples)), count))
    return [examples[place] for place in places]
