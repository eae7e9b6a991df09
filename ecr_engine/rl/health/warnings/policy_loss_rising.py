"""The policy loss rises fast: the guide's first warning sign."""

from __future__ import annotations

import statistics

from ecr_engine.config.sections.health import HealthSettings
from ecr_engine.rl.health.finding import PERSISTENT, Finding, Look
from ecr_engine.rl.health.history import History, series
from ecr_engine.rl.health.remedies import Remedies

LOSS = "policy/loss"
WHY = "the surrogate falls when an update helps; one that rises means steps too large for the responses they learn from"


def build(settings: HealthSettings, remedies: Remedies) -> Look:
    """The warning under these settings."""

    def look(history: History) -> Finding | None:
        learned = [step for step in history.last if step.learned and step.has(LOSS)]
        before, after = learned[:-PERSISTENT][-settings.window :], learned[-PERSISTENT:]
        if len(before) < PERSISTENT:
            return None
        earlier, latest = series(before, LOSS), series(after, LOSS)
        level = statistics.fmean(earlier)
        # Each of the last ones by itself: one wild update is no rise, and a loss that runs away has a wide spread.
        if min(latest) - level <= max(settings.policy_loss_rise, settings.deviations * statistics.stdev(earlier)):
            return None
        what = (
            f"the policy loss rose from {level:.4f} (mean of {len(earlier)} updates) "
            f"to {', '.join(f'{loss:.4f}' for loss in latest)} in the last {len(latest)}"
        )
        return Finding(what, WHY, remedies.steadier(), after[0].number)

    return look
