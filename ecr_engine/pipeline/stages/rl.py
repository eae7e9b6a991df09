"""Stage `rl`: improves the baseline by PPO on the composite reward."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ecr_engine.data.schema import Sample, Split
from ecr_engine.data.selection import pick
from ecr_engine.errors import DivergedError
from ecr_engine.evaluation.generate import decoding_of, prompt_encoder, respond
from ecr_engine.models.backbone import pick_device
from ecr_engine.models.critic import load_critic
from ecr_engine.models.placement import make_accelerator
from ecr_engine.models.policies import load_trainable
from ecr_engine.pipeline.curriculum import MovingScore, training_composer, training_order
from ecr_engine.pipeline.rewarding import resources_of
from ecr_engine.pipeline.stage import StageContext
from ecr_engine.pipeline.stages.baseline import check_window, tuning_of
from ecr_engine.pipeline.stages.data import load_split
from ecr_engine.pipeline.stages.saving import keep, take_up
from ecr_engine.pipeline.watching import watch_of
from ecr_engine.rewards.composition import Composer, CompositeReward
from ecr_engine.rewards.resources import Resources
from ecr_engine.rewards.sources import sources_of, write_sources
from ecr_engine.rewards.statistics import component_statistics
from ecr_engine.rl.curriculum import schedule, used_components
from ecr_engine.rl.health.watch import HealthWatch
from ecr_engine.rl.reference import Autocast, Reference, reference_of
from ecr_engine.rl.report import Columns, Describe
from ecr_engine.rl.rollout import Score
from ecr_engine.rl.trainer import PPOTrainer, Prompts, SaveState
from ecr_engine.runs import processes
from ecr_engine.runs.checkpoints import best

TOLERANCE = 1.96
"""Standard errors that a component may fall on validation and still count as held: to the end of its 95 % interval."""

LEAST_TOLERANCE = 0.005
"""What a component may fall in any case: one that is the same for every turn has no standard error."""


def scorer(composer: Composer) -> Score:
    """The composite reward in the form that rollouts want."""

    def score(samples: Sequence[Sample]) -> tuple[Sequence[float], dict[str, Sequence[float | None]]]:
        reward = composer.score(samples)
        return reward.total, dict(reward.components)

    return score


def describer(composer: Composer, baseline: Mapping[str, float]) -> Describe:
    """How a batch's components are told: mean, std, share of the total, and difference to the baseline.

    Args:
        composer: the composite reward, with the weights of the moment.
        baseline: the reference's mean of each component on the validation turns, before the first update.
    """

    def describe(columns: Columns) -> dict[str, float]:
        values: dict[str, float] = {}
        for name, found in component_statistics(composer.compose(columns), baseline).items():
            told = {f"rewards/{name}/{key}": value for key, value in asdict(found).items()}
            values |= {key: value for key, value in told.items() if value is not None}
        return values

    return describe


class Validator:
    """Answers validation turns as the evaluation will, scores them, and holds each component against the baseline's.

    Args:
        context: the stage's.
        tokenizer: of both models.
        composer: the composite reward.
        reference: the reference policy, which is the baseline.
        autocast: in what the policy computes.
    """

    def __init__(
        self, context: StageContext, tokenizer: Any, composer: Composer, reference: Reference, autocast: Autocast
    ) -> None:
        settings = context.settings
        self._autocast = autocast
        self._settings = settings
        self._tokenizer = tokenizer
        self._composer = composer
        self._examples = pick(load_split(context.folder, Split.VALID), settings.ppo.validation_turns, settings.seed)
        self._encoder = prompt_encoder(tokenizer, settings.prompt)
        with reference.model() as model:
            scored = self._score(model)[0].components
        self._floors = {name: floor(scores) for name, scores in scored.items()}
        self._baseline = {name: mean(scores) for name, scores in scored.items() if set(scores) != {None}}

    @property
    def baseline(self) -> dict[str, float]:
        """The reference's mean of each component on the validation turns, where it applies to any."""
        return dict(self._baseline)

    def __call__(self, model: Any) -> dict[str, float]:
        """`eval/reward`, the mean of each component, and how many of them are below the baseline's."""
        reward, tokens = self._score(model)
        means = {name: mean(scores) for name, scores in reward.components.items()}
        below = sum(value < self._floors[name] for name, value in means.items())
        return {
            "eval/reward": statistics.fmean(reward.total),
            **{f"eval/{name}": value for name, value in means.items()},
            "eval/components_below": float(below),
            "eval/tokens": tokens,
        }

    def _score(self, model: Any) -> tuple[CompositeReward, float]:
        """The rewards of the model's responses, and their mean length in tokens."""
        settings = self._settings
        with self._autocast():
            samples = respond(
                model,
                self._tokenizer,
                self._examples,
                self._encoder,
                decoding_of(settings.evaluation, settings.prompt),
                batch_size=settings.evaluation.batch_size,
                seed=settings.seed,
            )
        return self._composer.score(samples), statistics.fmean(sample.tokens for sample in samples)


def mean(scores: Sequence[float | None]) -> float:
    """Mean of the scores that apply; 0 if none does."""
    known = [score for score in scores if score is not None]
    return statistics.fmean(known) if known else 0.0


def floor(scores: Sequence[float | None]) -> float:
    """The lower end of the mean's 95 % interval, or a little less: below it a component counts as given up."""
    known = [score for score in scores if score is not None]
    spread = statistics.stdev(known) if len(known) > 1 else 0.0
    return mean(scores) - max(TOLERANCE * spread / math.sqrt(max(1, len(known))), LEAST_TOLERANCE)


def watched(save: SaveState, watch: HealthWatch) -> SaveState:
    """A way to save that names what is left of a training whose weights turn out not to be finite.

    The values of an update are measured before its last step, so the weights may be lost where nothing shows it yet.
    """

    def keep_watch(step: int, metrics: dict[str, float], is_best: bool, write: Callable[[Path], None]) -> None:
        try:
            save(step, metrics, is_best, write)
        except DivergedError as error:
            raise watch.lost(error.problems[0].what, step) from error

    return keep_watch


def make_trainer(context: StageContext, save: SaveState) -> PPOTrainer:
    """The trainer that a run's settings, baseline and critic lead to.

    Args:
        context: the stage's.
        save: how checkpoints are made.
    """
    settings = context.settings
    accelerator = make_accelerator(pick_device(settings.device), settings.backbone.precision)
    policy = load_trainable(str(best(context.folder.stage("baseline"))), tuning_of(settings))
    policy.model.to(accelerator.device)
    check_window(policy, settings.prompt)
    reference = reference_of(policy, accelerator.autocast)
    encoder = prompt_encoder(policy.tokenizer, settings.prompt)
    train = load_split(context.folder, Split.TRAIN)
    resources = resources_of(context)
    # Two composers: the weights of the training may move, those that it is measured by do not.
    composer = training_composer(settings, resources)
    measure = Composer(settings.rewards, resources=resources)
    validator = Validator(context, policy.tokenizer, measure, reference, accelerator.autocast)
    watch = watch_of(context.folder, settings, context.emit, resume=context.resume, data=context.source)
    return PPOTrainer(
        policy=policy,
        reference=reference,
        critic=load_critic(best(context.folder.stage("critic"))),
        score=MovingScore(composer),
        prompts=Prompts(train, [encoder.prompt(row.context) for row in train], settings.prompt.resp_max_length),
        settings=settings.ppo,
        accelerator=accelerator,
        seed=settings.seed if settings.ppo.seed is None else settings.ppo.seed,
        scaled=settings.backbone.scale_learning_rate,
        emit=context.emit,
        save=watched(save, watch),
        validate=validator,
        describe=describer(composer, validator.baseline),
        watch=watch,
        weights_at=schedule(settings.curriculum, settings.rewards),
        order=training_order(settings, train, encoder, policy),
        stop=context.stop,
    )


def mark_policy(context: StageContext) -> None:
    """Writes down what trains the policy, and tells of each judge that does: its scores are no evidence any more."""
    settings = context.settings
    resources = Resources(
        encoder=settings.reward_options.similarity_encoder,
        judge=settings.judge.name,
        critic=best(context.folder.stage("critic")),
    )
    sources = sources_of(used_components(settings.curriculum, settings.rewards), resources)
    if processes.is_first():
        write_sources(context.folder.stage("policy"), sources)
    for judge in sources.judges:
        what = f"the judge '{judge}' trains the policy: what it says of the responses is marked as in the reward"
        context.emit("rl", "note", what=what)


def run(context: StageContext) -> None:
    """Trains the policy; from a checkpoint of an earlier attempt where there is one to go on from."""
    settings = context.settings
    stage = context.folder.stage("policy")

    def save(step: int, metrics: dict[str, float], is_best: bool, write: Callable[[Path], None]) -> None:
        keep(context, stage, ("rl", step), metrics, best=is_best, write=write)

    mark_policy(context)
    trainer = make_trainer(context, save)
    take_up(context, trainer.restore)
    if context.start is not None:
        context.emit("rl", "note", trainer.step, what=f"taken up at update {trainer.step}")
    result = trainer.train(save_every=settings.checkpoints.every)
    context.emit(
        "rl", "note", result.steps, what=f"best validation reward {result.best_reward:.3f} at update {result.best_step}"
    )
