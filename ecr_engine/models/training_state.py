"""What a training needs beside its model to be taken up exactly, in files without pickle.

| file | what |
|---|---|
| `trainer/NAME_optimizer.safetensors` | moments and step counts of each optimizer |
| `trainer/NAME.safetensors` | the weights of each module that is no part of the model's own files |
| `trainer/random.safetensors` | every random generator |
| `trainer/state.json` | the numbers: steps, the best so far, the scale of losses where training is in fp16, … |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ecr_engine.errors import DataError
from ecr_engine.models.random_state import load_random_state, save_random_state
from ecr_engine.models.tensors import load_module, load_optimizer, save_module, save_optimizer
from ecr_engine.runs.atomic import write_json
from ecr_engine.runs.record import read_json

FOLDER = "trainer"
STATE = "state.json"


@dataclass(frozen=True, slots=True)
class Parts:
    """What a training changes.

    Attributes:
        optimizers: by name.
        modules: by name, those that no other file of the checkpoint holds.
        scaler: the scale of losses in fp16; None in other precisions.
    """

    optimizers: Mapping[str, Any]
    modules: Mapping[str, nn.Module] = field(default_factory=dict)
    scaler: Any | None = None


def write_state(folder: Path, parts: Parts, numbers: Mapping[str, Any]) -> None:
    """Writes the state into `folder/trainer`, which does not exist yet.

    Args:
        folder: the checkpoint's.
        parts: what the training changes.
        numbers: JSON values, without the name `scaler`; an infinite one is written as the text `inf`.
    """
    state = folder / FOLDER
    state.mkdir()
    for name, optimizer in parts.optimizers.items():
        save_optimizer(optimizer, _optimizer_file(state, name))
    for name, module in parts.modules.items():
        save_module(module, _module_file(state, name))
    save_random_state(state / "random.safetensors")
    scale = {} if parts.scaler is None else {"scaler": parts.scaler.state_dict()}
    write_json(state / STATE, {**numbers, **scale})


def read_state(folder: Path, parts: Parts) -> dict[str, Any]:
    """Puts `parts` and every random generator back to what `write_state` wrote, and returns the numbers.

    Raises:
        DataError: the checkpoint has no state, or that of a training with other parts.
    """
    state = folder / FOLDER
    if not (state / STATE).is_file():
        raise DataError(
            f"{folder.name} holds a model and no training state: it can be used, and not be gone on with",
            at=str(folder),
            fix="choose another: `ecrctl checkpoint list RUN`",
        )
    numbers = read_json(state / STATE, "training state")
    scale = numbers.pop("scaler", None)
    for name, optimizer in parts.optimizers.items():
        load_optimizer(optimizer, _there(_optimizer_file(state, name)))
    for name, module in parts.modules.items():
        load_module(module, _there(_module_file(state, name)))
    if parts.scaler is not None and scale is not None:
        parts.scaler.load_state_dict(scale)
    # Last: whatever is drawn while the rest is loaded is not part of the training.
    load_random_state(_there(state / "random.safetensors"))
    return numbers


def copy_named(module: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Copies weights by name into a module's trained weights, in place.

    Raises:
        DataError: there are others than the module trains.
    """
    own = {name: weight for name, weight in module.named_parameters() if weight.requires_grad}
    if own.keys() != tensors.keys():
        raise DataError(
            f"the checkpoint's trained weights are of another model: {sorted(own.keys() ^ tensors.keys())[:3]}",
            fix="use the settings that it was trained with",
        )
    for name, weight in own.items():
        weight.data.copy_(tensors[name])


def _optimizer_file(state: Path, name: str) -> Path:
    return state / f"{name}_optimizer.safetensors"


def _module_file(state: Path, name: str) -> Path:
    return state / f"{name}.safetensors"


def _there(path: Path) -> Path:
    if not path.is_file():
        raise DataError(
            f"the training state lacks '{path.name}': it is of a training with other settings",
            at=str(path),
            fix="use the settings that it was trained with",
        )
    return path
