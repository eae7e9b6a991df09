"""The PPO training loop: rollouts, rewards, updates, health, checkpoints.

1. set the reward weights of the moment, and draw the next training contexts
2. roll out: the policy answers, the reward components score, log-probs and values are measured
3. scale the scores, and update the policy and the value function (`ecr_engine.rl.ppo`)
4. adapt the KL weight
5. emit events; validate and checkpoint when due
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from ecr_engine.config.sections.rl import PPOSettings
from ecr_engine.errors import DivergedError
from ecr_engine.models.backbone import Backbone
from ecr_engine.models.critic import CriticModel
from ecr_engine.models.generation import Decoding
from ecr_engine.models.placement import any_of
from ecr_engine.models.random_state import seed_all
from ecr_engine.rl.checks import check_estimator, check_model, check_prompts, check_sizes
from ecr_engine.rl.diversity import Credit, diversity_of
from ecr_engine.rl.draw import draw_batch
from ecr_engine.rl.estimator import ESTIMATORS
from ecr_engine.rl.kl import IN_REWARD, LOGGED, KLController
from ecr_engine.rl.learner import Learner, value_function
from ecr_engine.rl.no_critic import NoValues
from ecr_engine.rl.order import Order
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
from ecr_engine.rl.scaling import RunningStatistics, ScoreScaling
from ecr_engine.rl.state import Facts
from ecr_engine.rl.types import Episode, Prompts, Rollout, UpdateStats
from ecr_engine.runs.events import Emit
from ecr_engine.runs.stopping import Stop

if TYPE_CHECKING:
    from accelerate import Accelerator

__all__ = ["PPOTrainer", "Prompts", "RLResult", "SaveState", "Validate", "Watch", "WeightsAt"]

CALMER = "--ppo_clip_epsilon 0.1 --ppo_epochs 2 --rl_learning_rate 5e-6"
"""The guide's remedy for a training that is not stable."""

Validate = Callable[[Any], dict[str, float]]
"""Answers the validation turns with a model and returns `eval/…` values. What is best is decided by `eval/reward`,
among the policies with `eval/components_below` of 0: a reward bought by giving up one of its parts is no gain."""

SaveState = Callable[[int, dict[str, float], bool, Callable[[Path], None]], None]
"""Makes a checkpoint: step, metrics, whether it is the best, and a function that writes the files."""

Watch = Callable[[int, Mapping[str, float]], None]
"""Looks at the values of an update after they were told; may emit warnings, or raise `DivergedError`."""

WeightsAt = Callable[[float], Mapping[str, float]]
"""Progress of the training, in [0, 1), to the weight of each reward component."""


class WeightedScore(Score, Protocol):
    """A composite reward whose weights can be set."""

    def update_weights(self, weights: Mapping[str, float]) -> None:
        """Weighs components like this from now on."""


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


class PPOTrainer:
    """Improves a policy by PPO.

    Args:
        policy: what is trained, in place.
        reference: what the KL keeps close to, with the call of a `ResponseModel`; never trained.
        critic: the trained critic; may be None where neither values nor an estimator use it.
        score: the composite reward; with `weights_at` a `WeightedScore`.
        prompts: the training contexts.
        settings: the section `[ppo]`.
        accelerator: placement and processes.
        seed: of everything random.
        scaled: whether learning rates are stated for width 4096.
        emit: how progress is told.
        save: how checkpoints are made.
        validate: how the policy is measured on held-out turns.
        describe: what is told of the reward components of a batch.
        watch: called after each step event.
        weights_at: the reward weights as a function of progress; None: they stay.
        order: which examples are drawn when; None: all from the start.
        stop: whether the training was asked to end.

    Raises:
        UsageError: settings, sizes, prompts or the tokenizer leave nothing to train on, each with its reason.
        DataError: a prompt is empty.
    """

    stage = "rl"

    def __init__(
        self,
        *,
        policy: Backbone,
        reference: Any,
        critic: CriticModel | None,
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
        watch: Watch = lambda _step, _values: None,
        weights_at: WeightsAt | None = None,
        order: Order | None = None,
        stop: Stop | None = None,
    ) -> None:
        check_estimator(settings)
        check_sizes(settings, accelerator.num_processes)
        check_prompts(prompts)
        check_model(policy.tokenizer, int(policy.model.config.max_position_embeddings), prompts)
        self.policy, self.prompts, self.settings, self.score = policy, prompts, settings, score
        self.accelerator, self.seed, self.emit, self.save, self.validate = accelerator, seed, emit, save, validate
        self.describe, self.watch, self.weights_at, self.order = describe, watch, weights_at, order
        self.stop = Stop() if stop is None else stop
        self.estimator = ESTIMATORS.build(settings.estimator)
        self.kl = KLController(
            settings.kl_coefficient, settings.kl_controller == "adaptive", settings.kl_target, settings.kl_horizon
        )
        self.scaling = ScoreScaling(settings.reward_scaling == "running_std", settings.reward_clip, RunningStatistics())
        body = value_function(policy, critic, settings) if self.estimator.needs_values else None
        self.learner = Learner(policy, body, settings, accelerator, scaled=scaled)
        self.diversity = (
            diversity_of(prompts, policy.tokenizer, settings.diversity_order, settings.diversity_cap)
            if settings.diversity_coefficient
            else None
        )
        self.roller = self._make_roller(reference)
        self.updater = PPOUpdate(
            self.learner.model,
            self.learner.values,
            self.learner.policy_optimizer,
            self.learner.value_optimizer,
            accelerator,
            settings,
            seed=seed,
            warn=lambda warning: self._warn(**warning),
        )
        self.step, self.best_step, self.best_reward = 0, 0, -math.inf

    def _make_roller(self, reference: Any) -> Roller:
        settings, tokenizer = self.settings, self.policy.tokenizer
        values: Any = NoValues() if self.learner.body is None else self.learner.body
        return Roller(
            policy=self.learner.inner,
            reference=reference,
            values=values,
            critic=self.learner.contexts,
            answer=local_answers(self.policy.model, tokenizer),
            tokenizer=tokenizer,
            score=self.score,
            accelerator=self.accelerator,
            decoding=Decoding(self.prompts.resp_max_length, sample=True, temperature=settings.temperature),
            missing_stop_penalty=settings.missing_stop_penalty,
            micro_batch_size=settings.micro_batch_size,
            warn=lambda warning: self._warn(**warning),
        )

    @property
    def progress(self) -> float:
        """Share of the updates that are done, in [0, 1) while there is one to do."""
        return self.step / self.settings.max_steps

    def train(self, *, save_every: int) -> RLResult:
        """Runs from the present step to the last; asked to end, to the end of the step, which is then saved.

        Args:
            save_every: updates between checkpoints.

        Raises:
            DivergedError: the reward, the KL or a loss is not finite.
        """
        with self.stop.held():
            self._begin()
            while self.step < self.settings.max_steps:
                self.train_step()
                self._end_if_asked(saved=self._keep(save_every))
        if self.best_step == 0:
            self._warn(
                "no validation was better than the baseline with every reward component held: "
                "the policy is the last one",
                "--bleu_weight 0.5 --empathy_weight 1.0 --recommendation_weight 0.5",
            )
        return RLResult(self.step, self.best_step, self.best_reward)

    def _begin(self) -> None:
        """What comes before the first update; a training that was taken up has it behind it."""
        if self.step == 0:
            self._tell_method()
            seed_all(self.seed)
            self._validate(save=False)
            self._end_if_asked(saved=True)

    def _keep(self, save_every: int) -> bool:
        """Validates and saves what is due after an update, and returns whether it was saved."""
        last = self.step == self.settings.max_steps
        if (last or self.step % self.settings.validate_every == 0) and self._validate(save=True):
            return True
        if last or self.step % save_every == 0:
            self.save(self.step, {}, False, self.write_state)
            return True
        return False

    def _end_if_asked(self, *, saved: bool) -> None:
        """Ends the training if one of the processes was asked to; what is not saved yet is saved first."""
        if any_of(self.stop.asked, self.accelerator):
            if not saved:
                self.save(self.step, {}, False, self.write_state)
            self.stop.leave()

    def train_step(self) -> UpdateStats:
        """Steps 1 to 5 once."""
        clock = [time.perf_counter()]
        weights = self._reweigh()
        episodes = self.roller.roll(self._draw(), self.prompts.examples)
        clock.append(time.perf_counter())
        credit = self._credit(episodes)
        rollout = self._rollout(episodes, credit)
        self.learner.set_rates(self.step)
        stats = self.updater.update(rollout, self.step, train_policy=self.step >= self.learner.warmup_steps)
        clock.append(time.perf_counter())
        values = rollout_values(episodes, rollout, self.kl.coefficient, with_values=self.estimator.needs_values)
        values |= update_values(stats, clock, len(episodes), with_values=self.estimator.needs_values)
        values |= {f"time/{phase}_s": seconds for phase, seconds in self.roller.seconds._asdict().items()}
        values |= self.describe(component_columns(episodes))
        values |= {f"rewards/{name}/weight": weight for name, weight in weights.items()}
        if self.order is not None:
            values["curriculum/open"] = float(self.order.open_at(self.progress))
        if self.scaling.running:
            values["objective/score_scale"] = self.scaling.statistics.std
        if credit is not None:
            values["objective/diversity"] = credit.mean
        self.kl.update(values["objective/kl"], len(episodes))
        self.step += 1
        self._tell(values, episodes)
        return stats

    def _reweigh(self) -> Mapping[str, float]:
        """Sets the reward weights of the moment, and returns them; none if they do not move."""
        if self.weights_at is None:
            return {}
        weights = self.weights_at(self.progress)
        cast("WeightedScore", self.score).update_weights(weights)
        return weights

    def _draw(self) -> list[Prompt]:
        return draw_batch(
            self.prompts,
            batch_size=self.settings.batch_size,
            samples_per_prompt=self.settings.samples_per_prompt,
            step=self.step,
            total=self.settings.max_steps,
            seed=self.seed,
            order=self.order,
        )

    def _credit(self, episodes: Sequence[Episode]) -> Credit | None:
        """What episodes are credited for diversity, if that is set; from then on they count among what was said."""
        if self.diversity is None:
            return None
        credit = self.diversity.credit(episodes)
        self.diversity.remember(episodes)
        return credit

    def _rollout(self, episodes: Sequence[Episode], credit: Credit | None) -> Rollout:
        """Episodes as tensors with advantages; their scores on the scale that is set."""
        return build_rollout(
            episodes,
            critic_inputs(self.learner.contexts, [self.prompts.examples[e.example] for e in episodes]),
            self.settings,
            self.estimator,
            kl_coefficient=self.kl.coefficient,
            pad=self.policy.tokenizer.pad_token_id,
            scores=self.scaling.apply([episode.score for episode in episodes]),
            credit=None if credit is None else self.settings.diversity_coefficient * credit.tokens,
        )

    def _tell_method(self) -> None:
        """Says what the numbers of the step events are estimates of."""
        settings = self.settings
        self.emit(
            self.stage,
            "config",
            self.step,
            estimator=self.estimator.name,
            samples_per_prompt=settings.samples_per_prompt,
            kl_in_reward=IN_REWARD,
            kl_logged=f"{IN_REWARD} as objective/kl, {LOGGED} as objective/kl_k3 and policy/approx_kl",
            kl_controller=settings.kl_controller,
        )

    def _tell(self, values: dict[str, float], episodes: Sequence[Episode]) -> None:
        values["train/lr"] = self.learner.rate
        self.emit(self.stage, "step", self.step, **values)
        self.emit(self.stage, "sample", self.step, **sample_values(episodes, self.prompts.examples))
        self.emit(self.stage, "progress", self.step, done=self.step, total=self.settings.max_steps, what="updates")
        if values["train/skipped_steps"]:
            self._warn("a gradient was not finite: the optimizer step was skipped", CALMER)
        self.watch(self.step, values)
        wrong = [key for key, value in values.items() if not math.isfinite(value)]
        if wrong:
            raise DivergedError(
                f"{', '.join(wrong)} not finite at update {self.step}", at=f"rl, update {self.step}", fix=CALMER
            )

    def _warn(self, what: str, fix: str) -> None:
        self.emit(self.stage, "warning", self.step, what=what, fix=fix)

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
        facts = Facts(
            self.step,
            self.kl.coefficient,
            self.scaling.statistics,
            self.best_step,
            self.best_reward,
            self.updater.width,
            self.roller.micro_batch_size,
            () if self.diversity is None else tuple(self.diversity.recent),
        )
        self.learner.write(folder, facts)

    def restore(self, folder: Path) -> None:
        """Takes up what `write_state` wrote: what follows equals an uninterrupted run bit for bit on one machine."""
        facts = self.learner.read(folder)
        self.step, self.kl.coefficient, self.scaling.statistics = facts.step, facts.kl_coefficient, facts.scores
        self.best_step, self.best_reward = facts.best_step, facts.best_reward
        self.updater.width, self.roller.micro_batch_size = facts.width, facts.roll_width
        if self.diversity is not None:
            self.diversity.recent.extend(facts.recent)
