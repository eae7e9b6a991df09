"""Judges with a few thousand random weights, of several architectures, and what they judge."""

import torch
from tiny_models import _spread, example, tiny_tokenizer

from ecr_engine.config.sections.evaluation import JudgeSettings
from ecr_engine.data.schema import Sample
from ecr_engine.scoring.dimensions import Dimension, DimensionSet, Level
from ecr_engine.scoring.local.judge import LocalJudge
from ecr_engine.scoring.local.loading import LocalModel, window_of

SMALL = DimensionSet(
    "small",
    "two dimensions of few words",
    (
        Dimension("warmth", 0.0, 1.0, "Is it warm?", (Level(1, "no"), Level(5, "yes"))),
        Dimension("good_advice", 0.0, 1.0, "Is it apt?", ()),
    ),
    (1, 2, 3, 4, 5),
)


def tiny_model(family, window=1024, seed=0):
    """A causal LM of a family, with weights large enough that it says different things in different places."""
    from transformers import (
        BloomConfig,
        BloomForCausalLM,
        GPT2Config,
        GPT2LMHeadModel,
        LlamaConfig,
        LlamaForCausalLM,
        MistralConfig,
        MistralForCausalLM,
        OPTConfig,
        OPTForCausalLM,
    )

    ends = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    rotary = {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "max_position_embeddings": window,
        **ends,
    }
    vocabulary = len(tiny_tokenizer())
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = {
            "llama": lambda: LlamaForCausalLM(LlamaConfig(vocab_size=vocabulary, **rotary)),
            "mistral": lambda: MistralForCausalLM(
                MistralConfig(vocab_size=vocabulary, sliding_window=window, **rotary)
            ),
            "gpt2": lambda: GPT2LMHeadModel(
                GPT2Config(vocab_size=vocabulary, n_embd=16, n_layer=2, n_head=2, n_positions=window, **ends)
            ),
            "opt": lambda: OPTForCausalLM(
                OPTConfig(
                    vocab_size=vocabulary,
                    hidden_size=16,
                    ffn_dim=32,
                    num_hidden_layers=2,
                    num_attention_heads=2,
                    max_position_embeddings=window,
                    word_embed_proj_dim=16,
                    **ends,
                )
            ),
            "bloom": lambda: BloomForCausalLM(
                BloomConfig(vocab_size=vocabulary, hidden_size=16, n_layer=2, n_head=2, **ends)
            ),
        }[family]()
        return _spread(model, 20.0)


def local_model(family="llama", window=1024, seed=0, tokenizer=None):
    model = tiny_model(family, window, seed)
    return LocalModel(family, model, tokenizer or tiny_tokenizer(), window_of(model.config), f"{family}-{seed}", family)


def tiny_judge(family="llama", *, window=1024, seed=0, dimensions=SMALL, tokenizer=None, local=None, **settings):
    settings = JudgeSettings(**{"batch_size": 4, **settings})
    return LocalJudge(local or local_model(family, window, seed, tokenizer), dimensions, settings)


def row(name, response, *context):
    return Sample(example(name, *context), response, finished=True, tokens=3)


ROWS = (
    row("1:1", "have you seen <movie> ?", "hello there, i feel sad today"),
    row("2:5", "no", *["i want a warm and funny movie for a sad day"] * 5),
    row("3:0", "hello! what do you like?"),
    row("4:3", "you might like <movie> too, it is warm", "hi", "hello", "a good movie for today please"),
    row("5:1", "ok", "thank you"),
)
