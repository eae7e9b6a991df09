"""What a warning says, and the registry of warnings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ecr_engine.registry import Registry
from ecr_engine.rl.health.history import History

PERSISTENT = 3
"""Updates in a row that it takes where one update alone may be chance."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A sign that a training goes wrong.

    Attributes:
        what: what was seen, with the numbers.
        why: why it matters.
        fix: the command to type.
        since: the first update that shows it.
        diverged: whether nothing good can come of going on.
    """

    what: str
    why: str
    fix: str
    since: int
    diverged: bool = False


Look = Callable[[History], Finding | None]
"""A warning: a pure function of the history; None if all is well."""

WARNINGS: Registry[Look] = Registry("ecr_engine.rl.health.warnings", "health warning")
"""Warnings by name; each is built from `HealthSettings` and `Remedies`."""
