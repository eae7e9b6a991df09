"""Corpus BLEU as a function of sums over turns, so that it can be resampled.

The sums are those of sacreBLEU (Post 2018, arXiv 1804.08771): for each order the n-grams that match and those that
there are, and both lengths; tokenised by its own `13a`, smoothed by its `exp`.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from ecr_engine.evaluation.corpus import Corpus, ngrams
from ecr_engine.evaluation.draws import Matrix
from ecr_engine.evaluation.statistics import Cube

ORDERS = 4
_WIDTH = 2 * ORDERS + 3


def bleu_sums(corpus: Corpus) -> list[tuple[float, ...]]:
    """For each turn its matches by order, its n-grams by order, both lengths, and 1 if it has a reference; or zeros."""
    from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

    cut = Tokenizer13a()
    return [
        _turn(cut(sample.response.rstrip()).split(), cut(sample.example.target.rstrip()).split())
        if sample.example.target.strip()
        else (0.0,) * _WIDTH
        for sample in corpus
    ]


def _turn(said: list[str], meant: list[str]) -> tuple[float, ...]:
    matches, there = [], []
    for order in range(1, ORDERS + 1):
        found, wanted = Counter(ngrams(said, order)), Counter(ngrams(meant, order))
        matches.append(float((found & wanted).total()))
        there.append(float(max(0, len(said) - order + 1)))
    return (*matches, *there, float(len(said)), float(len(meant)), 1.0)


def bleu_value(sums: Cube) -> Matrix:
    """BLEU in [0, 100] of sums [..., 11]; 0 without any match, NaN without any reference."""
    matches, there = sums[..., :ORDERS], sums[..., ORDERS : 2 * ORDERS]
    length, reference, turns = (sums[..., 2 * ORDERS + place] for place in range(3))
    # The first order without a match counts as half a match, the next as a quarter, and so on.
    halvings = 2.0 ** -np.cumsum(matches == 0, axis=-1)
    precisions = np.where(matches > 0, matches, halvings) / there
    brevity = np.where(length >= reference, 1.0, np.exp(1.0 - reference / length))
    score = 100.0 * brevity * np.exp(np.log(precisions).mean(axis=-1))
    known: Matrix = np.where((matches[..., 0] > 0) & (there[..., -1] > 0), score, 0.0)
    return np.where(turns > 0, known, np.nan)
