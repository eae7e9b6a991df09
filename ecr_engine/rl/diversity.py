"""Credit for words that the other responses do not use: what keeps a policy from giving everyone one answer.

A response can be varied in itself and the same as all others; no score of a single response sees that. Seen over a
batch, the words of a policy have a distribution, and its entropy H(w) is what falls when answers become alike. Its
gradient gives each token the credit -log q(w), with q the distribution of the other responses' tokens. Together with
the KL to the reference this rewards what is likely here and unlikely elsewhere: the mutual information of context and
response (Li et al., "A Diversity-Promoting Objective Function", arXiv 1510.03055), with q counted instead of modelled.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from ecr_engine.data.schema import SLOT
from ecr_engine.rl.types import Episode, Prompts


@dataclass(frozen=True, slots=True)
class TokenPrior:
    """How often tokens are to be expected before a batch was seen.

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


def surprisals(ids: Tensor, mask: Tensor, groups: Tensor, prior: TokenPrior) -> Tensor:
    """How unexpected each token is from the responses to other prompts, in nats: -log q(w).

    q(w) = (c(w) + n * p(w)) / 2n with c the counts of the n tokens of the other prompts' responses and p the prior:
    half of it is what the batch shows, half what was to be expected. Responses to one prompt do not count for each
    other.

    Args:
        ids: [B, T] response tokens.
        mask: [B, T], 1 for response tokens.
        groups: [B] which prompt each row answers.
        prior: of the tokens.

    Returns:
        [B, T], positive; 0 where masked, for silent tokens, and everywhere if all rows answer one prompt.
    """
    size = len(prior.shares)
    kept = mask.bool() & ~torch.isin(ids, torch.tensor(sorted(prior.silent), dtype=ids.dtype))
    total = torch.bincount(ids[kept], minlength=size).float()
    found = torch.zeros(ids.shape)
    for group in sorted(set(groups.tolist())):
        rows = (groups == group).nonzero().squeeze(-1)
        own, wanted = kept[rows], ids[rows]
        others = total - torch.bincount(wanted[own], minlength=size).float()
        count = others.sum()
        if count > 0:
            shares = (others + count * prior.shares) / (2 * count)
            found[rows] = torch.where(own, -shares[wanted].log(), 0.0)
    return found


class Diversity:
    """What a batch of episodes is credited.

    Args:
        prior: of the tokens.
        samples_per_prompt: how many episodes in a row answer one prompt.
    """

    def __init__(self, prior: TokenPrior, samples_per_prompt: int) -> None:
        self.prior = prior
        self.samples_per_prompt = samples_per_prompt

    def mean(self, episodes: Sequence[Episode]) -> float:
        """Mean surprisal of the tokens that have one, in nats: a cross entropy of responses, higher is more varied."""
        found, kept = self._surprisals(episodes)
        return float(found[kept].mean()) if kept.any() else 0.0

    def credit(self, episodes: Sequence[Episode]) -> Tensor:
        """Surprisals [B, T] less their mean, so that a longer response gains nothing by its length; 0 elsewhere."""
        found, kept = self._surprisals(episodes)
        return torch.where(kept, found - found[kept].mean(), 0.0) if kept.any() else torch.zeros_like(found)

    def _surprisals(self, episodes: Sequence[Episode]) -> tuple[Tensor, Tensor]:
        ids = pad_sequence([torch.tensor(episode.response) for episode in episodes], batch_first=True)
        mask = pad_sequence([torch.ones(len(episode.response)) for episode in episodes], batch_first=True)
        groups = torch.tensor([episode.index // self.samples_per_prompt for episode in episodes])
        found = surprisals(ids, mask, groups, self.prior)
        return found, found > 0


def diversity_of(prompts: Prompts, tokenizer: Any, samples_per_prompt: int) -> Diversity:
    """What expects the words of the human responses; silent are the stop token and the tokens of a slot.

    Args:
        prompts: the training contexts, with the human responses.
        tokenizer: of the policy.
        samples_per_prompt: how many episodes in a row answer one prompt.
    """

    def encode(text: str) -> list[int]:
        return list(tokenizer.encode(text, add_special_tokens=False))

    targets = (encode(example.target) for example in prompts.examples)
    silent = {tokenizer.eos_token_id, *encode(SLOT)}
    return Diversity(token_prior(targets, len(tokenizer), silent), samples_per_prompt)
