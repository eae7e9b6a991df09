"""Model folders with an adapter: written so that plain transformers loads them wherever they lie, and checked.

A checkpoint with an adapter holds its base too: `config.json` and `model.safetensors` of the base, and
`adapter_config.json` and `adapter_model.safetensors` beside them. `AutoModelForCausalLM.from_pretrained` then takes
the base from the folder itself. The path that `adapter_config.json` names would not do: it is absolute or relative to
the current folder, so it breaks when a run is moved; and the base of a run is rarely what was pulled, since it has
grown rows for new tokens, or was quantised. It is kept there as a note of where the base came from.

The base does not change, so checkpoints share its file: each but the first is a hard link, which takes no room.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from ecr_engine.errors import DataError, UnavailableError
from ecr_engine.models.adapters import TRAINED, adapter_tensors
from ecr_engine.models.registry import read_json_object

ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
BASE_WEIGHTS = "model.safetensors"
BASE_KEY = "base_model_name_or_path"
"""Where an adapter's configuration names its base."""

PREFIX = "base_model.model."
"""What adapter files put before the names of weights; peft's convention."""


def write_adapted(model: Any, folder: Path, *, base: Path | None) -> None:
    """Writes a model and its trained adapter.

    Args:
        model: a `LlamaForCausalLM` with an adapter.
        folder: an existing folder.
        base: a file that holds the base's weights as they are in the model; None if there is none.
    """
    model.config.architectures = [type(model).__name__]
    model.config.save_pretrained(folder)
    model.generation_config.save_pretrained(folder)
    _write_base(model, folder / BASE_WEIGHTS, base)
    tensors = {PREFIX + name: weight.detach().contiguous() for name, weight in adapter_tensors(model).items()}
    save_file(tensors, folder / ADAPTER_WEIGHTS, metadata={"format": "pt"})
    _write_config(model.peft_config[TRAINED], folder / ADAPTER_CONFIG)


def read_adapter(folder: Path) -> dict[str, Tensor]:
    """The weights of the adapter in a folder, by the names that `adapter_tensors` gives."""
    return {name.removeprefix(PREFIX): weight for name, weight in load_file(folder / ADAPTER_WEIGHTS).items()}


def has_adapter(folder: Path) -> bool:
    """Whether a folder holds an adapter."""
    return (folder / ADAPTER_CONFIG).is_file()


def adapter_facts(folder: Path) -> dict[str, Any]:
    """The content of an adapter's configuration.

    Raises:
        UnavailableError: it can't be read, or the adapter is no LoRA.
    """
    path = folder / ADAPTER_CONFIG
    facts = read_json_object(path)
    if facts.get("peft_type") != "LORA":
        raise UnavailableError(
            f"the adapter is of type {facts.get('peft_type')}, not LORA",
            at=str(path),
            fix="use a LoRA adapter, or a whole model",
        )
    return facts


def check_adapter(model: Any, folder: Path) -> None:
    """Refuses an adapter that was made for another base, by the shapes in the header of its file.

    Args:
        model: the base.
        folder: the adapter's.

    Raises:
        DataError: a weight has no place in the base, or another shape.
    """
    path = folder / ADAPTER_WEIGHTS
    layers = {name: module for name, module in model.named_modules() if name}
    for name, shape in _shapes(path).items():
        layer, _, rest = name.removeprefix(PREFIX).partition(".lora_")
        found = layers.get(layer)
        # lora_A is [rank, in], lora_B [out, rank].
        side = (found.in_features, shape[1]) if rest.startswith("A") and found is not None else None
        if found is not None and side is None:
            side = (found.out_features, shape[0])
        if side is None or side[0] != side[1]:
            size = "which the base has not" if side is None else f"of width {side[1]}, where the base has {side[0]}"
            raise DataError(
                f"the adapter was made for another base: it has weights for {layer}, {size}",
                at=str(path),
                fix="name the folder of the base that it was trained on, or train it again",
            )


def _shapes(path: Path) -> dict[str, list[int]]:
    try:
        with safe_open(path, framework="pt") as handle:
            return {name: handle.get_slice(name).get_shape() for name in handle.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise DataError(f"the adapter's weights can't be read: {error}", at=str(path)) from error


def base_tensors(model: Any) -> dict[str, Tensor]:
    """The base's weights by their names in the model without an adapter; tied ones once.

    Embeddings of new tokens that were trained stand in their rows.
    """
    state = {_base_name(name): value for name, value in model.state_dict().items() if not _is_adapter(name)}
    embeddings = model.get_input_embeddings()
    state["model.embed_tokens.weight"] = embeddings.weight.detach()
    if model.config.tie_word_embeddings:
        state.pop("lm_head.weight", None)
    elif "lm_head.weight" in state:
        state["lm_head.weight"] = model.get_output_embeddings().weight.detach()
    return {name: value.contiguous() for name, value in state.items() if isinstance(value, torch.Tensor)}


def _is_adapter(name: str) -> bool:
    return ".lora_" in name or ".trainable_tokens_" in name


def _base_name(name: str) -> str:
    return name.replace(".token_adapter.", ".").replace(".base_layer.", ".")


def _write_base(model: Any, target: Path, base: Path | None) -> None:
    if base is not None and base.is_file():
        try:
            os.link(base, target)
            return
        except OSError:
            # Not every filesystem has hard links, and none has them across two: then the file is written again.
            target.unlink(missing_ok=True)
    save_file(base_tensors(model), target, metadata={"format": "pt"})


def _write_config(config: Any, path: Path) -> None:
    """Writes the adapter's configuration as it is for use: without what only its training needed."""
    facts = {**config.to_dict(), "inference_mode": True, "trainable_token_indices": None}
    plain = {key: sorted(value) if isinstance(value, set) else value for key, value in facts.items()}
    path.write_text(json.dumps(plain, indent=2, sort_keys=True) + "\n", encoding="utf-8")
