"""Bases with 4- or 8-bit weights, through bitsandbytes: on a GPU, and on the CPU too.

4-bit weights are NF4 with double quantisation (Dettmers et al., "QLoRA", arXiv 2305.14314), 8-bit ones LLM.int8()
(Dettmers et al., arXiv 2208.07339). Embeddings, norms and the output layer stay as they are.
"""

from __future__ import annotations

import logging
from typing import Any, Literal

import torch
from torch import Tensor, nn

Quantisation = Literal["none", "4bit", "8bit"]

COMPUTE_DTYPES = {"no": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
"""What 4-bit weights are computed in, by the precision of training."""


def bitsandbytes_config(quantisation: Quantisation, precision: str) -> Any:
    """What `from_pretrained` takes to quantise weights while it loads them; None for "none".

    Args:
        quantisation: bits of a weight.
        precision: `no`, `bf16` or `fp16`.
    """
    from transformers import BitsAndBytesConfig

    silence_bitsandbytes()
    if quantisation == "none":
        return None
    if quantisation == "8bit":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=COMPUTE_DTYPES[precision],
    )


def quantisation_of(config: dict[str, Any]) -> Quantisation:
    """How the weights of a model are quantised, by its `config.json`."""
    found = config.get("quantization_config") or {}
    if found.get("load_in_4bit"):
        return "4bit"
    return "8bit" if found.get("load_in_8bit") else "none"


def compute_exactly(model: Any) -> None:
    """Keeps bitsandbytes from packing 4-bit weights anew at the first forward pass in eval mode.

    On processors with AVX512-BF16 it does: the scales are rounded to bfloat16, which can't be taken back exactly when
    the weights are saved, and what is packed has no gradient. PPO updates in eval mode and saves what it trained on.
    """
    from bitsandbytes.nn import Linear4bit

    for module in model.modules():
        if isinstance(module, Linear4bit):
            module.support_avx512bf16_for_cpu = False


def whole_weight(linear: nn.Linear) -> Tensor:
    """The weight [out, in] that a linear layer stands for, in float32; a quantised one is left as it is.

    peft's own function for this leaves an 8-bit layer without its scales.
    """
    from bitsandbytes import functional
    from bitsandbytes.nn import Linear4bit, Linear8bitLt

    found: Tensor = linear.weight.detach()
    if isinstance(linear, Linear4bit):
        found = functional.dequantize_4bit(linear.weight.data, linear.weight.quant_state)
    elif isinstance(linear, Linear8bitLt):
        found = functional.int8_vectorwise_dequant(linear.weight.data, linear.state_dict()["SCB"])
    return found.float()


def silence_bitsandbytes() -> None:
    """Turns off bitsandbytes' advice on optional packages; what matters is raised."""
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
