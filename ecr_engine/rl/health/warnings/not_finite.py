"""NaN or infinity among the values of an update, or no usable gradient for several updates."""

from __future__ import annotations

import math

from ecr_engine.config.sections.health import HealthSettings
from ecr_engine.rl.health.finding import Finding, Look
from ecr_engine.rl.health.history import History, unbroken
from ecr_engine.rl.health.remedies import Remedies

SKIPPED = "train/skipped_steps"
WHY = "weights that are not finite never recover, and every response after them is noise"


def build(settings: HealthSettings, remedies: Remedies) -> Look:
    """The warning under these settings."""

    def look(history: History) -> Finding | None:
        newest = history.newest
        wrong = [f"{key} is {value}" for key, value in newest.values.items() if not math.isfinite(value)]
        if wrong:
            return Finding(", ".join(wrong), WHY, remedies.steadier(), newest.number, diverged=True)
        skipped = unbroken(history.last, SKIPPED, high=0.0)
        if len(skipped) < settings.skipped_updates:
            return None
        what = f"in each of the last {len(skipped)} updates a gradient was not finite"
        return Finding(what, WHY, remedies.steadier(), skipped[0].number, diverged=True)

    return look
