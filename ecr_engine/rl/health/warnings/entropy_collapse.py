"""The policy has become sure of everything: it says the same whatever it is asked."""

from __future__ import annotations

import statistics

from ecr_engine.config.sections.health import HealthSettings
from ecr_engine.rl.health.finding import PERSISTENT, Finding, Look
from ecr_engine.rl.health.history import History, series, unbroken
from ecr_engine.rl.health.remedies import Remedies

ENTROPY = "objective/entropy"
WHY = "a policy without entropy draws the same response again and again: it finds nothing better, and suits nobody"


def build(settings: HealthSettings, remedies: Remedies) -> Look:
    """The warning under these settings."""

    def look(history: History) -> Finding | None:
        first = series(history.first[:PERSISTENT], ENTROPY)
        if len(first) < PERSISTENT:
            return None
        start = statistics.fmean(first)
        low = unbroken(history.last, ENTROPY, low=settings.entropy_share * start)
        if len(low) < PERSISTENT:
            return None
        now = low[-1].values[ENTROPY]
        what = (
            f"the entropy is {now:.3f} nats a token, {now / start:.0%} of the {start:.3f} at the start "
            f"(bound {settings.entropy_share:.0%}, below it for {len(low)} updates)"
        )
        return Finding(what, WHY, remedies.livelier(), low[0].number)

    return look
