"""Resamples of dialogues and of seeds, and exchanges of sides by dialogue.

Turns of one dialogue are not independent, so whole dialogues (clusters) are drawn: the cluster bootstrap (Davison and
Hinkley 1997, chapter 3.8). Where a side has several seeds these are drawn too, independently of the dialogues (the
pigeonhole bootstrap of crossed factors, Owen 2007). Everything works on sums by dialogue, so that all resamples of all
metrics are a few matrix products: [resamples, clusters] x [clusters, columns].
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

CHUNK_CELLS = 4_000_000
"""Cells of a block of resamples held in memory at a time (32 MB)."""

_WEIGHTS, _SIGNS, _SEEDS = range(3)
"""Streams of random numbers that are drawn from one seed."""


class Draws:
    """All that is drawn in a comparison; the same seed draws the same.

    Args:
        clusters: the dialogue of each turn, [turns].
        resamples: number of resamples, and of exchanges.
        seed: seed of the drawing.

    Attributes:
        clusters: number of dialogues.
        place: which dialogue each turn is of, from 0, [turns].
    """

    def __init__(self, clusters: Sequence[str], resamples: int, seed: int) -> None:
        names, self.place = np.unique(np.asarray(clusters, dtype=str), return_inverse=True)
        self.clusters = len(names)
        self._order = np.argsort(self.place, kind="stable")
        self._starts = np.searchsorted(self.place[self._order], np.arange(self.clusters))
        self._resamples = resamples
        self._seed = seed

    def by_cluster(self, table: Matrix) -> Matrix:
        """Sums of the rows of a table [turns, columns] by dialogue: [clusters, columns]."""
        total: Matrix = np.add.reduceat(table[self._order], self._starts, axis=0)
        return total

    def resampled(self, sums: Matrix) -> Matrix:
        """Sums over the dialogues of each resample: [clusters, columns] becomes [resamples, columns]."""
        rng = np.random.default_rng([self._seed, _WEIGHTS])
        blocks = []
        for size in self._blocks():
            drawn = rng.integers(0, self.clusters, size=(size, self.clusters))
            drawn += np.arange(size)[:, None] * self.clusters
            weights = np.bincount(drawn.ravel(), minlength=size * self.clusters).reshape(size, self.clusters)
            blocks.append(weights.astype(np.float64) @ sums)
        return np.vstack(blocks)

    def flipped(self, sums: Matrix) -> Matrix:
        """Sums whose sign is a coin toss for each dialogue: [clusters, columns] becomes [resamples, columns]."""
        rng = np.random.default_rng([self._seed, _SIGNS])
        blocks = []
        for size in self._blocks():
            signs = rng.integers(0, 2, size=(size, self.clusters), dtype=np.int8) * 2.0 - 1.0
            blocks.append(signs @ sums)
        return np.vstack(blocks)

    def averaged(self, values: Matrix, side: int) -> Matrix:
        """The mean over as many seeds as there are, drawn anew in each resample: [resamples, seeds] to [resamples].

        Args:
            values: the value of each seed in each resample.
            side: 0 or 1: the two sides draw independently.
        """
        seeds = values.shape[1]
        if seeds == 1:
            return values[:, 0]
        rng = np.random.default_rng([self._seed, _SEEDS, side])
        drawn = rng.integers(0, seeds, size=values.shape)
        mean: Matrix = np.take_along_axis(values, drawn, axis=1).mean(axis=1)
        return mean

    def _blocks(self) -> Iterator[int]:
        """Sizes of blocks of resamples that fit into memory."""
        size = max(1, CHUNK_CELLS // max(1, self.clusters))
        for start in range(0, self._resamples, size):
            yield min(size, self._resamples - start)
