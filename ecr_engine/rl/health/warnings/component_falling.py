"""A reward component falls while the total rises: the policy buys the total with it (Goodhart's law)."""

from __future__ import annotations

from collections.abc import Sequence

from ecr_engine.config.sections.health import HealthSettings
from ecr_engine.rl.health.finding import Finding, Look
from ecr_engine.rl.health.history import History, Rise, Step, rise, series
from ecr_engine.rl.health.remedies import Remedies

REWARD = "objective/reward"
PREFIX, SUFFIX = "rewards/", "/mean"
WHY = (
    "a total that is bought by giving up one of its parts is no better policy, and no checkpoint of it becomes the best"
)


def build(settings: HealthSettings, remedies: Remedies) -> Look:
    """The warning under these settings."""

    def look(history: History) -> Finding | None:
        ends = history.ends(settings.window, REWARD)
        if ends is None:
            return None
        total = rise(*(series(steps, REWARD) for steps in ends))
        if total.size <= settings.deviations * total.error:
            return None
        falls = {name: rise(*(series(steps, _key(name)) for steps in ends)) for name in _components(*ends)}
        deep = {name: found for name, found in falls.items() if _is_deep(found)}
        if not deep:
            return None
        name, found = min(deep.items(), key=lambda pair: pair[1].size)
        what = (
            f"the component {name} fell from {found.before:.3f} to {found.after:.3f} while the total rose from "
            f"{total.before:.3f} to {total.after:.3f} (means of the first and the last {settings.window} updates)"
        )
        return Finding(what, WHY, remedies.heavier(name), ends[1][0].number)

    def _is_deep(found: Rise) -> bool:
        return -found.size > max(settings.component_fall, settings.deviations * found.error)

    return look


def _components(first: Sequence[Step], last: Sequence[Step]) -> list[str]:
    """The components that every one of these updates tells."""
    names = [key.removeprefix(PREFIX).removesuffix(SUFFIX) for key in last[-1].values if key.startswith(PREFIX)]
    return [name for name in names if all(step.has(_key(name)) for step in (*first, *last))]


def _key(name: str) -> str:
    return f"{PREFIX}{name}{SUFFIX}"
