"""Scores as mean ratings, read off the distribution of the next token."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ecr_engine.models.packed.trunk import read_trunk
from ecr_engine.scoring.dimensions import Dimension
from ecr_engine.scoring.local.loading import LocalModel
from ecr_engine.scoring.local.packed import PackedReader
from ecr_engine.scoring.local.prompts import Case, Prompts
from ecr_engine.scoring.local.sharing import Question, Reader, SharedReader


def reader_of(local: LocalModel, prompts: Prompts) -> Reader:
    """The fastest reader that can compute a model."""
    trunk = read_trunk(local.model)
    return SharedReader(local, prompts.task) if trunk is None else PackedReader(trunk, prompts.task)


class Expectation:
    """Asks a model for ratings that it need not write.

    Args:
        reader: reads the model.
        prompts: encodes what it reads.
    """

    def __init__(self, reader: Reader, prompts: Prompts) -> None:
        self._reader = reader
        self._prompts = prompts

    def ratings(self, cases: Sequence[Case], asked: Sequence[tuple[Dimension, str]]) -> Tensor:
        """Mean ratings [B, Q] float64; NaN where the model's logits are not finite.

        Args:
            cases: a batch.
            asked: the dimensions, each with the pseudonym of whom it is asked about (empty for a single response).
        """
        scale = self._prompts.scale
        questions = [
            Question([*self._prompts.question(dimension, pseudonym), *node], scale.tokens(node))
            for dimension, pseudonym in asked
            for node in scale.nodes
        ]
        logits = iter(self._reader.logits([case.ids for case in cases], questions))
        return torch.stack([scale.expectation({node: next(logits) for node in scale.nodes}) for _ in asked], dim=-1)
