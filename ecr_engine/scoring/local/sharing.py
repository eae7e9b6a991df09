"""Reads what prompts share once: the task for all rows, a row's case for all of its questions."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from ecr_engine.models.generation import left_pad
from ecr_engine.scoring.local.loading import LocalModel


@dataclass(frozen=True, slots=True)
class Question:
    """The last part of a prompt.

    Attributes:
        ids: its ids; at least one.
        tokens: the ids behind it whose logits are wanted.
    """

    ids: Sequence[int]
    tokens: Sequence[int]


class Reader(Protocol):
    """Answers questions about cases."""

    def logits(self, cases: Sequence[Sequence[int]], questions: Sequence[Question]) -> list[Tensor]:
        """For each question the logits [B, K] float32 of its tokens behind each case and the question.

        Args:
            cases: ids of the second part of each prompt; at least one.
            questions: asked of each case.
        """


@dataclass(frozen=True, slots=True)
class Shared:
    """What has been read of a batch of rows.

    Attributes:
        cache: keys and values, as transformers keeps them; [B, …, P, …].
        mask: 1 where there is a token, 0 where there is padding; [B, P].
        lengths: tokens of each row; [B].
    """

    cache: Any
    mask: Tensor
    lengths: Tensor


def fork(cache: Any) -> Any:
    """A cache that can be read on without a change to the one it comes from.

    Layers of attention put new tensors in the place of theirs when they grow, so it is enough to copy what names them.
    Others, such as a state space's, write into their own.
    """
    from transformers.cache_utils import DynamicLayer

    twin = copy.copy(cache)
    twin.layers = [
        copy.copy(layer) if isinstance(layer, DynamicLayer) else copy.deepcopy(layer) for layer in cache.layers
    ]
    return twin


class SharedReader:
    """Reads prompts whose first part is the same for all.

    Args:
        local: the model.
        task: ids of the first part; at least one.
    """

    def __init__(self, local: LocalModel, task: Sequence[int]) -> None:
        self._local = local
        self._positions = local.accepts("position_ids")
        self._last_only = local.accepts("logits_to_keep")
        self._device = local.model.device
        ids = torch.tensor([list(task)], device=self._device)
        nothing = Shared(None, ids.new_zeros((1, 0)), ids.new_zeros(1))
        self._task, _ = self._run(nothing, ids, torch.ones_like(ids))

    def read(self, cases: Sequence[Sequence[int]]) -> Shared:
        """Reads the second part of each row behind the first one.

        Args:
            cases: its ids for each row; at least one.
        """
        ids, mask = (part.to(self._device) for part in left_pad(cases, self._local.pad))
        cache = fork(self._task.cache)
        cache.batch_repeat_interleave(len(cases))
        rows = Shared(cache, self._task.mask.expand(len(cases), -1), self._task.lengths.expand(len(cases)))
        return self._run(rows, ids, mask)[0]

    def logits(self, cases: Sequence[Sequence[int]], questions: Sequence[Question]) -> list[Tensor]:
        """See `Reader`."""
        shared = self.read(cases)
        found = []
        for question in questions:
            ids = torch.tensor(list(question.ids), device=self._device).expand(len(cases), -1)
            before = Shared(fork(shared.cache), shared.mask, shared.lengths)
            _, logits = self._run(before, ids, torch.ones_like(ids))
            found.append(logits[:, list(question.tokens)].float())
        return found

    def go_on(self, shared: Shared, ids: Tensor) -> tuple[Shared, Tensor]:
        """Reads ids [B, L] on, and gives logits [B, V] of what follows; what was read before can't be used any more."""
        return self._run(shared, ids, torch.ones_like(ids))

    @torch.inference_mode()
    def _run(self, before: Shared, ids: Tensor, mask: Tensor) -> tuple[Shared, Tensor]:
        whole = torch.cat([before.mask, mask], dim=-1)
        more: dict[str, Any] = {}
        if self._positions:
            more["position_ids"] = before.lengths.unsqueeze(-1) + (mask.cumsum(-1) - 1).clamp(min=0)
        if self._last_only:
            more["logits_to_keep"] = 1
        output = self._local.model(
            input_ids=ids, attention_mask=whole, past_key_values=before.cache, use_cache=True, **more
        )
        return Shared(output.past_key_values, whole, before.lengths + mask.sum(-1)), output.logits[:, -1]
