"""The backbone: a Llama causal LM and its tokenizer, built, loaded and saved; with an adapter or without."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import nn

from ecr_engine.errors import UnavailableError
from ecr_engine.models.adapter_files import (
    BASE_KEY,
    BASE_WEIGHTS,
    adapter_facts,
    check_adapter,
    has_adapter,
    read_adapter,
    write_adapted,
)
from ecr_engine.models.adapters import TRAINED, activate, load_adapter
from ecr_engine.models.foreign import check_no_code
from ecr_engine.models.hub import out_of_reach, silence_transformers
from ecr_engine.models.merging import merged_model
from ecr_engine.models.quantisation import Quantisation, bitsandbytes_config, compute_exactly, quantisation_of
from ecr_engine.models.registry import ARCHITECTURE, check_backbone_name, find, source_of
from ecr_engine.models.tensors import load_module
from ecr_engine.models.tokenizer import prepare_tokenizer, train_tokenizer
from ecr_engine.runs.manifest import MANIFEST

REFERENCE_WIDTH = 4096
"""Hidden size of Llama-2-7B: the width that learning rates are stated for."""

ONE_FILE = "1000TB"
"""Weights are saved as one file, however large: `restore` and adapters on the same base read that file."""


@dataclass(frozen=True, slots=True)
class TinyShape:
    """Shape of the tiny backbone.

    Attributes:
        vocabulary: tokens at most.
        hidden_size: width.
        layers: number of layers.
        heads: attention heads.
        intermediate_size: width of the feed-forward layers.
        positions: longest sequence in tokens.
        dropout: attention dropout in training.
    """

    vocabulary: int
    hidden_size: int
    layers: int
    heads: int
    intermediate_size: int
    positions: int
    dropout: float


@dataclass(slots=True)
class Backbone:
    """A causal LM and its tokenizer.

    Attributes:
        model: a `LlamaForCausalLM`.
        tokenizer: its tokenizer, with `<movie>` as one token and a pad token that is not the stop token.
        adapted: whether an adapter is trained in place of the weights.
        new_tokens: ids that loading added to the vocabulary.
        base: a file of a checkpoint that holds the weights of the base just as they are in the model.
    """

    model: Any
    tokenizer: Any
    adapted: bool = False
    new_tokens: Sequence[int] = ()
    base: Path | None = None

    @property
    def hidden_size(self) -> int:
        """Width of the model."""
        return int(self.model.config.hidden_size)

    @property
    def parameters(self) -> int:
        """Number of weights, those of adapters included."""
        return sum(p.numel() for p in self.model.parameters())

    def trained(self) -> list[nn.Parameter]:
        """The weights that training changes: all of them, or the adapter's."""
        return [parameter for parameter in self.model.parameters() if parameter.requires_grad]

    def save(self, folder: Path) -> None:
        """Writes a folder that plain `from_pretrained` reads: safetensors, config and tokenizer."""
        silence_transformers()
        if self.adapted:
            write_adapted(self.model, folder, base=self.base)
        else:
            self.model.save_pretrained(folder, max_shard_size=ONE_FILE)
        self.tokenizer.save_pretrained(folder)

    def restore(self, folder: Path) -> None:
        """Takes the trained weights back from a folder that `save` wrote, in place.

        Raises:
            RuntimeError: they are those of another model.
        """
        if self.adapted:
            load_adapter(self.model, read_adapter(folder))
        else:
            load_module(self.model, folder / BASE_WEIGHTS)


def merged(backbone: Backbone) -> Backbone:
    """The same backbone as one plain model: what the adapter adds is added to the weights, in float32."""
    return Backbone(merged_model(backbone.model), backbone.tokenizer)


def build_tiny(texts: Iterable[str], shape: TinyShape, *, seed: int) -> Backbone:
    """A Llama with random weights and a tokenizer trained on `texts`.

    Weights are drawn from `seed` alone; the caller's random state is left as it was.
    """
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = train_tokenizer(texts, shape.vocabulary)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=shape.hidden_size,
        intermediate_size=shape.intermediate_size,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        max_position_embeddings=shape.positions,
        attention_dropout=shape.dropout,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config)
    return Backbone(model, tokenizer)


def load_backbone(name: str, *, quantisation: Quantisation = "none", precision: str = "no") -> Backbone:
    """A backbone by registered name, local folder or hub id, in float32; an adapter in its folder is taken too.

    Args:
        name: what to load.
        quantisation: bits that weights are given while they are loaded; a folder whose weights are quantised already
            stays as it is.
        precision: of training, which decides what 4-bit weights are computed in.

    Raises:
        UsageError: the model is not a Llama.
        UnavailableError: it can't be had (no such folder, no network, gated).
        DataError: the adapter in the folder belongs to another base, or the folder asks to run code of its own.
    """
    from transformers import AutoTokenizer

    check_backbone_name(name)
    source = source_of(name)
    if Path(source).is_dir():
        check_no_code(Path(source))
    silence_transformers()
    missing = out_of_reach(source)
    if missing is not None:
        raise _unavailable(name, missing)
    try:
        tokenizer = AutoTokenizer.from_pretrained(source)
        model = _load_base(source, bitsandbytes_config(quantisation, precision))
    except (OSError, ValueError, SafetensorError) as error:
        raise _unavailable(name, str(error).splitlines()[0]) from error
    if type(model).__name__ != ARCHITECTURE:
        raise UnavailableError(f"model '{name}' is a {type(model).__name__}, not a {ARCHITECTURE}", at="backbone.name")
    if tokenizer.bos_token is None or tokenizer.eos_token is None:
        raise UnavailableError(
            f"the tokenizer of '{name}' has no begin or no end token: the chat format needs both",
            at="backbone.name",
            fix="set bos_token and eos_token in its tokenizer_config.json",
        )
    known = len(tokenizer)
    if prepare_tokenizer(tokenizer):
        # The new rows are drawn around the mean of the others.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            model.resize_token_embeddings(len(tokenizer), mean_resizing=True)
    model.config.pad_token_id = tokenizer.pad_token_id
    adapted, new_tokens = has_adapter(Path(source)), range(known, len(tokenizer))
    if adapted:
        activate(model, TRAINED, trainable=True)
    # What a checkpoint of ours holds never changes, so later checkpoints may share its file.
    kept = (Path(source) / MANIFEST).is_file() and not new_tokens and quantisation == "none"
    return Backbone(model, tokenizer, adapted, new_tokens, Path(source) / BASE_WEIGHTS if kept else None)


def _unavailable(name: str, reason: str) -> UnavailableError:
    pull = [f"type: ecrctl model pull {name}"] if find(name) is not None else []
    ways = [*pull, "name a local folder with the model", "or use --backbone tiny"]
    return UnavailableError(f"model '{name}' can't be loaded: {reason}", at="backbone.name", fix=", ".join(ways))


def _load_base(source: str, quantisation: Any) -> Any:
    """The model behind a source that `from_pretrained` takes, with the adapter that lies there."""
    from transformers import AutoConfig, AutoModelForCausalLM

    if has_adapter(Path(source)):
        facts = adapter_facts(Path(source))
        base = source if (Path(source) / "config.json").is_file() else facts[BASE_KEY]
        with torch.device("meta"):
            check_adapter(AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(base)), Path(source))
    # Given as None it would hide that the weights of a folder are quantised already.
    how = {} if quantisation is None else {"quantization_config": quantisation}
    # Weights in pickles are refused: loading one can run code.
    model = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32, use_safetensors=True, **how)
    if quantisation_of(model.config.to_dict()) != "none":
        compute_exactly(model)
    return model


def effective_learning_rate(rate: float, hidden_size: int, *, scaled: bool) -> float:
    """The rate to train a model of width `hidden_size` with, given one stated for width 4096.

    Under Adam the best learning rate of hidden weights is inversely proportional to the width (Yang et al.,
    arXiv 2203.03466, table 8).
    """
    return rate * REFERENCE_WIDTH / hidden_size if scaled else rate


def pick_device(name: str) -> torch.device:
    """`auto`, `cpu` or `cuda` as a device.

    Raises:
        UnavailableError: `cuda` is asked for and there is none.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise UnavailableError("no CUDA device is at hand", at="device", fix="use --device cpu or --device auto")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)
