"""Credit for phrases that the other responses do not use: what keeps a policy from giving everyone one answer.

A response can be varied in itself and the same as all others; no score of a single response sees that. Seen together,
the responses of a policy have a distribution, and its entropy is what falls when answers become alike. Its gradient
gives a response the credit -log q(y), with q the distribution of responses whatever was asked. Together with the KL to
the reference this rewards what is likely here and unlikely elsewhere: the mutual information of context and response
(Li et al., "A Diversity-Promoting Objective Function", arXiv 1510.03055), with q counted instead of modelled.

q is an n-gram model of the responses to other prompts, in this batch and those before it; each order leans on the one
below it where it has seen little (interpolation with a Dirichlet prior: MacKay and Peto 1995, "A hierarchical Dirichlet
language model"). A token gets the mean surprisal of the n tokens that begin with it, since it is the first word of a
phrase that decides for the phrase. A pair of tokens that the response itself has said before surprises nobody, or a
loop of rare words would be worth most. With a cap, a word is worth no more for being rarer still: what is left to gain
is to leave stock phrases, not to look for odd words.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from ecr_engine.data.schema import SLOT
from ecr_engine.rl.types import Episode, Prompts

Gram = tuple[int, ...]
Said = tuple[int, Sequence[int]]
"""The index of an example, and the token ids of a response to it."""

BEFORE = -1
"""Stands for what comes before a response."""

SMOOTHING = 5.0
"""Tokens of the order below that each context is given; from 2 on, the larger order tells responses better."""

RECALL = 512
"""Responses that are remembered: so many that a phrase which one response in a hundred has is seen."""


@dataclass(frozen=True, slots=True)
class TokenPrior:
    """How often tokens are to be expected before a response was seen.

    Attributes:
        shares: [V], all positive, sum 1.
        silent: tokens without a credit: to stop, or to name a movie, is not a matter of variety.
    """

    shares: Tensor
    silent: frozenset[int]


def token_prior(texts: Iterable[Sequence[int]], vocabulary: int, silent: Iterable[int]) -> TokenPrior:
    """The shares of tokens in texts, each counted once more than it occurs, so that none has 0.

    Args:
        texts: token ids of each.
        vocabulary: V.
        silent: ids without a credit.
    """
    counts = torch.ones(vocabulary, dtype=torch.float64)
    for ids in texts:
        counts += torch.bincount(torch.tensor(list(ids), dtype=torch.long), minlength=vocabulary)
    return TokenPrior((counts / counts.sum()).float(), frozenset(silent))


@dataclass(frozen=True, slots=True)
class Grams:
    """How often n-grams occur in responses.

    Attributes:
        order: of the longest.
        found: by n-gram, 1 to `order` tokens.
        heads: the same by all of an n-gram but its last token.
    """

    order: int
    found: Counter[Gram] = field(default_factory=Counter)
    heads: Counter[Gram] = field(default_factory=Counter)

    def add(self, ids: Sequence[int]) -> None:
        """Counts those of a response."""
        for gram in self.ending(ids):
            for size in range(1, self.order + 1):
                self.found[gram[-size:]] += 1
                self.heads[gram[-size:-1]] += 1

    def ending(self, ids: Sequence[int]) -> list[Gram]:
        """The longest n-gram that ends with each token of a response."""
        padded = (BEFORE,) * (self.order - 1) + tuple(ids)
        return [padded[end - self.order : end] for end in range(self.order, len(padded) + 1)]


class Credit(NamedTuple):
    """What the tokens of a batch are credited.

    Attributes:
        tokens: [B, T] in nats: the mean surprisal of the token and the `order` - 1 after it, less the mean of all that
            have one, so that a longer response gains nothing by its length; 0 for silent tokens and padding.
        mean: surprisal of the tokens that have one, in nats: a cross entropy of responses, higher is more varied; 0 if
            none has.
    """

    tokens: Tensor
    mean: float


class Diversity:
    """What episodes are credited.

    Args:
        prior: of the tokens.
        order: tokens of the longest n-grams; 1 counts single tokens.
        cap: the most that a token can be credited for, in nats, before the mean is taken off; None: no limit.
        recall: responses before this batch that are remembered.
    """

    def __init__(self, prior: TokenPrior, order: int = 1, cap: float | None = None, recall: int = RECALL) -> None:
        self.prior, self.order = prior, order
        self._cap = math.inf if cap is None else cap
        self.recent: deque[Said] = deque(maxlen=recall)
        self._shares: list[float] = prior.shares.tolist()

    def credit(self, episodes: Sequence[Episode]) -> Credit:
        """What episodes are credited, seen against each other and against those that are remembered."""
        surprisals = self.surprisals(_said(episodes))
        windows = [_windows(self._capped(row), self.order) for row in surprisals]
        middle = _mean(windows)
        rows = [torch.tensor([0.0 if value is None else value - middle for value in row]) for row in windows]
        return Credit(pad_sequence(rows, batch_first=True), _mean(surprisals))

    def remember(self, episodes: Sequence[Episode]) -> None:
        """Counts episodes among the responses before the next batch."""
        self.recent.extend(_said(episodes))

    def surprisals(self, said: Sequence[Said]) -> list[list[float | None]]:
        """How unexpected each token is from the responses to other prompts, in nats.

        With c the counts in those responses, n of them tokens, and p the prior: q(w) = (c(w) + n * p(w)) / 2n, half
        of it what was seen and half what was to be expected; and q(w | h) = (c(hw) + s * q(w | h')) / (c(h) + s) for
        each longer context h, with h' the same without its first token and s = `SMOOTHING`. Responses to one prompt
        do not count for each other.

        Returns:
            -log q of each token of each response, 0 where it ends a pair of tokens that the response has said before;
            None for silent tokens, and for all if nothing else was said.
        """
        everything = [*self.recent, *said]
        total = self._count(ids for _, ids in everything)
        asked = {example for example, _ in said}
        own = {one: self._count(ids for example, ids in everything if example == one) for one in asked}
        return [
            _once(ids, [self._surprisal(gram, total, own[example]) for gram in total.ending(ids)])
            for example, ids in said
        ]

    def _capped(self, row: Sequence[float | None]) -> list[float | None]:
        return [None if value is None else min(value, self._cap) for value in row]

    def _count(self, texts: Iterable[Sequence[int]]) -> Grams:
        grams = Grams(self.order)
        for ids in texts:
            grams.add(ids)
        return grams

    def _surprisal(self, gram: Gram, total: Grams, own: Grams) -> float | None:
        """Of the last token of an n-gram after those before it."""
        if gram[-1] in self.prior.silent or not (others := total.heads[()] - own.heads[()]):
            return None
        share = self._shares[gram[-1]]
        for size in range(1, self.order + 1):
            tail = gram[-size:]
            weight = others if size == 1 else SMOOTHING
            times = total.found[tail] - own.found[tail]
            share = (times + weight * share) / (total.heads[tail[:-1]] - own.heads[tail[:-1]] + weight)
        return -math.log(share)


def _said(episodes: Sequence[Episode]) -> list[Said]:
    return [(episode.example, episode.response) for episode in episodes]


def _mean(rows: Iterable[Iterable[float | None]]) -> float:
    """Of all values that are there; 0 if none is."""
    known = [value for row in rows for value in row if value is not None]
    return sum(known) / len(known) if known else 0.0


def _once(ids: Sequence[int], row: Sequence[float | None]) -> list[float | None]:
    """The values of a response's tokens, 0 instead of those that end a pair of tokens for the second time."""
    before: set[Gram] = set()
    found: list[float | None] = []
    for at, value in enumerate(row):
        pair = tuple(ids[max(0, at - 1) : at + 1])
        found.append(0.0 if value is not None and pair in before else value)
        before.add(pair)
    return found


def _windows(row: Sequence[float | None], size: int) -> list[float | None]:
    """The mean of each value and those after it, `size` together; None stays, and counts for nothing."""
    found: list[float | None] = []
    for at, value in enumerate(row):
        known = [other for other in row[at : at + size] if other is not None]
        found.append(None if value is None else sum(known) / len(known))
    return found


def diversity_of(prompts: Prompts, tokenizer: Any, order: int, cap: float | None) -> Diversity:
    """What expects the words of the human responses; silent are the stop token and the tokens of a slot.

    Args:
        prompts: the training contexts, with the human responses.
        tokenizer: of the policy.
        order: tokens of the longest n-grams.
        cap: the most that a token can be credited for, in nats; None: no limit.
    """

    def encode(text: str) -> list[int]:
        return list(tokenizer.encode(text, add_special_tokens=False))

    targets = (encode(example.target) for example in prompts.examples)
    silent = {tokenizer.eos_token_id, *encode(SLOT)}
    return Diversity(token_prior(targets, len(tokenizer), silent), order, cap)
