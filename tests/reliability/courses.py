"""Trainings of forty steps that use everything a training can: the baseline's, the critic's and the policy's.

Each draws from python's, numpy's and torch's generators, has a learning rate that moves, goes through its data several
times, and saves after every step.
"""

from __future__ import annotations

import random
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from tiny_models import Recorder, example, tiny_backbone, tiny_critic, tiny_llama, tiny_tokenizer

from ecr_engine.config.sections.models import CriticSettings
from ecr_engine.config.sections.rl import PPOSettings
from ecr_engine.config.sections.training import BaselineSettings
from ecr_engine.data.prompts import Encoded
from ecr_engine.models.adapters import Lora, lora_of
from ecr_engine.models.backbone import Backbone
from ecr_engine.models.placement import make_accelerator
from ecr_engine.models.policies import Tuning, load_trainable
from ecr_engine.models.response import ResponseModel
from ecr_engine.rl.order import Order
from ecr_engine.rl.reference import reference_of
from ecr_engine.rl.trainer import PPOTrainer, Prompts
from ecr_engine.training.critic import CriticTrainer
from ecr_engine.training.critic_labels import JudgedResponse
from ecr_engine.training.sft import BaselineTrainer

STEPS = 40
WORDS = ("sad", "happy", "movie", "warm", "funny", "day", "good", "today", "hello")


class EnoughError(Exception):
    """The training has come as far as it was to."""


@dataclass
class Course:
    """One training.

    Attributes:
        folder: where its states go, one folder a step.
        until: it is broken off once the state of this step is written.
        keep: the steps whose states are written; None for all.
        total: the steps of the whole training.
    """

    folder: Path
    until: int = STEPS
    keep: set[int] | None = None
    total: int = STEPS
    recorder: Recorder = field(default_factory=Recorder)
    saved: list = field(default_factory=list)
    trainer: object = None

    every = 1

    def __post_init__(self):
        """Each kind makes its trainer here."""

    def state(self, step):
        return self.folder / f"{step:03d}"

    def save(self, step, metrics, best, write):
        self.saved.append((step, best))
        if self.keep is None or step in self.keep:
            self.state(step).mkdir(parents=True)
            write(self.state(step))
        if step >= self.until:
            raise EnoughError

    def run(self):
        with suppress(EnoughError):
            self.start()
        return self


def accelerator():
    return make_accelerator(torch.device("cpu"), "no")


class Baseline(Course):
    """Supervised fine-tuning with dropout: 14 examples, 4 steps an epoch, ten epochs."""

    def __post_init__(self):
        settings = BaselineSettings(
            max_steps=self.total,
            batch_size=4,
            micro_batch_size=2,
            warmup_steps=6,
            learning_rate=0.03,
            patience=self.total,
        )
        self.trainer = BaselineTrainer(
            tiny_backbone(scale=4.0, dropout=0.1),
            settings,
            accelerator(),
            seed=3,
            scaled=False,
            emit=self.recorder,
            save=lambda step, metrics, *, best: self.save(step, metrics, best, self.trainer.write_state),
        )

    def start(self):
        rows = [Encoded([1, *range(20, 22 + n)], [40 + n, 41 + n % 3, 2]) for n in range(14)]
        # What is held out has words of its own: after a while the model only learns the others better.
        held_out = [Encoded([1, *range(30, 33 + n)], [44 + n, 42, 2]) for n in range(3)]
        self.trainer.train(rows, held_out, save_every=self.every)


class Critic(Course):
    """The critic with dropout: 14 judged responses, 4 steps an epoch, ten epochs."""

    def __post_init__(self):
        model = tiny_critic(dimensions=("empathy",), emotions=("like",), hidden=16, max_length=32)
        settings = CriticSettings(batch_size=4, epochs=10, learning_rate=0.003, warmup_share=0.2, patience=99)
        self.trainer = CriticTrainer(
            model,
            settings,
            accelerator(),
            seed=3,
            scaled=False,
            emit=self.recorder,
            save=lambda step, metrics, *, best: self.save(step, metrics, best, self.trainer.write_state),
        )

    def start(self):
        rows = [
            JudgedResponse(
                f"seeker: i feel {WORDS[n % 9]}",
                f"a {WORDS[(n * 5) % 7]} {WORDS[n % 4]}",
                (n * 7 % 10) / 10,
                {"empathy": (n * 3 % 10) / 10},
                ("like",) if n % 2 else (),
                str(n),
            )
            for n in range(14)
        ]
        # What is held out is scored at random: after a while the critic only learns the others better.
        held_out = [
            JudgedResponse(one.context, one.response, n % 2, {"empathy": 0.5}, ()) for n, one in enumerate(rows)
        ]
        self.trainer.train(rows, held_out, save_every=1)


def noisy(samples):
    """A reward by the code of others, which draws from every generator."""
    noise = [random.random() + float(np.random.rand()) + float(torch.rand(())) for _ in samples]
    first = [sample.response.count("a") / (1 + len(sample.response)) for sample in samples]
    return [a + b for a, b in zip(first, noise, strict=True)], {"first": first, "noise": noise}


class Noisy:
    """The reward with weights that move."""

    def __init__(self):
        self.weights = {"first": 1.0, "noise": 1.0}

    def update_weights(self, weights):
        self.weights = dict(weights)

    def __call__(self, samples):
        _, columns = noisy(samples)
        total = [sum(self.weights[name] * column[at] for name, column in columns.items()) for at in range(len(samples))]
        return total, columns


class Policy(Course):
    """PPO with a critic, an adaptive KL weight, running reward statistics, moving weights and an order."""

    changes: ClassVar[dict[str, object]] = {}
    """Settings that differ from those of the class above."""

    def models(self):
        """The policy, and the reference policy that is never trained."""
        tokenizer = tiny_tokenizer()
        policy = Backbone(tiny_llama(len(tokenizer), layers=1, hidden=8, scale=4.0), tokenizer)
        policy.model.config.pad_token_id = tokenizer.pad_token_id
        reference = tiny_llama(len(tokenizer), layers=1, hidden=8, scale=4.0).requires_grad_(requires_grad=False)
        return policy, ResponseModel(reference)

    def __post_init__(self):
        policy, reference = self.models()
        examples = tuple(example(f"{n}:1", " ".join(WORDS[: 1 + n])) for n in range(7))
        settings = {
            "learning_rate": 0.01,
            "critic_learning_rate": 0.01,
            "full_tuning_factor": 1.0,
            "max_steps": self.total,
            "batch_size": 4,
            "minibatch_size": 2,
            "micro_batch_size": 2,
            "epochs": 1,
            "warmup_steps": 4,
            "critic_warmup_steps": 2,
            "schedule": "linear",
            "validate_every": 8,
            "kl_controller": "adaptive",
            "reward_scaling": "running_std",
        }
        self.trainer = PPOTrainer(
            policy=policy,
            reference=reference,
            critic=tiny_critic(max_length=32, hidden=8),
            score=Noisy(),
            prompts=Prompts(examples, tuple([1, *range(20, 22 + n)] for n in range(7)), 4),
            settings=PPOSettings(**{**settings, **self.changes}),
            accelerator=accelerator(),
            seed=3,
            scaled=False,
            emit=self.recorder,
            save=self.save,
            validate=lambda model: {"eval/reward": self.measured(), "eval/components_below": 0.0},
            weights_at=lambda progress: {"first": 1.0 + progress, "noise": 1.0 - progress / 2},
            order=Order((6, 0, 5, 1, 4, 2, 3), 0.3, 0.8),
        )

    def measured(self):
        """What the policy is worth now: it rises at first, then falls."""
        return -abs(self.trainer.step - 16.0)

    def start(self):
        self.trainer.train(save_every=self.every)


class Trunk(Policy):
    """Values of a head on the policy's own states, whose loss reaches the policy."""

    changes: ClassVar[dict[str, object]] = {"value": "trunk", "trunk_gradient": True}


class Rloo(Policy):
    """No value function: each response is held against the others of its context."""

    changes: ClassVar[dict[str, object]] = {"estimator": "rloo", "samples_per_prompt": 2}


class Grpo(Policy):
    """The same, by the spread of the group."""

    changes: ClassVar[dict[str, object]] = {"estimator": "grpo", "samples_per_prompt": 2}


class Quantised(Policy):
    """An adapter over a base in 4 bits."""

    def models(self):
        base = self.folder.parent / "base"
        if not base.exists():
            base.mkdir(parents=True)
            tiny_backbone(hidden=64, scale=4.0).save(base)
        lora = Lora(rank=2, alpha=4.0, dropout=0.0, targets=lora_of(1, 1.0, 0.0, "all").targets)
        policy = load_trainable(str(base), Tuning(lora, "4bit", "no", 0))
        return policy, reference_of(policy, nullcontext)


COURSES = (Baseline, Critic, Policy)

MORE_POLICIES = (Trunk, Rloo, Grpo, Quantised)
"""Other ways to train a policy, of a few steps."""


def disturb():
    """Another process has other random states."""
    random.seed(987)
    np.random.seed(987)
    torch.manual_seed(987)


def tensors_and_header(path):
    with safe_open(path, framework="pt") as handle:
        return load_file(path), handle.metadata() or {}


def different(one, other):
    """The files of two states that are not the same, bit for bit, by name; tensors by their values."""
    names = {str(path.relative_to(root)) for root in (one, other) for path in root.rglob("*") if path.is_file()}
    return sorted(name for name in names if not _same(one / name, other / name))


def _same(one, other):
    if not (one.is_file() and other.is_file()):
        return False
    if one.suffix != ".safetensors":
        return one.read_bytes() == other.read_bytes()
    (first, header), (second, other_header) = tensors_and_header(one), tensors_and_header(other)
    return (
        first.keys() == second.keys()
        and header == other_header
        and all(torch.equal(first[name], second[name]) for name in first)
    )


def told(recorder, after=0):
    """All events later than a step, but for what a clock or the memory says."""
    return [
        (kind, step, {key: value for key, value in values.items() if not key.startswith(("time/", "perf/"))})
        for _, kind, step, values in recorder.events
        if step > after
    ]


def resumed(kind, straight, at, folder, *, until=STEPS, sabotage=lambda trainer, at: None):
    """The training taken up at a step of a straight one by new objects; runs to `until`."""
    keep = {until}
    later = kind(folder, until=until, keep=keep, total=straight.total)
    disturb()
    later.trainer.restore(straight.state(at))
    sabotage(later.trainer, at)
    return later.run()


def faults(straight, later, at, until):
    """What differs between a straight training and one that was taken up: files of the state, and events."""
    found = different(straight.state(until), later.state(until))
    events = [event for event in told(straight.recorder, at) if event[1] <= until]
    mine = [event for event in told(later.recorder, at) if event[1] <= until]
    return found + (["events"] if events != mine else [])
