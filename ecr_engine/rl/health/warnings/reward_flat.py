"""The reward does not rise, or does not differ from response to response."""

from __future__ import annotations

from ecr_engine.config.sections.health import HealthSettings
from ecr_engine.rl.health.finding import Finding, Look
from ecr_engine.rl.health.history import NOISE_FLOOR, History, rise, series, unbroken
from ecr_engine.rl.health.remedies import Remedies

REWARD, SPREAD = "objective/reward", "objective/reward_std"
WHY = "PPO learns from differences in reward: where there are none, or none that it can act on, the policy drifts"


def build(settings: HealthSettings, remedies: Remedies) -> Look:
    """The warning under these settings."""

    def look(history: History) -> Finding | None:
        same = unbroken(history.last, SPREAD, low=NOISE_FLOOR)
        rewards = series(same, REWARD)
        # A batch of one response has no spread either, but not the same reward each time.
        if len(rewards) >= settings.window and max(rewards) - min(rewards) < NOISE_FLOOR:
            what = f"all responses of the last {len(rewards)} updates got the same reward, {rewards[-1]:.4f}"
            return Finding(what, WHY, remedies.other_weights(), same[0].number)
        ends = history.ends(settings.flat_updates // 2, REWARD)
        if ends is None or not all(step.learned for step in ends[1]):
            return None
        found = rise(*(series(steps, REWARD) for steps in ends))
        # One standard error: a policy that learns at all is beyond it by then.
        if found.size >= found.error:
            return None
        count = history.newest.number - history.first[0].number + 1
        what = (
            f"after {count} updates the mean reward is {found.after:.4f}, at the start it was {found.before:.4f} "
            f"(means of {len(ends[0])} updates, standard error {found.error:.4f})"
        )
        return Finding(what, WHY, remedies.other_weights(), history.newest.number)

    return look
