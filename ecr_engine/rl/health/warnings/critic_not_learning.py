"""The critic explains next to nothing of the returns after the time it was given."""

from __future__ import annotations

import statistics

from ecr_engine.config.sections.health import HealthSettings
from ecr_engine.rl.health.finding import Finding, Look
from ecr_engine.rl.health.history import NOISE_FLOOR, History, Step, series
from ecr_engine.rl.health.remedies import Remedies

EXPLAINED = "value/explained_variance"
WHY = "advantages are returns less the critic's guess: without a good guess they are noise, and learning is slow"


def build(settings: HealthSettings, remedies: Remedies) -> Look:
    """The warning under these settings."""

    def look(history: History) -> Finding | None:
        newest = history.newest
        steps = [step for step in history.last[-settings.window :] if _has_something_to_learn(step)]
        if len(steps) < settings.window or newest.number - history.first[0].number + 1 < settings.critic_updates:
            return None
        explained = statistics.fmean(series(steps, EXPLAINED))
        if explained >= settings.explained_variance_least:
            return None
        what = (
            f"the critic explains {explained:.3f} of the variance of the returns "
            f"(mean of the last {len(steps)} updates; 1 is all, 0 is what a constant does)"
        )
        return Finding(what, WHY, remedies.faster_critic(), newest.number)

    return look


def _has_something_to_learn(step: Step) -> bool:
    """Whether a critic was trained in this update, on rewards that differ."""
    trained = step.has(EXPLAINED) and step.values.get("value/grad_norm", 0.0) > 0
    return trained and step.values.get("objective/reward_std", 0.0) > NOISE_FLOOR
