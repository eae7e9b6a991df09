"""The backbone: a Llama causal LM and its tokenizer, built, loaded and saved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from ecr_engine.errors import UnavailableError
from ecr_engine.models.hub import silence_transformers
from ecr_engine.models.registry import ARCHITECTURE, check_backbone_name, source_of
from ecr_engine.models.tokenizer import prepare_tokenizer, train_tokenizer

REFERENCE_WIDTH = 4096
"""Hidden size of Llama-2-7B: the width that learning rates are stated for."""


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
    """

    model: Any
    tokenizer: Any

    @property
    def hidden_size(self) -> int:
        """Width of the model."""
        return int(self.model.config.hidden_size)

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(p.numel() for p in self.model.parameters())

    def save(self, folder: Path) -> None:
        """Writes a folder that plain `from_pretrained` reads: safetensors, config and tokenizer."""
        silence_transformers()
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)


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


def load_backbone(name: str) -> Backbone:
    """A backbone by registered name, local folder or hub id, in float32.

    Raises:
        UsageError: the model is not a Llama.
        UnavailableError: it can't be had (no such folder, no network, gated).
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    check_backbone_name(name)
    source = source_of(name)
    silence_transformers()
    try:
        tokenizer = AutoTokenizer.from_pretrained(source)
        # Weights in pickles are refused: loading one can run code.
        model = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32, use_safetensors=True)
    except (OSError, ValueError, SafetensorError) as error:
        raise UnavailableError(
            f"model '{name}' can't be loaded: {str(error).splitlines()[0]}",
            at="backbone.name",
            fix="name a local folder with the model, or use --backbone tiny",
        ) from error
    if type(model).__name__ != ARCHITECTURE:
        raise UnavailableError(f"model '{name}' is a {type(model).__name__}, not a {ARCHITECTURE}", at="backbone.name")
    if tokenizer.bos_token is None or tokenizer.eos_token is None:
        raise UnavailableError(
            f"the tokenizer of '{name}' has no begin or no end token: the chat format needs both",
            at="backbone.name",
            fix="set bos_token and eos_token in its tokenizer_config.json",
        )
    if prepare_tokenizer(tokenizer):
        model.resize_token_embeddings(len(tokenizer), mean_resizing=True)
    model.config.pad_token_id = tokenizer.pad_token_id
    return Backbone(model, tokenizer)


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
