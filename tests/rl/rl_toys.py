"""A policy that knows sixteen words, a critic, and rewards that can be counted by eye."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

import torch
from tiny_models import Recorder, example, tiny_critic, tiny_llama
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from ecr_engine.config.sections.rl import PPOSettings
from ecr_engine.models.backbone import Backbone
from ecr_engine.models.placement import make_accelerator
from ecr_engine.models.response import ResponseModel
from ecr_engine.rl.trainer import PPOTrainer, Prompts

WORDS = ["<pad>", "<s>", "</s>", "<unk>", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"]
PAD, STOP = 0, 2
GOOD = "b"


def word_tokenizer():
    body = Tokenizer(models.WordLevel({word: place for place, word in enumerate(WORDS)}, unk_token="<unk>"))
    body.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=body, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    )


def word_policy(*, seed=0, dropout=0.0, scale=1.0):
    return Backbone(tiny_llama(len(WORDS), seed=seed, layers=1, dropout=dropout, scale=scale), word_tokenizer())


def word_critic(seed=0):
    return tiny_critic(word_tokenizer(), max_length=32, seed=seed)


def share_of_good(samples):
    """The share of `b` among a response's tokens."""
    totals = [sample.response.split().count(GOOD) / sample.tokens for sample in samples]
    return totals, {"good": list(totals), "nothing": [None] * len(totals)}


def constant(samples):
    return [0.5] * len(samples), {"half": [0.5] * len(samples)}


EXAMPLES = tuple(example(f"{place}:1", " ".join(WORDS[4 : 6 + place])) for place in range(7))
PROMPTS = tuple([1, *range(4, 6 + place)] for place in range(7))

SMALL = {
    "learning_rate": 0.01,
    "critic_learning_rate": 0.01,
    "full_tuning_factor": 1.0,
    "max_steps": 4,
    "batch_size": 6,
    "minibatch_size": 3,
    "micro_batch_size": 2,
    "epochs": 2,
    "warmup_steps": 0,
    "critic_warmup_steps": 0,
    "schedule": "constant",
    "validate_every": 100,
}


@dataclass
class Toy:
    """A trainer and what it is made of."""

    trainer: PPOTrainer
    critic: object
    policy: Backbone
    reference: object
    start: object
    recorder: Recorder
    saves: list = field(default_factory=list)

    def steps(self, count):
        for _ in range(count):
            self.trainer.train_step()
        return self

    def series(self, key):
        return [values[key] for _, values in self.recorder.of("step")]


def toy(
    score=share_of_good,
    *,
    length=6,
    seed=0,
    dropout=0.0,
    validate=None,
    policy_scale=1.0,
    examples=EXAMPLES,
    ids=PROMPTS,
    seams=None,
    **changes,
):
    """A trainer on the words; `changes` are settings of `[ppo]`, `seams` further arguments of the trainer."""
    policy = word_policy(dropout=dropout, scale=policy_scale)
    reference = copy.deepcopy(policy.model).requires_grad_(requires_grad=False)
    critic, recorder, saves = word_critic(), Recorder(), []

    def save(step, metrics, best, write):
        saves.append((step, metrics, best))

    trainer = PPOTrainer(
        policy=policy,
        reference=ResponseModel(reference),
        critic=critic,
        score=score,
        prompts=Prompts(examples, ids, length),
        settings=PPOSettings(**{**SMALL, **changes}),
        accelerator=make_accelerator(torch.device("cpu"), "no"),
        seed=seed,
        scaled=False,
        emit=recorder,
        save=save,
        validate=validate or (lambda model: {"eval/reward": 0.0, "eval/components_below": 0.0}),
        **(seams or {}),
    )
    return Toy(trainer, critic, policy, reference, copy.deepcopy(policy.model), recorder, saves)


def timeless(recorder):
    """All events but for what a clock or the memory says."""
    found = []
    for _, kind, step, values in recorder.events:
        kept = {key: value for key, value in values.items() if not key.startswith(("time/", "perf/"))}
        found.append((kind, step, kept))
    return found
