"""Which decoding serves the baseline best: decided before any policy is trained, on the validation split, for the
baseline alone; both sides are decoded with it from then on.

The criterion is the geometric mean, over five metrics that pull in different directions, of a decoding's value as a
share of the largest value that any decoding has. Variety counts up to that of the human responses: more is noise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

METRICS = ("bleu@1", "bleu@2", "distinct@1", "reward/empathy", "slot_f1")
CAPPED = "distinct@1"
CRITERION = (
    "geometric mean over bleu@1, bleu@2, distinct@1 (at most that of the references), reward/empathy and slot_f1 of "
    "the value as a share of the largest that any decoding has"
)


def scores(table: Mapping[str, Mapping[str, float]], cap: float) -> dict[str, float]:
    """The criterion of each decoding, in [0, 1].

    Args:
        table: values by decoding and metric.
        cap: distinct@1 of the references.
    """
    counted = {
        name: {key: min(row[key], cap) if key == CAPPED else row[key] for key in METRICS} for name, row in table.items()
    }
    most = {key: max(row[key] for row in counted.values()) for key in METRICS}
    return {
        name: math.prod(row[key] / most[key] if most[key] > 0 else 1.0 for key in METRICS) ** (1 / len(METRICS))
        for name, row in counted.items()
    }


def best(table: Mapping[str, Mapping[str, float]], cap: float) -> str:
    """The decoding with the largest criterion; of equals the first."""
    found = scores(table, cap)
    return max(found, key=lambda name: found[name])


def distinct_1(texts: list[str]) -> float:
    """Share of different words among all words of some texts, cut as evaluation cuts them."""
    from ecr_engine.data.words import words

    found = [word for text in texts for word in words(text)]
    return len(set(found)) / len(found) if found else 0.0
