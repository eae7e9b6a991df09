"""Too many responses are cut at the length limit."""

from __future__ import annotations

import statistics

from ecr_engine.config.sections.health import HealthSettings
from ecr_engine.rl.health.finding import PERSISTENT, Finding, Look
from ecr_engine.rl.health.history import History, series
from ecr_engine.rl.health.remedies import Remedies

CUT, LENGTH = "completions/clipped_ratio", "completions/mean_length"
WHY = (
    "a response that is cut is scored unfinished, so the policy learns from the limit and not from what it says; "
    "ppo.missing_stop_penalty makes rambling cost something"
)


def build(settings: HealthSettings, remedies: Remedies) -> Look:
    """The warning under these settings."""

    def look(history: History) -> Finding | None:
        steps = [step for step in history.last[-settings.window :] if step.has(CUT, LENGTH)]
        if len(steps) < PERSISTENT:
            return None
        share = statistics.fmean(series(steps, CUT))
        if share <= settings.clipped_ratio_high:
            return None
        what = (
            f"{share:.0%} of the responses of the last {len(steps)} updates end at the limit of "
            f"{remedies.resp_max_length} tokens (bound {settings.clipped_ratio_high:.0%}, "
            f"mean length {statistics.fmean(series(steps, LENGTH)):.1f})"
        )
        return Finding(what, WHY, remedies.longer(), steps[0].number)

    return look
