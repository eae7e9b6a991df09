"""The word policy with and without an adapter, and a trainer on it with its own reference."""

import copy

import torch
from rl_toys import EXAMPLES, PROMPTS, SMALL, Toy, share_of_good, word_critic, word_policy
from tiny_models import Recorder

from ecr_engine.config.sections.rl import PPOSettings
from ecr_engine.models.adapters import lora_of
from ecr_engine.models.placement import make_accelerator
from ecr_engine.models.policies import adapt
from ecr_engine.rl.reference import reference_of
from ecr_engine.rl.trainer import PPOTrainer, Prompts

LORA = lora_of(2, 4.0, 0.0, "all")
ADAPTER_SIZE = 2 * (4 * 32 + 3 * 48)
"""Rank 2 times (in + out): four projections of 16 x 16, three of 16 and 32."""


def full_policy():
    return word_policy(scale=4.0)


def new_adapter():
    policy = full_policy()
    adapt(policy, LORA, seed=0)
    return policy


def trained_adapter():
    """As a baseline that was trained with an adapter leaves it."""
    policy = new_adapter()
    nudge(policy)
    return policy


def nudge(policy):
    """Moves what is trained, always in the same way."""
    draw = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for weight in policy.trained():
            weight.add_(0.2 * torch.randn(weight.shape, generator=draw))


KINDS = {"full": full_policy, "new adapter": new_adapter, "trained adapter": trained_adapter}


def adapter_toy(policy, *, score=share_of_good, reference=None, **changes):
    """A trainer of `policy`; `changes` are settings of `[ppo]`."""
    recorder, saves, critic = Recorder(), [], word_critic()
    reference = reference or reference_of(policy)
    trainer = PPOTrainer(
        policy=policy,
        reference=reference,
        critic=critic,
        score=score,
        prompts=Prompts(EXAMPLES, PROMPTS, 6),
        settings=PPOSettings(**{**SMALL, **changes}),
        accelerator=make_accelerator(torch.device("cpu"), "no"),
        seed=0,
        scaled=False,
        emit=recorder,
        save=lambda *args: saves.append(args),
        validate=lambda model: {"eval/reward": 0.0, "eval/components_below": 0.0},
    )
    return Toy(trainer, critic, policy, reference, copy.deepcopy(policy.model), recorder, saves)
