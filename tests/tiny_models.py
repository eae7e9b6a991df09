"""Models of a few thousand weights, and dialogues of a few words: what the tests of models and of training share."""

from __future__ import annotations

import copy
from functools import lru_cache

import torch

from ecr_engine.data.schema import Example, Role, Turn
from ecr_engine.models.backbone import Backbone
from ecr_engine.models.critic import CriticShape, build_critic
from ecr_engine.models.tokenizer import train_tokenizer

# Models this small compute for less time than threads wait for each other on a busy machine.
torch.set_num_threads(1)

TEXTS = (
    "hello there, i feel sad today and i want a movie",
    "i am sorry you feel sad, have you seen <movie> ?",
    "thank you, that is a good movie for a sad day",
    "you might like <movie> too, it is warm and funny",
    "[INST] <<SYS>> feel with the seeker <</SYS>> [/INST]",
)
VOCABULARY = 420


@lru_cache(maxsize=1)
def _trained():
    return train_tokenizer(TEXTS * 4, VOCABULARY)


def tiny_tokenizer():
    """The tiny backbone's kind of tokenizer, a copy for each caller."""
    return copy.deepcopy(_trained())


def _spread(model, scale):
    """Weights `scale` times as large: a model that has just been drawn says the same everywhere."""
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:
                weight.mul_(scale)
    return model.eval()


def tiny_llama(vocabulary=64, *, seed=0, hidden=16, layers=2, scale=8.0, dropout=0.0):
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=2,
        max_position_embeddings=256,
        attention_dropout=dropout,
        tie_word_embeddings=False,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return _spread(LlamaForCausalLM(config), scale)


def tiny_gpt2(vocabulary=64, *, seed=0, hidden=16, layers=2, scale=8.0):
    """Absolute, learned positions: a wrong position id moves its logits a lot, where rotary ones hardly move."""
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        vocab_size=vocabulary,
        n_embd=hidden,
        n_layer=layers,
        n_head=2,
        n_positions=256,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return _spread(GPT2LMHeadModel(config), scale)


FAMILIES = {"llama": tiny_llama, "gpt2": tiny_gpt2}


def tiny_backbone(*, seed=0, hidden=16, layers=1, scale=1.0, dropout=0.0):
    """A tiny Llama with the tiny tokenizer."""
    tokenizer = tiny_tokenizer()
    model = tiny_llama(len(tokenizer), seed=seed, hidden=hidden, layers=layers, scale=scale, dropout=dropout)
    model.config.bos_token_id = tokenizer.bos_token_id
    model.config.eos_token_id = tokenizer.eos_token_id
    model.config.pad_token_id = tokenizer.pad_token_id
    return Backbone(model, tokenizer)


def tiny_critic(
    tokenizer=None, *, dimensions=("empathy",), emotions=("like",), hidden=16, max_length=64, seed=0, embeddings=None
):
    """The small encoder with untrained heads; its embeddings are random unless some are given."""
    return build_critic(
        "small",
        shape=CriticShape(hidden_size=hidden, layers=1, heads=2, positions=64),
        tokenizer=tokenizer or tiny_tokenizer(),
        embeddings=torch.zeros(0) if embeddings is None else embeddings,
        dimensions=dimensions,
        emotions=emotions,
        max_length=max_length,
        seed=seed,
    )


def seeker(text):
    return Turn(Role.SEEKER, text, text)


def recommender(text):
    return Turn(Role.RECOMMENDER, text, text)


def example(name="1:1", *context, target="have you seen <movie> ?"):
    """An example whose context are the given texts, the seeker's first."""
    sides = (seeker, recommender)
    turns = tuple(sides[place % 2](text) for place, text in enumerate(context))
    return Example(
        example_id=name,
        conversation_id=name.partition(":")[0],
        turn=len(turns),
        context=turns,
        target=target,
        items=(),
        mentioned=(),
        emotions=(),
        source="train_data.jsonl",
        line=1,
    )


def same_weights(one, other):
    """Whether two modules are equal bit for bit."""
    first, second = one.state_dict(), other.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


class Recorder:
    """Takes events down, as a trainer emits them."""

    def __init__(self):
        self.events = []

    def __call__(self, stage, kind, step=0, /, **values):
        self.events.append((stage, kind, step, values))

    def of(self, kind):
        """(step, values) of the events of one kind."""
        return [(step, values) for _, found, step, values in self.events if found == kind]
