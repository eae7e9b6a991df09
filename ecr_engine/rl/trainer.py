"""The PPO training loop: rollouts, rewards, updates, health, checkpoints.

1. draw the next training contexts
2. roll out: the policy answers, the reward components score, log-probs and values are measured
3. update the policy and the value function (`ecr_engine.rl.ppo`)
4. adapt the KL weight
5. emit events; validate and checkpoint when due
"""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ecr_engine.config.sections.rl import PPOSettings
from ecr_engine.data.schema import Example
from ecr_engine.errors import DivergedError, UsageError
from ecr_engine.models.backbone import Backbone, effective_learning_rate
from ecr_engine.models.critic import CriticModel
from ecr_engine.models.generation import Decoding
from ecr_engine.models.response import ResponseModel
from ecr_engine.models.tensors import load_module, load_optimizer, save_module, save_optimizer
from ecr_engine.rl.estimator import ESTIMATORS
from ecr_engine.rl.kl import KLController
from ecr_engine.rl.ppo import PPOUpdate, build_rollout
from ecr_engine.rl.report import (
    Describe,
    component_columns,
    means_and_spreads,
    rollout_values,
    sample_values,
    update_values,
)
from ecr_engine.rl.rollout import Prompt, Roller, Score, critic_inputs, local_answers
from ecr_engine.rl.types import Episode, UpdateStats
from ecr_engine.rl.values import CriticValues, TrunkValues
from ecr_engine.runs.events import Emit

if TYPE_CHECKING:
    from accelerate import Accelerator

ADAM_EPSILON = 1e-5
"""As in the PPO implementations for language models; the default 1e-8 makes the first steps wild."""

Validate = Callable[[Any], dict[str, float]]
"""Answers the validation turns with a model and returns `eval/…` values. What is best is decided by `eval/reward`,
among the policies with `eval/components_below` of 0: a reward bought by giving up one of its parts is no gain."""

SaveState = Callable[[int, dict[str, float], bool, Callable[[Path], None]], None]
"""Makes a checkpoint: step, metrics, whether it is the best, and a function that writes the files."""


@dataclass(frozen=True, slots=True)
class RLResult:
    """What a training came to.

    Attributes:
        steps: updates made.
        best_step: update with the best validation reward.
        best_reward: that reward.
    """

    steps: int
    best_step: int
    best_reward: float


@dataclass(frozen=True, slots=True)
class Prompts:
    """The training contexts.

    Attributes:
        examples: what rewards look at.
        ids: prompt ids of each example.
        resp_max_length: response tokens at most.
    """

    examples: Sequence[Example]
    ids: Sequence[list[int]]
    resp_max_length: int


def check_sizes(settings: PPOSettings, processes: int, examples: int) -> None:
    """Refuses batch sizes that do not divide, before the first rollout.

    Raises:
        UsageError: with the setting's name and what to use instead.
    """
    if examples == 0:
        raise UsageError("there are no training turns to roll out", at="data", fix="process more dialogues")
    # A batch below the minibatch is one minibatch: the guide's `--rl_batch_size 4` needs no second flag.
    minibatch = min(settings.minibatch_size, settings.batch_size)
    if settings.batch_size % minibatch:
        raise UsageError(
            f"ppo.batch_size {settings.batch_size} is no multiple of ppo.minibatch_size {minibatch}",
            at="ppo.minibatch_size",
            fix=f"--set ppo.minibatch_size={math.gcd(settings.batch_size, minibatch)}",
        )
    if minibatch % processes:
        raise UsageError(
            f"a minibatch of {minibatch} rollouts does not divide among {processes} processes",
            at="ppo.minibatch_size",
            fix=f"--set ppo.minibatch_size={processes * math.ceil(minibatch / processes)}",
        )


def rate_share(taken: int, step: int, settings: PPOSettings) -> float:
    """What share of its peak a learning rate has: linear warm-up, then constant or a straight line to 0 at the end.

    Args:
        taken: updates that the optimizer has made; negative before its first.
        step: updates made in all.
        settings: the section `[ppo]`.
    """
    share = min(1.0, max(0, taken + 1) / settings.warmup_steps) if settings.warmup_steps else 1.0
    return share * (1 - step / settings.max_steps) if settings.schedule == "linear" else share


def draw(size: int, batch_size: int, step: int, seed: int) -> list[int]:
    """Indices of the examples of update `step`, from 0: every example once before any twice, in a new order each time.

    It depends on nothing but its arguments, so a resumed run draws what an uninterrupted one would.
    """
    picked = []
    order: list[int] = []
    current = -1
    for position in range(step * batch_size, (step + 1) * batch_size):
        if position // size != current:
            current = position // size
            order = list(range(size))
            random.Random(f"draw-{seed}-{current}").shuffle(order)
        picked.append(order[position % size])
    return picked


class PPOTrainer:
    """Improves a policy by PPO.

    Args:
        policy: what is trained, in place.
        reference: the model whose distribution the KL keeps close to; never trained.
        critic: the trained critic.
        score: the composite reward.
        prompts: the training contexts.
        settings: the section `[ppo]`.
        accelerator: placement and processes.
        seed: of everything random.
        scaled: whether learning rates are stated for width 4096.
        emit: how progress is told.
        save: how checkpoints are made.
        validate: how the policy is measured on held-out turns.
        describe: what is told of the reward components of a batch.
    """

    stage = "rl"

    def __init__(
        self,
        *,
        policy: Backbone,
        reference: Any,
        critic: CriticModel,
        score: Score,
        prompts: Prompts,
        settings: PPOSettings,
        accelerator: Accelerator,
        seed: int,
        scaled: bool,
        emit: Emit,
        save: SaveState,
        validate: Validate,
        describe: Describe = means_and_spreads,
    ) -> None:
        check_sizes(settings, accelerator.num_processes, len(prompts.examples))
        self.policy, self.critic, self.prompts, self.settings = policy, critic, prompts, settings
        self.accelerator, self.seed, self.emit, self.save, self.validate = accelerator, seed, emit, save, validate
        self.describe = describe
        self.estimator = ESTIMATORS.build(settings.estimator)
        self.kl = KLController(
            settings.kl_coefficient, settings.kl_controller == "adaptive", settings.kl_target, settings.kl_horizon
        )
        for module in (policy.model, reference, critic):
            module.to(accelerator.device)
        reference.requires_grad_(requires_grad=False)
        body = CriticValues(critic) if settings.value == "critic" else TrunkValues(policy.hidden_size)
        self.rates = (
            effective_learning_rate(
                settings.learning_rate * settings.full_tuning_factor, policy.hidden_size, scaled=scaled
            ),
            effective_learning_rate(settings.critic_learning_rate, critic.hidden_size, scaled=scaled),
        )
        wrapped = ResponseModel(policy.model)
        self.value_body = body
        self.wrapped, self.values, self.policy_optimizer, self.value_optimizer = accelerator.prepare(
            wrapped,
            body,
            torch.optim.AdamW(wrapped.parameters(), lr=self.rates[0], eps=ADAM_EPSILON, weight_decay=0.0),
            torch.optim.AdamW(body.parameters(), lr=self.rates[1], eps=ADAM_EPSILON, weight_decay=0.0),
        )
        self.roller = Roller(
            policy=wrapped,
            reference=ResponseModel(reference),
            values=body,
            critic=critic,
            answer=local_answers(policy.model, policy.tokenizer),
            tokenizer=policy.tokenizer,
            score=score,
            accelerator=accelerator,
            decoding=Decoding(prompts.resp_max_length, sample=True, temperature=settings.temperature),
            missing_stop_penalty=settings.missing_stop_penalty,
            micro_batch_size=settings.micro_batch_size,
        )
        self.updater = PPOUpdate(
            self.wrapped,
            self.values,
            self.policy_optimizer,
            self.value_optimizer,
            accelerator,
            settings,
            seed=seed,
        )
        self.step, self.best_step, self.best_reward = 0, 0, -math.inf

    def train(self, *, save_every: int) -> RLResult:
        """Runs from the present step to the last.

        Args:
            save_every: updates between checkpoints.

        Raises:
            DivergedError: the reward, the KL or a loss is not finite.
        """
        if self.step == 0:
            self._validate(save=False)
        while self.step < self.settings.max_steps:
            self.train_step()
            last = self.step == self.settings.max_steps
            improved = False
            if last or self.step % self.settings.validate_every == 0:
                improved = self._validate(save=True)
            if not improved and (last or self.step % save_every == 0):
                self.save(self.step, {}, False, self.write_state)
        if self.best_step == 0:
            self.emit(
                self.stage,
                "warning",
                self.step,
                what="no validation was better than the baseline with every reward component held: "
                "the policy is the last one",
                fix="--bleu_weight 0.5 --empathy_weight 1.0 --recommendation_weight 0.5",
            )
        return RLResult(self.step, self.best_step, self.best_reward)

    def train_step(self) -> UpdateStats:
        """Steps 1 to 5 once."""
        clock = [time.perf_counter()]
        batch = self._draw()
        episodes = self.roller.roll(batch, self.prompts.examples)
        clock.append(time.perf_counter())
        contexts = critic_inputs(self.critic, [self.prompts.examples[e.example] for e in episodes])
        rollout = build_rollout(
            episodes,
            contexts,
            self.settings,
            self.estimator,
            kl_coefficient=self.kl.coefficient,
            pad=self.policy.tokenizer.pad_token_id,
        )
        self._set_rates()
        warm = self.step >= self.settings.critic_warmup_steps
        stats = self.updater.update(rollout, self.step, train_policy=warm)
        clock.append(time.perf_counter())
        values = rollout_values(episodes, rollout, self.kl.coefficient) | update_values(stats, clock, len(episodes))
        values |= self.describe(component_columns(episodes))
        self.kl.update(values["objective/kl"], len(episodes))
        self.step += 1
        self._tell(values, episodes)
        return stats

    def _draw(self) -> list[Prompt]:
        size = self.settings.batch_size
        indices = draw(len(self.prompts.examples), size, self.step, self.seed)
        # A seed a response, so that neither batch size nor process count changes what is drawn.
        seeds = random.Random(f"roll-{self.seed}-{self.step}")
        return [
            Prompt(place, index, self.prompts.ids[index], seeds.getrandbits(48)) for place, index in enumerate(indices)
        ]

    def _set_rates(self) -> None:
        # The policy's warm-up begins where the critic's ends: before, it takes no steps that could warm anything up.
        for optimizer, rate, first in (
            (self.policy_optimizer, self.rates[0], self.settings.critic_warmup_steps),
            (self.value_optimizer, self.rates[1], 0),
        ):
            share = rate_share(self.step - first, self.step, self.settings)
            for group in optimizer.param_groups:
                group["lr"] = rate * share

    def _tell(self, values: dict[str, float], episodes: Sequence[Episode]) -> None:
        values["train/lr"] = self.policy_optimizer.param_groups[0]["lr"]
        self.emit(self.stage, "step", self.step, **values)
        self.emit(self.stage, "sample", self.step, **sample_values(episodes, self.prompts.examples))
        self.emit(self.stage, "progress", self.step, done=self.step, total=self.settings.max_steps, what="updates")
        if values["train/skipped_steps"]:
            self.emit(
                self.stage,
                "warning",
                self.step,
                what="a gradient was not finite: the optimizer step was skipped",
                fix="--ppo_clip_epsilon 0.1 --ppo_epochs 2 --rl_learning_rate 5e-6",
            )
        wrong = [key for key, value in values.items() if not math.isfinite(value)]
        if wrong:
            raise DivergedError(
                f"{', '.join(wrong)} not finite at update {self.step}",
                at=f"rl, update {self.step}",
                fix="--ppo_clip_epsilon 0.1 --ppo_epochs 2 --rl_learning_rate 5e-6",
            )

    def _validate(self, *, save: bool) -> bool:
        """Measures the policy on held-out turns; saves it if it is the best so far and `save` is set."""
        metrics = self.validate(self.policy.model)
        self.emit(self.stage, "validation", self.step, **metrics)
        improved = metrics["eval/reward"] > self.best_reward and not metrics["eval/components_below"]
        if improved:
            self.best_step, self.best_reward = self.step, metrics["eval/reward"]
            if save:
                self.save(self.step, metrics, True, self.write_state)
        return improved and save

    def write_state(self, folder: Path) -> None:
        """Writes the policy as a plain model folder, and under `trainer/` all that a resume needs."""
        self.policy.save(folder)
        state = folder / "trainer"
        state.mkdir()
        save_module(self.value_body, state / "values.safetensors")
        save_optimizer(self.policy_optimizer, state / "policy_optimizer.safetensors")
        save_optimizer(self.value_optimizer, state / "value_optimizer.safetensors")
        facts = {
            "step": self.step,
            "kl_coefficient": self.kl.coefficient,
            "best_step": self.best_step,
            "best_reward": self.best_reward,
        }
        (state / "state.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")

    def restore(self, folder: Path) -> None:
        """Takes up what `write_state` wrote: what follows equals an uninterrupted run bit for bit on one machine.

        Rollouts, their order and the order of minibatches are drawn from the seed and the step, and dropout is off:
        there is no other random state.
        """
        load_module(self.policy.model, folder / "model.safetensors")
        state = folder / "trainer"
        load_module(self.value_body, state / "values.safetensors")
        load_optimizer(self.policy_optimizer, state / "policy_optimizer.safetensors")
        load_optimizer(self.value_optimizer, state / "value_optimizer.safetensors")
        facts = json.loads((state / "state.json").read_text(encoding="utf-8"))
        self.step, self.kl.coefficient = facts["step"], facts["kl_coefficient"]
        self.best_step, self.best_reward = facts["best_step"], facts["best_reward"]
