"""Histories of trainings, healthy and not, for the warnings to look at."""

from __future__ import annotations

import random

from ecr_engine.config.sections.health import HealthSettings
from ecr_engine.config.sections.rl import PPOSettings
from ecr_engine.rl.health.finding import WARNINGS
from ecr_engine.rl.health.history import History, Step
from ecr_engine.rl.health.remedies import Remedies

COMMAND = "ecrctl rl train --run runs/x --resume auto"
WEIGHTS = {"bleu": 1.0, "empathy": 2.0, "recommendation": 1.5, "format": 1.0}


def remedies(*, rewards=None, limit=60, **ppo):
    return Remedies(COMMAND, PPOSettings(**ppo), WEIGHTS if rewards is None else rewards, limit)


def quiet(step):
    """The values of a healthy update without any noise: the reward rises, the critic learns."""
    return {
        "objective/reward": 0.40 + 0.001 * step,
        "objective/reward_std": 0.16,
        "objective/kl": 0.02 * step,
        "objective/entropy": 2.0,
        "policy/loss": -0.017,
        "policy/approx_kl": 0.003,
        "value/loss": 0.006,
        "value/explained_variance": 0.25,
        "value/grad_norm": 0.1,
        "completions/mean_length": 17.0,
        "completions/clipped_ratio": 0.01,
        "train/grad_norm": 1.0,
        "train/skipped_steps": 0.0,
        "rewards/bleu/mean": 0.08,
        "rewards/empathy/mean": 0.40 + 0.002 * step,
        "rewards/format/mean": -0.01,
    }


NOISE = {
    "objective/reward": 0.025,
    "objective/kl": 0.3,
    "objective/entropy": 0.09,
    "policy/loss": 0.004,
    "policy/approx_kl": 0.0008,
    "value/loss": 0.001,
    "value/explained_variance": 0.11,
    "completions/mean_length": 1.5,
    "completions/clipped_ratio": 0.006,
    "rewards/bleu/mean": 0.015,
    "rewards/empathy/mean": 0.035,
    "rewards/format/mean": 0.009,
}
"""Spreads of these values from update to update, as trainings of 64 rollouts an update have them."""


def healthy(step, rng):
    """The same with the noise of a real training."""
    return {key: value + rng.gauss(0, NOISE.get(key, 0.0)) for key, value in quiet(step).items()}


def steps(count, change=lambda step: {}, *, noise_of=None):
    """`count` updates; `change` says what is not as in a healthy one, from the update's number."""
    rng = random.Random(noise_of)
    base = quiet if noise_of is None else (lambda step: healthy(step, rng))
    return [Step(step, {**base(step), **change(step)}) for step in range(1, count + 1)]


def first_finding(name, history, *, settings=None, given=None):
    """(update, finding) of the first time a warning fires, or None."""
    settings = settings or HealthSettings()
    look = WARNINGS.build(name, settings, given or remedies())
    seen = History(max(2 * settings.window, settings.flat_updates))
    for step in history:
        seen = seen.after(step)
        finding = look(seen)
        if finding is not None:
            return step.number, finding
    return None
