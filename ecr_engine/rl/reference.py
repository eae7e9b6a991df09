"""The reference policy: what the KL penalty keeps the policy close to. It is never trained, and never changes.

| policy | its reference | what it costs |
|---|---|---|
| all weights are trained | a frozen copy | the weights once more |
| a new adapter on the baseline | the same model with the adapter off | nothing |
| the baseline's adapter, trained on | the same model with the baseline's adapter, frozen, on instead | one adapter |
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Protocol

import torch

from ecr_engine.models.adapters import REFERENCE, add_reference, changes_anything, switched
from ecr_engine.models.backbone import Backbone
from ecr_engine.models.memory import PagedWeights
from ecr_engine.models.response import ResponseModel, ResponseOutput, TokenBatch

Autocast = Callable[[], AbstractContextManager[Any]]
"""Makes the context in which the policy computes, such as `Accelerator.autocast`: the reference has to compute in the
same precision, or the KL would start with the difference of the two."""


class Reference(Protocol):
    """A reference policy: called as a `ResponseModel` is."""

    def __call__(self, batch: TokenBatch, *, temperature: float = 1.0, with_entropy: bool = False) -> ResponseOutput:
        """What the reference says of the response tokens, without gradients."""

    def eval(self) -> Reference:
        """Itself: it has no other mode."""

    def model(self) -> AbstractContextManager[Any]:
        """The causal LM as the reference, for as long as the block runs: to answer with."""


class FrozenCopy:
    """A copy of the policy as it is now.

    Where the policy computes in bfloat16 on a CPU, the copy is kept so too, and in memory only while it is asked: what
    float32 would have beyond that is rounded away before every product.

    Args:
        model: the policy's causal LM.
        autocast: in what it computes.
    """

    def __init__(self, model: Any, autocast: Autocast = nullcontext) -> None:
        self._model = copy.deepcopy(model).eval().requires_grad_(requires_grad=False)
        self._wrapped = ResponseModel(self._model).eval()
        self._autocast = autocast
        narrow = self._model.device.type == "cpu" and _computes_in_bfloat16(autocast)
        self._paged = PagedWeights(self._model, torch.bfloat16) if narrow else None

    @torch.no_grad()
    def __call__(self, batch: TokenBatch, *, temperature: float = 1.0, with_entropy: bool = False) -> ResponseOutput:
        """What the reference says of the response tokens, without gradients."""
        self._model.to(batch.ids.device)
        with self._autocast():
            output = _call(self._wrapped, batch, temperature, with_entropy)
        if self._paged is not None:
            self._paged.release()
        return output

    def eval(self) -> FrozenCopy:
        """Itself: it has no other mode."""
        return self

    @contextmanager
    def model(self) -> Iterator[Any]:
        """The copy itself; in what the policy computes."""
        with self._autocast():
            yield self._model


class SwitchedAdapter:
    """The policy's own model with another adapter than the one that is trained, or with none.

    Args:
        model: the policy's causal LM; the reference adds no weight of the base to it.
        adapter: the adapter that is on for the reference; None for none.
        autocast: in what it computes.
    """

    def __init__(self, model: Any, adapter: str | None, autocast: Autocast = nullcontext) -> None:
        self._model = model
        self._wrapped = ResponseModel(model)
        self._adapter = adapter
        self._autocast = autocast

    @torch.no_grad()
    def __call__(self, batch: TokenBatch, *, temperature: float = 1.0, with_entropy: bool = False) -> ResponseOutput:
        """What the reference says of the response tokens, without gradients."""
        with self.model(), self._autocast():
            return _call(self._wrapped, batch, temperature, with_entropy)

    def eval(self) -> SwitchedAdapter:
        """Itself: it has no other mode."""
        return self

    @contextmanager
    def model(self) -> Iterator[Any]:
        """The policy's model with the reference's adapter, in eval mode; then the policy again, as it was."""
        training = self._model.training
        self._model.eval()
        try:
            with switched(self._model, self._adapter):
                yield self._model
        finally:
            self._model.train(training)


def reference_of(policy: Backbone, autocast: Autocast = nullcontext) -> FrozenCopy | SwitchedAdapter:
    """The reference that keeps the policy as it is now.

    Args:
        policy: before its first update; where it goes on training an adapter, a frozen copy of that is added to it.
        autocast: in what the policy computes.
    """
    if not policy.adapted:
        return FrozenCopy(policy.model, autocast)
    if not changes_anything(policy.model):
        return SwitchedAdapter(policy.model, None, autocast)
    add_reference(policy.model)
    return SwitchedAdapter(policy.model, REFERENCE, autocast)


def _computes_in_bfloat16(autocast: Autocast) -> bool:
    with autocast():
        return torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") is torch.bfloat16


def _call(wrapped: ResponseModel, batch: TokenBatch, temperature: float, with_entropy: bool) -> ResponseOutput:
    output: ResponseOutput = wrapped(batch, temperature=temperature, with_entropy=with_entropy)
    return output
