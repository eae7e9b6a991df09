"""Loads a causal language model of any architecture, to be read and not to be trained."""

from __future__ import annotations

import hashlib
import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError

from ecr_engine.errors import UnavailableError
from ecr_engine.models.backbone import pick_device
from ecr_engine.models.hub import out_of_reach, silence_transformers
from ecr_engine.models.quantisation import (
    COMPUTE_DTYPES,
    Quantisation,
    bitsandbytes_config,
    compute_exactly,
    quantisation_of,
)
from ecr_engine.models.registry import find, source_of

Precision = Literal["auto", "no", "bf16", "fp16"]

WINDOW_KEYS = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "sliding_window")
"""Under which names configurations state how many tokens a model reads."""

SAMPLE_BYTES = 1 << 20
"""Of a file of weights, so much is hashed at three places: training changes weights everywhere."""


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model and its tokenizer.

    Attributes:
        name: what was asked for.
        model: a causal LM in eval mode, where it is to run.
        tokenizer: its tokenizer.
        window: tokens that it reads at most; None if its configuration does not say.
        identity: hash that tells its weights from others.
        description: its type, precision and quantisation, in a few words.
    """

    name: str
    model: Any
    tokenizer: Any
    window: int | None
    identity: str
    description: str

    @property
    def pad(self) -> int:
        """An id to pad with; what it stands for does not matter, since padding is masked."""
        known = self.tokenizer.pad_token_id
        return 0 if known is None else int(known)

    def accepts(self, argument: str) -> bool:
        """Whether the model's `forward` takes an argument; not all architectures have positions, for one."""
        return argument in inspect.signature(self.model.forward).parameters


def pick_precision(precision: Precision, device: torch.device) -> str:
    """`no`, `bf16` or `fp16`; auto is bf16 where the processor multiplies matrices of bfloat16 in hardware."""
    if precision != "auto":
        return precision
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp16"
    return "bf16" if torch.cpu._is_amx_tile_supported() else "no"


def window_of(config: Any) -> int | None:
    """Tokens that a model with this configuration reads at most; None if it does not say."""
    known = config.to_dict()
    stated = [known[key] for key in WINDOW_KEYS if isinstance(known.get(key), int) and known[key] > 0]
    return min(stated) if stated else None


def load_local(name: str, *, quantisation: Quantisation, precision: Precision, device: str) -> LocalModel:
    """A causal LM by registered name, local folder or hub id.

    Args:
        name: what to load.
        quantisation: bits that weights are given while they are loaded; a folder whose weights are quantised already
            stays as it is.
        precision: what it computes in.
        device: `auto`, `cpu` or `cuda`.

    Raises:
        UnavailableError: it can't be had, or is no causal LM.
    """
    from transformers import AutoTokenizer

    place = pick_device(device)
    picked = pick_precision(precision, place)
    source = source_of(name)
    silence_transformers()
    missing = out_of_reach(source)
    if missing is not None:
        raise _unavailable(name, missing)
    try:
        tokenizer = AutoTokenizer.from_pretrained(source)
        model = _load_model(source, bitsandbytes_config(quantisation, picked), COMPUTE_DTYPES[picked], place)
    except (OSError, ValueError, ImportError, SafetensorError) as error:
        raise _unavailable(name, str(error).splitlines()[0]) from error
    model.eval()
    kept = quantisation_of(model.config.to_dict())
    kind = f"{model.config.model_type}, {picked.replace('no', 'float32') if kept == 'none' else kept}"
    return LocalModel(name, model, tokenizer, window_of(model.config), _identity(source, model.config), kind)


def _unavailable(name: str, reason: str) -> UnavailableError:
    pull = [f"type: ecrctl model pull {name}"] if find(name) is not None else []
    ways = [*pull, "name a local folder with a causal language model in safetensors", "or --set judge.name=rubric"]
    return UnavailableError(f"judge '{name}' can't be loaded: {reason}", at="judge.name", fix=", ".join(ways))


def _load_model(source: str, quantisation: Any, dtype: torch.dtype, device: torch.device) -> Any:
    from transformers import AutoModelForCausalLM

    # Given as None it would hide that the weights of a folder are quantised already.
    how: dict[str, Any] = {} if quantisation is None else {"quantization_config": quantisation}
    if device.type == "cuda":
        # Over all GPUs that are there: the larger judges fit on none alone.
        how["device_map"] = "auto"
    # Weights in pickles are refused: loading one can run code.
    model = AutoModelForCausalLM.from_pretrained(source, dtype=dtype, use_safetensors=True, **how)
    if quantisation_of(model.config.to_dict()) == "4bit":
        # Packed for one kind of processor, layers whose width is no multiple of 32 can't be computed.
        compute_exactly(model)
    return model


def _identity(source: str, config: Any) -> str:
    total = hashlib.sha256()
    folder = Path(source)
    if not folder.is_dir():
        total.update(f"{source}@{config._commit_hash}".encode())
        return total.hexdigest()[:16]
    for path in sorted(folder.glob("*.safetensors")):
        size = path.stat().st_size
        total.update(f"{path.name}:{size}".encode())
        with path.open("rb") as handle:
            for start in (0, size // 2, max(0, size - SAMPLE_BYTES)):
                handle.seek(start)
                total.update(handle.read(SAMPLE_BYTES))
    for name in ("config.json", "tokenizer.json", "chat_template.jinja"):
        if (folder / name).is_file():
            total.update((folder / name).read_bytes())
    return total.hexdigest()[:16]
