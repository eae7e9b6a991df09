"""The state of every random generator of the process, without pickle: python, numpy, torch and each CUDA device.

Training loops draw orders and samples from seeds of their own, so what depends on these generators is dropout, and
whatever code of others draws, such as a custom reward.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

_CUDA = "cuda."


def seed_all(seed: int) -> None:
    """Starts every generator from a seed."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def save_random_state(path: Path) -> None:
    """Writes the state of every generator.

    Args:
        path: a `.safetensors` file; what is no tensor stands in its header.
    """
    version, words, gauss = random.getstate()
    numpy_state: dict[str, Any] = np.random.get_state(legacy=False)
    tensors: dict[str, Tensor] = {
        "python": torch.tensor(words, dtype=torch.int64),
        "numpy": torch.from_numpy(numpy_state["state"]["key"].astype(np.int64)),
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_available():
        tensors |= {f"{_CUDA}{place}": state for place, state in enumerate(torch.cuda.get_rng_state_all())}
    rest = {
        "python": [version, gauss],
        "numpy": [numpy_state["state"]["pos"], numpy_state["has_gauss"], numpy_state["gauss"]],
    }
    save_file(tensors, path, metadata={name: json.dumps(value) for name, value in rest.items()})


def load_random_state(path: Path) -> None:
    """Puts every generator back to what `save_random_state` wrote; devices that are not there any more are left out."""
    with safe_open(path, framework="pt") as handle:
        rest = {name: json.loads(value) for name, value in handle.metadata().items()}
    tensors = load_file(path)
    version, gauss = rest["python"]
    random.setstate((version, tuple(tensors["python"].tolist()), gauss))
    position, has_gauss, cached = rest["numpy"]
    np.random.set_state(("MT19937", tensors["numpy"].numpy().astype(np.uint32), position, has_gauss, cached))
    torch.set_rng_state(tensors["torch"])
    for place in range(torch.cuda.device_count()):
        if f"{_CUDA}{place}" in tensors:
            torch.cuda.set_rng_state(tensors[f"{_CUDA}{place}"], place)
