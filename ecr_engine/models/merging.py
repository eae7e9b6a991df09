"""One plain model from a base and its adapter."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor

from ecr_engine.models.adapter_files import base_tensors
from ecr_engine.models.adapters import TRAINED
from ecr_engine.models.quantisation import silence_bitsandbytes, whole_weight


@torch.no_grad()
def merged_model(model: Any) -> Any:
    """A `LlamaForCausalLM` in float32 whose weights are those of the base plus what the adapter adds.

    4- and 8-bit weights are what they stand for, so the merged model of a 4-bit base answers as the two together. The
    8-bit ones round their input too, which a plain model does not: its logits differ by that.

    Args:
        model: a `LlamaForCausalLM`, with or without an adapter; left as it was.
    """
    from transformers import LlamaForCausalLM

    config = copy.deepcopy(model.config)
    if "quantization_config" in config.to_dict():
        del config.quantization_config
    config.dtype = torch.float32
    with torch.random.fork_rng(devices=[]):
        plain = LlamaForCausalLM(config)
    tensors = _plain_tensors(model)
    missing, left_over = plain.load_state_dict(tensors, strict=False)
    assert not left_over and set(missing) <= {"lm_head.weight"}, (missing, left_over)
    plain.tie_weights()
    plain.generation_config = copy.deepcopy(model.generation_config)
    return plain.eval()


def _plain_tensors(model: Any) -> dict[str, Tensor]:
    """The weights of the merged model by name, on the CPU."""
    silence_bitsandbytes()
    from peft.tuners.lora import LoraLayer

    tensors = {name: value for name, value in base_tensors(model).items() if value.is_floating_point()}
    for name, module in model.named_modules():
        if isinstance(module, LoraLayer):
            weight = whole_weight(module.get_base_layer())
            tensors[f"{name}.weight"] = weight + module.get_delta_weight(TRAINED).to(weight)
        elif isinstance(module, torch.nn.Linear) and ".lora_" not in name and not name.endswith("base_layer"):
            tensors[f"{name}.weight"] = whole_weight(module)
    known = {name: value.float().cpu() for name, value in tensors.items() if _is_weight(name)}
    if model.config.tie_word_embeddings:
        known.pop("lm_head.weight", None)
    return known


def _is_weight(name: str) -> bool:
    """Whether a name is that of a weight, and not of the scales that a quantised weight comes with."""
    return name.endswith((".weight", ".bias"))
