"""The ratings as a tokenizer spells them, and the distribution over them that a model's logits give.

What stands for "4" differs: " 4" is one token here, a blank and a digit there, a few bytes elsewhere. The spellings of
all ratings are paths of a tree. Its root is where they part; each node where they part again needs logits of its own.
For nearly all tokenizers there is the root alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile

import torch
from torch import Tensor

from ecr_engine.errors import UnavailableError

Path = tuple[int, ...]
"""Token ids from the root to a node."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Spellings of the ratings.

    Attributes:
        ratings: what they are, lowest first.
        lead: ids that all spellings begin with; they belong to the question.
        spellings: for each spelling its ids behind the lead, and the place of its rating; none is the start of another.
    """

    ratings: tuple[int, ...]
    lead: Path
    spellings: tuple[tuple[Path, int], ...]

    @property
    def nodes(self) -> tuple[Path, ...]:
        """Where the spellings part, the root first: behind each of these the next token is looked at."""
        inner = {path[:depth] for path, _ in self.spellings for depth in range(len(path))}
        return tuple(sorted((node for node in inner if len(self.tokens(node)) > 1), key=lambda node: (len(node), node)))

    def tokens(self, node: Path) -> tuple[int, ...]:
        """The ids that may follow a node, sorted."""
        depth = len(node)
        return tuple(sorted({path[depth] for path, _ in self.spellings if len(path) > depth and path[:depth] == node}))

    def distribution(self, logits: Mapping[Path, Tensor]) -> Tensor:
        """Probability of each rating [B, R], among the ratings alone.

        Args:
            logits: for each node the logits [B, K] of its `tokens`.
        """
        logs = {node: torch.log_softmax(found.double(), dim=-1) for node, found in logits.items()}
        places = {node: {token: place for place, token in enumerate(self.tokens(node))} for node in logs}
        rows = len(next(iter(logs.values())))
        total = torch.zeros(rows, len(self.ratings), dtype=torch.float64)
        for path, rating in self.spellings:
            steps = [
                logs[path[:depth]][:, places[path[:depth]][path[depth]]]
                for depth in range(len(path))
                if path[:depth] in logs
            ]
            total[:, rating] += torch.stack(steps).sum(0).exp().cpu()
        return total

    def expectation(self, logits: Mapping[Path, Tensor]) -> Tensor:
        """Mean rating [B] under the distribution."""
        return self.distribution(logits) @ torch.tensor(self.ratings, dtype=torch.float64)


def read_scale(encode: Callable[[str], Sequence[int]], ratings: tuple[int, ...], before: str, judge: str) -> Scale:
    """How a tokenizer spells the ratings.

    Args:
        encode: ids of a text in the middle of a longer one.
        ratings: the ratings.
        before: the text that the rating follows, after a blank.
        judge: name of the model, for the error.

    Raises:
        UnavailableError: it spells two of them alike.
    """
    start = tuple(encode(before))
    spaced = [tuple(encode(f"{before} {rating}")) for rating in ratings]
    bare = [tuple(encode(str(rating))) for rating in ratings]
    if all(len(path) > len(start) and path[: len(start)] == start for path in spaced):
        lead, paths = _parted([path[len(start) :] for path in spaced])
        if _prefix_free(paths):
            # A model may as well leave the blank out, and where a rating is one token that costs nothing to see.
            single = not lead and all(len(path) == 1 for path in (*paths, *bare))
            both = [*paths, *bare] if single and _prefix_free([*paths, *bare]) else paths
            return Scale(ratings, lead, tuple((path, place % len(ratings)) for place, path in enumerate(both)))
    lead, paths = _parted(bare)
    if _prefix_free(paths):
        return Scale(ratings, lead, tuple((path, place) for place, path in enumerate(paths)))
    raise UnavailableError(
        f"the tokenizer of '{judge}' can't tell the ratings {ratings[0]} to {ratings[-1]} apart",
        at="judge.name",
        fix="name a model whose tokenizer knows digits",
    )


def _parted(paths: Sequence[Path]) -> tuple[Path, list[Path]]:
    """What all paths begin with, and what is left of each."""
    common = len(list(takewhile(lambda ids: len(set(ids)) == 1, zip(*paths, strict=False))))
    return paths[0][:common], [path[common:] for path in paths]


def _prefix_free(paths: Sequence[Path]) -> bool:
    """Whether no path is empty, or the start of another."""
    ordered = sorted(paths)
    return bool(ordered[0]) and all(after[: len(path)] != path for path, after in pairwise(ordered))
