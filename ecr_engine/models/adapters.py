"""LoRA adapters on a backbone (Hu et al., arXiv 2106.09685), through peft.

Adapters are put into the model in place: it stays a `LlamaForCausalLM`, so all that reads its trunk or its output
layer works as before. One is trained. A second one, frozen, may stand beside it: the reference policy's, where the
baseline was trained with an adapter itself.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ecr_engine.config.adapters import target_layers
from ecr_engine.models.quantisation import silence_bitsandbytes

TRAINED = "default"
"""The adapter that is trained and saved; the name under which transformers loads an adapter folder."""

REFERENCE = "reference"
"""The frozen adapter of the reference policy."""


@dataclass(frozen=True, slots=True)
class Lora:
    """Shape of an adapter.

    Attributes:
        rank: of the two matrices; at least 1.
        alpha: the product is scaled by alpha / rank.
        dropout: of the adapter's input in supervised training; in [0, 1).
        targets: names of the linear layers that get one.
    """

    rank: int
    alpha: float
    dropout: float
    targets: tuple[str, ...]


def lora_of(rank: int, alpha: float, dropout: float, targets: str) -> Lora:
    """A shape from settings.

    Args:
        rank: see `Lora`.
        alpha: see `Lora`.
        dropout: see `Lora`.
        targets: `all`, or names of linear layers with commas between.

    Raises:
        UsageError: the backbone has no linear layer of such a name.
    """
    return Lora(rank, alpha, dropout, target_layers(targets))


def attach(model: Any, lora: Lora, *, seed: int, new_tokens: Sequence[int] = ()) -> None:
    """Puts an adapter that changes nothing yet into a model, and freezes all other weights.

    Args:
        model: a `LlamaForCausalLM` without an adapter.
        lora: the adapter's shape.
        seed: of its random half; the caller's random state is left as it was.
        new_tokens: ids whose embeddings are trained too, since they were added to a pretrained vocabulary: a row at
            the mean of all others can never be the likeliest.
    """
    silence_bitsandbytes()
    from peft import LoraConfig

    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=list(lora.targets),
        bias="none",
        task_type="CAUSAL_LM",
        trainable_token_indices=_rows(model, new_tokens) if new_tokens else None,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model.add_adapter(config, adapter_name=TRAINED)


def _rows(model: Any, tokens: Sequence[int]) -> dict[str, list[int]]:
    """The rows of `tokens` by the layers that have some: the output layer has its own where it is not tied."""
    layers = ("embed_tokens",) if model.config.tie_word_embeddings else ("embed_tokens", "lm_head")
    return {layer: list(tokens) for layer in layers}


def add_reference(model: Any) -> None:
    """Adds a frozen copy of the trained adapter, as it is now, under the name `REFERENCE`; the trained one stays on."""
    from peft import inject_adapter_in_model

    flags = _flags(model)
    with warnings.catch_warnings():
        # peft warns of what is meant here: that there are two adapters.
        warnings.filterwarnings("ignore", message="Already found a `peft_config`")
        inject_adapter_in_model(model.peft_config[TRAINED], model, REFERENCE)
    load_adapter(model, adapter_tensors(model, TRAINED), REFERENCE)
    activate(model, TRAINED, trainable=True)
    _restore_flags(model, flags)


def adapter_tensors(model: Any, name: str = TRAINED) -> dict[str, Tensor]:
    """An adapter's weights, by names without the adapter's own; not copies."""
    from peft import get_peft_model_state_dict

    return {
        key: value
        for key, value in get_peft_model_state_dict(model, adapter_name=name, save_embedding_layers=False).items()
        if ".lora_" in key
    }


def changes_anything(model: Any) -> bool:
    """Whether the trained adapter adds anything to the weights; a new one does not."""
    return any(bool(weight.any()) for name, weight in adapter_tensors(model).items() if ".lora_B" in name)


def load_adapter(model: Any, tensors: Mapping[str, Tensor], name: str = TRAINED) -> None:
    """Copies weights that `adapter_tensors` gave into the adapter `name`, in place.

    Raises:
        RuntimeError: a weight is missing, left over or of another shape.
    """
    own = adapter_tensors(model, name)
    if own.keys() != tensors.keys():
        raise RuntimeError(f"adapter weights differ: {sorted(own.keys() ^ tensors.keys())[:3]}")
    with torch.no_grad():
        for key, weight in own.items():
            weight.copy_(tensors[key])


def activate(model: Any, name: str, *, trainable: bool) -> None:
    """Makes one adapter the one that takes part in the forward pass; all others take none."""
    from peft.functional import set_adapter

    set_adapter(model, name, inference_mode=not trainable)


@contextmanager
def switched(model: Any, name: str | None) -> Iterator[None]:
    """The model with another adapter than the trained one, for as long as the block runs.

    Args:
        model: a model whose active adapter is the trained one.
        name: the adapter to be on; None for none at all.
    """
    flags = _flags(model)
    if name is None:
        model.disable_adapters()
    else:
        activate(model, name, trainable=False)
    try:
        yield
    finally:
        if name is None:
            model.enable_adapters()
        else:
            activate(model, TRAINED, trainable=True)
        _restore_flags(model, flags)


def _flags(model: nn.Module) -> dict[str, bool]:
    return {name: parameter.requires_grad for name, parameter in model.named_parameters()}


def _restore_flags(model: nn.Module, flags: dict[str, bool]) -> None:
    """Undoes what peft does to `requires_grad` whenever adapters are switched."""
    for name, parameter in model.named_parameters():
        wanted = flags.get(name, False)
        if parameter.requires_grad != wanted:
            parameter.requires_grad_(wanted)
