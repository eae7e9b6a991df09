"""Fits the model to a corpus: ranks each true reply above its negatives.

A softmax over a reply and its negatives (the ranking form of maximum likelihood), AdaGrad (Duchi et al., JMLR 2011), a
few passes with new negatives in each. Everything is drawn from one seed and added up in one order, so the same corpus
gives the same model.

How many negatives of each kind there are matters more than anything else that was tried: with few of what is said to
anyone, a kind sentence for everyone ranks above half of the human replies.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from random import Random

import numpy as np
from numpy.typing import NDArray

from ecr_engine.data.schema import Example
from ecr_engine.rewards.relevance.features import (
    BITS,
    COUNT_BITS,
    MOST_REPLIES,
    Counts,
    Features,
    Saying,
    cut,
    features,
    grams_of,
    saying,
    scene,
)
from ecr_engine.rewards.relevance.model import Calibration, RelevanceModel, weighed
from ecr_engine.rewards.relevance.negatives import Stock, composed, echoed, spoilt, stock, strung, usual_sentences

SEED = 0
"""Seed of negatives and of the order of training."""

PASSES = 3
RATE = 0.06
OTHERS = 6
"""Replies of other dialogues among the negatives of one reply."""

COMPOSED = 4
"""Things said to anyone."""

STRUNG_TOGETHER = 4
"""Usual sentences of the corpus, put together."""

NOISE = 2
SPOILT = 2

LEAST_REPLIES = 20
"""Fewer replies say nothing about how people answer."""

LEAST_CALIBRATING = 4
"""Quartiles need so many."""

HELD_OUT = 5
"""Every so many dialogues of the training split are calibrated on where there is no validation split."""

LEAST_SPREAD = 0.05
"""Of the calibration, for a corpus whose replies are all alike."""

_FIRST_SQUARE = 0.05
_SETTLED = 1e-3


def usable(examples: Sequence[Example]) -> list[Example]:
    """The examples whose reply has words."""
    return [example for example in examples if cut(example.target)]


def parted(train: Sequence[Example], valid: Sequence[Example]) -> tuple[list[Example], list[Example]]:
    """What to learn from and what to calibrate on: the two splits, or parts of the first where the second is empty."""
    if len(usable(valid)) >= LEAST_CALIBRATING:
        return list(train), list(valid)
    dialogues = sorted({example.conversation_id for example in usable(train)})
    held = frozenset(dialogues[::HELD_OUT])
    return (
        [example for example in train if example.conversation_id not in held],
        [example for example in train if example.conversation_id in held],
    )


def fit(train: Sequence[Example], valid: Sequence[Example]) -> RelevanceModel:
    """The model of a corpus.

    Args:
        train: what it learns from.
        valid: what it is calibrated on; not empty.
    """
    return Fitting(train).model(valid)


class Fitting:
    """One fit: the training split, what is counted in it, and its negatives.

    Args:
        train: what to learn from.
    """

    def __init__(self, train: Sequence[Example]) -> None:
        self.train = usable(train)
        self._rng = Random(SEED)
        self._stock = stock([example.target for example in self.train])
        self._grams = [grams_of(cut(example.target)) for example in self.train]
        self._dialogues: dict[str, list[int]] = defaultdict(list)
        self.counts = Counts(np.zeros(1 << COUNT_BITS, dtype=np.int32))
        for number, (example, grams) in enumerate(zip(self.train, self._grams, strict=True)):
            self._dialogues[example.conversation_id].append(number)
            self.counts.add(grams, 1)
        self._replies = [self._alone(number) for number in range(len(self.train))]

    def model(self, valid: Sequence[Example]) -> RelevanceModel:
        """Trains and calibrates."""
        weights = self._trained()
        weights = weights.astype(np.float16).astype(np.float32)  # as it is kept, so that a loaded model is the same
        np.minimum(self.counts.table, MOST_REPLIES, out=self.counts.table)
        return RelevanceModel(weights, self.counts, self._calibrated(weights, valid))

    def _alone(self, number: int) -> Saying:
        with self._without(number):
            found = saying(self.train[number].target, self.counts)
        assert found is not None  # those without words were left out
        return found

    @contextmanager
    def _without(self, number: int) -> Iterator[None]:
        """As if the reply were not in the corpus: so a new reply looks like one of the corpus."""
        self.counts.add(self._grams[number], -1)
        yield
        self.counts.add(self._grams[number], 1)

    def _trained(self) -> NDArray[np.float32]:
        """Weights under which each reply ranks above its negatives."""
        weights = np.zeros(1 << BITS, dtype=np.float32)
        squares = np.full(1 << BITS, _FIRST_SQUARE, dtype=np.float32)
        scenes = [scene(example) for example in self.train]
        order = list(range(len(self.train)))
        for _ in range(PASSES):
            self._rng.shuffle(order)
            for number in order:
                said = [self._replies[number], *self._negatives(number)]
                learn(weights, squares, [features(scenes[number], one) for one in said])
        return weights

    def _negatives(self, number: int) -> list[Saying]:
        example = self.train[number]
        found = [self._replies[self._rng.randrange(len(self.train))] for _ in range(OTHERS)]
        found.append(self._replies[self._rng.choice(self._dialogues[example.conversation_id])])
        said = [saying(text, self.counts) for text in invented(example, self._stock, self._rng)]
        worse = [text for text in (spoilt(example.target, self._rng) for _ in range(SPOILT)) if text != example.target]
        with self._without(number):
            spoilt_ = [saying(text, self.counts) for text in worse]
        own = self._replies[number].words
        return [one for one in [*found, *said] if one is not None and one.words != own] + [
            one for one in spoilt_ if one
        ]

    def _calibrated(self, weights: NDArray[np.float32], valid: Sequence[Example]) -> Calibration:
        """The quartiles of the sums of replies that were not learned from."""
        sums = []
        for example in valid:
            said = saying(example.target, self.counts)
            if said is not None:
                sums.append(weighed(weights, features(scene(example), said)))
        lower, middle, upper = np.quantile(sums, (0.25, 0.5, 0.75))
        return Calibration(float(middle), max(LEAST_SPREAD, float(upper - lower) / (2 * math.log(3))))


def invented(example: Example, corpus: Stock, rng: Random) -> list[str]:
    """Negatives of a reply that are made up, without looking at the reply."""
    made = [composed(rng) for _ in range(COMPOSED)]
    made += [usual_sentences(corpus, rng) for _ in range(STRUNG_TOGETHER)]
    made += [strung(corpus, rng) for _ in range(NOISE)]
    if example.context and rng.random() < 0.7:
        made.append(echoed(example, rng))
    return made


def learn(weights: NDArray[np.float32], squares: NDArray[np.float32], group: Sequence[Features]) -> None:
    """One step towards weights under which the first of a group ranks above the others.

    Args:
        weights: float32 [2 ** BITS], changed in place.
        squares: the sum of squared slopes of each weight, changed in place.
        group: a reply and its negatives.
    """
    sums = np.array([weighed(weights, found) for found in group])
    errors = np.exp(sums - sums.max())
    errors /= errors.sum()
    errors[0] -= 1
    for found, error in zip(group, errors, strict=True):
        if abs(error) > _SETTLED:
            slope = np.float32(error) * found.value
            squares[found.index] += slope * slope
            weights[found.index] -= RATE * slope / np.sqrt(squares[found.index])
