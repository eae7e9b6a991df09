"""What the RL enhancement guide expects of its training, beside what was found.

Its table "Expected Results" gives BLEU-1, BLEU-2, DIST-1, Empathy and Recommendations. The first three are metrics of
the same name here. The last two are scores of its reward calculator, so they stand beside the reward components.
"""

from __future__ import annotations

from collections.abc import Mapping

EXPECTED: Mapping[str, float] = {
    "bleu@1": 0.20,
    "bleu@2": 0.37,
    "dist@1": 0.25,
    "reward/empathy": 0.20,
    "reward/recommendation": 0.17,
}
"""Expected relative differences between a baseline and its policy, by metric key."""


def expected_gain(key: str) -> float | None:
    """The relative difference that the guide expects of a metric, as a share; None where it says nothing."""
    return EXPECTED.get(key)
