"""Tensor files without pickle: module and optimizer state as safetensors beside JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, load_model, save_file, save_model
from torch import Tensor, nn


def save_module(module: nn.Module, path: Path) -> None:
    """Writes a module's weights; one that is used twice (tied) is written once."""
    save_model(module, str(path))


def load_module(module: nn.Module, path: Path) -> None:
    """Restores weights; every one has to be there, tied ones once.

    Raises:
        RuntimeError: a weight is missing or left over.
    """
    load_model(module, path, strict=True)


def save_optimizer(optimizer: torch.optim.Optimizer, path: Path) -> None:
    """Writes an optimizer's state: tensors to `path`, the rest into the file's header as JSON.

    Args:
        optimizer: any torch optimizer whose state holds tensors and numbers.
        path: a `.safetensors` file.
    """
    state = optimizer.state_dict()
    tensors: dict[str, Tensor] = {}
    numbers: dict[str, Any] = {}
    for index, entries in state["state"].items():
        for key, value in entries.items():
            if isinstance(value, Tensor):
                tensors[f"{index}.{key}"] = value.contiguous()
            else:
                numbers[f"{index}.{key}"] = value
    header = {"groups": json.dumps(state["param_groups"]), "numbers": json.dumps(numbers)}
    save_file(tensors, path, metadata=header)


def load_optimizer(optimizer: torch.optim.Optimizer, path: Path) -> None:
    """Restores what `save_optimizer` wrote into an optimizer over the same parameters."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as handle:
        header = handle.metadata()
    state: dict[int, dict[str, Any]] = {}
    flat: dict[str, Any] = {**load_file(path), **json.loads(header["numbers"])}
    for name, value in flat.items():
        index, key = name.split(".", 1)
        state.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({"state": state, "param_groups": json.loads(header["groups"])})
