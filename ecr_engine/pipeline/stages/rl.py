"""Stage `rl`: improves the baseline by PPO on the composite reward."""

from __future__ import annotations

import copy
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ecr_engine.data.schema import Sample, Split
from ecr_engine.data.selection import pick
from ecr_engine.evaluation.generate import decoding_of, prompt_encoder, respond
from ecr_engine.models.backbone import pick_device
from ecr_engine.models.critic import load_critic
from ecr_engine.models.placement import make_accelerator
from ecr_engine.pipeline.stage import StageContext
from ecr_engine.pipeline.stages.baseline import load_checkpoint
from ecr_engine.pipeline.stages.data import load_split
from ecr_engine.rewards.composition import Composer
from ecr_engine.rl.rollout import Score
from ecr_engine.rl.trainer import PPOTrainer, Prompts, Validate
from ecr_engine.runs.checkpoints import best, has_best, latest, list_checkpoints, save_checkpoint


def scorer(composer: Composer) -> Score:
    """The composite reward in the form that rollouts want."""

    def score(samples: Sequence[Sample]) -> tuple[Sequence[float], dict[str, Sequence[float | None]]]:
        reward = composer.score(samples)
        return reward.total, dict(reward.components)

    return score


def validator(context: StageContext, tokenizer: Any, composer: Composer) -> Validate:
    """Answers validation turns as the evaluation will, and scores them."""
    settings = context.settings
    examples = pick(load_split(context.folder, Split.VALID), settings.ppo.validation_turns, settings.seed)
    encoder = prompt_encoder(tokenizer, settings.prompt)

    def validate(model: Any) -> dict[str, float]:
        samples = respond(
            model,
            tokenizer,
            examples,
            encoder,
            decoding_of(settings.evaluation, settings.prompt),
            batch_size=settings.evaluation.batch_size,
            seed=settings.seed,
        )
        reward = composer.score(samples)
        values = {"eval/reward": statistics.fmean(reward.total)}
        for name, scores in reward.components.items():
            known = [score for score in scores if score is not None]
            if known:
                values[f"eval/{name}"] = statistics.fmean(known)
        values["eval/length"] = statistics.fmean(sample.tokens for sample in samples)
        return values

    return validate


def run(context: StageContext) -> None:
    """Trains the policy; takes up the newest checkpoint of an interrupted attempt."""
    settings = context.settings
    stage = context.folder.stage("policy")
    policy = load_checkpoint(best(context.folder.stage("baseline")), settings.device)
    encoder = prompt_encoder(policy.tokenizer, settings.prompt)
    train = load_split(context.folder, Split.TRAIN)
    composer = Composer(settings.rewards)

    def save(step: int, metrics: dict[str, float], is_best: bool, write: Callable[[Path], None]) -> None:
        path = save_checkpoint(
            stage, step, write, metrics=metrics, best=is_best, keep_last=settings.checkpoints.keep_last
        )
        context.emit("rl", "checkpoint", step, path=path.name, best=is_best)

    trainer = PPOTrainer(
        policy=policy,
        reference=copy.deepcopy(policy.model),
        critic=load_critic(best(context.folder.stage("critic"))),
        score=scorer(composer),
        prompts=Prompts(train, [encoder.prompt(row.context) for row in train], settings.prompt.resp_max_length),
        settings=settings.ppo,
        accelerator=make_accelerator(pick_device(settings.device), settings.backbone.precision),
        seed=settings.seed,
        scaled=settings.backbone.scale_learning_rate,
        emit=context.emit,
        save=save,
        validate=validator(context, policy.tokenizer, composer),
    )
    if context.resume and list_checkpoints(stage):
        trainer.restore(latest(stage))
        context.emit("rl", "note", trainer.step, what=f"taken up at update {trainer.step}")
    result = trainer.train(save_every=settings.checkpoints.every)
    context.emit(
        "rl", "note", result.steps, what=f"best validation reward {result.best_reward:.3f} at update {result.best_step}"
    )


def policy_checkpoint(context: StageContext) -> Path:
    """The policy that is evaluated: the best on validation, or the newest if none beat the baseline."""
    stage = context.folder.stage("policy")
    return best(stage) if has_best(stage) else latest(stage)
