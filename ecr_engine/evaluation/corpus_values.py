"""Metrics over a corpus whose uncertainty can be had: what each turn adds to them.

A metric that is no mean over turns is named here with the sums that it is a function of, or with the kinds that it
counts. Others (`chrf`, `self_bleu`, F1 by emotion, corpus-only metrics of your own) have a difference and no interval.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ecr_engine.data.schema import SLOT, Sample
from ecr_engine.evaluation.bleu_sums import bleu_sums, bleu_value
from ecr_engine.evaluation.corpus import Corpus
from ecr_engine.evaluation.draws import Matrix
from ecr_engine.evaluation.statistics import Cube
from ecr_engine.evaluation.varieties import Places, Variety, kinds_of

_COUNTED = re.compile(r"(?P<stem>dist|distinct)@(?P<order>[1-4])")


@dataclass(frozen=True, slots=True)
class Sums:
    """A metric that is a function of sums over turns.

    Attributes:
        turns: what each turn adds, [turns, sums].
        value: from sums [..., sums] to values [...]; NaN where there is none.
    """

    turns: Matrix
    value: Callable[[Cube], Matrix]

    def total(self) -> float:
        """The metric over all turns."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return float(self.value(self.turns.sum(axis=0)))


class _Of(NamedTuple):
    """How the sums of a metric are made."""

    turns: Callable[[Corpus], list[tuple[float, ...]]]
    value: Callable[[Cube], Matrix]


def sums_of(key: str, corpus: Corpus) -> Sums | None:
    """What turns add to the metric with this key; None if it is not known to be a function of sums."""
    known = _SUMS.get(key)
    return None if known is None else Sums(np.array(known.turns(corpus), dtype=np.float64), known.value)


def variety_behind(key: str, corpus: Corpus, place: Places, clusters: int) -> Variety | None:
    """The kinds that the metric with this key counts; None if it counts none.

    Args:
        key: the metric's.
        corpus: the responses.
        place: which dialogue each response is of, from 0, [turns].
        clusters: number of dialogues.
    """
    found = _COUNTED.fullmatch(key)
    if found is None:
        return None
    counts = corpus.response_counts(int(found["order"]))
    if found["stem"] == "dist":
        sizes = [float(bool(sample.response.strip())) for sample in corpus]
    else:
        sizes = [float(count.total()) for count in counts]
    kinds, own = corpus.once(f"kinds {found['order']}", lambda: kinds_of(counts, place, clusters))
    return Variety(kinds, own, np.bincount(place, weights=np.array(sizes), minlength=clusters).astype(np.float64))


def _ratio(sums: Cube) -> Matrix:
    """The first sum divided by the second; 0 where both are 0 for want of a hit."""
    share: Matrix = np.where(sums[..., 0] > 0, sums[..., 0] / sums[..., 1], 0.0)
    return np.where(sums[..., 2] > 0, share, np.nan)


def _slots(corpus: Corpus) -> list[tuple[float, ...]]:
    """Twice the turns where both name a movie, the slots named on either side, and the turns with a reference."""
    return [_slot(sample) if sample.example.target.strip() else (0.0, 0.0, 0.0) for sample in corpus]


def _slot(sample: Sample) -> tuple[float, ...]:
    named, wanted = SLOT in sample.response, SLOT in sample.example.target
    return 2.0 * (named and wanted), float(named + wanted), 1.0


def _losses(corpus: Corpus) -> list[tuple[float, ...]]:
    """Negative log-likelihood and tokens of each reference."""
    losses = [sample.reference_loss for sample in corpus]
    return [(0.0, 0.0) if loss is None else (loss.nats, float(loss.tokens)) for loss in losses]


def _perplexity(sums: Cube) -> Matrix:
    value: Matrix = np.exp(sums[..., 0] / sums[..., 1])
    return value


_SUMS = {
    "slot_f1": _Of(_slots, _ratio),
    "perplexity": _Of(_losses, _perplexity),
    "sacrebleu": _Of(bleu_sums, bleu_value),
}


def agrees(value: float | None, again: float) -> bool:
    """Whether a recorded value is what its turns give: only then are they what is behind it."""
    return value is not None and math.isclose(value, again, rel_tol=1e-9, abs_tol=1e-12)
