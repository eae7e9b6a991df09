"""Which dialogues of a comparison are shown: those that changed most, and some drawn at random."""

from __future__ import annotations

import random

from ecr_engine.evaluation.comparison import Line, SideBySide
from ecr_engine.evaluation.contenders import Turns
from ecr_engine.evaluation.store import ScoredSample
from ecr_engine.evaluation.values import OBJECTIVE

SHOWN = 5
"""Dialogues shown of each kind."""


def chosen_dialogues(turns: Turns, seed: int) -> tuple[tuple[SideBySide, ...], ...]:
    """The turns whose reward rose most, those whose reward fell most, and random ones; of the first seed of each side.

    Args:
        turns: the turns of both sides.
        seed: seed of the random ones.
    """
    shown = [_side_by_side(a, b) for a, b in zip(turns.a[0], turns.b[0], strict=True)]
    gains = [(d.reward_b - d.reward_a, d) for d in shown if d.reward_a is not None and d.reward_b is not None]
    improved = sorted((gain for gain in gains if gain[0] > 0), key=lambda gain: (-gain[0], gain[1].example_id))
    harmed = sorted((gain for gain in gains if gain[0] < 0), key=lambda gain: (gain[0], gain[1].example_id))
    drawn = random.Random(seed).sample(shown, min(SHOWN, len(shown)))
    return tuple(d for _, d in improved[:SHOWN]), tuple(d for _, d in harmed[:SHOWN]), tuple(drawn)


def _side_by_side(a: ScoredSample, b: ScoredSample) -> SideBySide:
    example = a.sample.example
    return SideBySide(
        example_id=example.example_id,
        context=tuple(Line(str(turn.role), turn.text) for turn in example.context),
        reference=example.target,
        a=a.sample.response,
        b=b.sample.response,
        reward_a=a.metrics.get(OBJECTIVE),
        reward_b=b.metrics.get(OBJECTIVE),
    )
