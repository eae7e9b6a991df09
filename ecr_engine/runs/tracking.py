"""Trackers: listeners that hand a run's numbers on. One that fails is a warning, and the run goes on without it.

Every tracker gets the numbers of `step` and `validation` events under `STAGE/KEY`, such as `rl/objective/reward`, each
over its stage's own step: every stage counts from 0.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ecr_engine.config.sections.keeping import TrackingSettings
from ecr_engine.errors import UnavailableError
from ecr_engine.runs.events import Event, Listener
from ecr_engine.runs.secrets import text_without_secrets

TRACKED_KINDS = frozenset({"step", "validation"})


class Tell(Protocol):
    """How a tracker speaks of itself."""

    def __call__(self, kind: str, what: str) -> None:
        """Says one sentence; `kind` is "warning" or "note"."""


@dataclass(frozen=True, slots=True)
class Tracked:
    """The run that is followed.

    Attributes:
        name: the run's name.
        folder: its folder; it exists.
        config: the settings, without secrets.
        events: its events.
    """

    name: str
    folder: Path
    config: Mapping[str, Any]
    events: Path


def numbers_of(event: Event) -> dict[str, float]:
    """What trackers show of an event, by key; empty if it is nothing for them."""
    if event.kind not in TRACKED_KINDS:
        return {}
    return {
        key: value
        for key, value in event.values.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def check_trackers(settings: TrackingSettings) -> None:
    """Refuses a tracker that was asked for and can't be had, before any work is done.

    Raises:
        UnavailableError: tensorboard is not installed.
    """
    if settings.tensorboard and importlib.util.find_spec("tensorboard") is None:
        raise UnavailableError(
            "tensorboard is not installed",
            at="tracking.tensorboard",
            fix="pip install 'ecrctl[tensorboard]', or --set tracking.tensorboard=false",
        )


@contextmanager
def trackers(settings: TrackingSettings, run: Tracked, tell: Tell) -> Iterator[tuple[Listener, ...]]:
    """The trackers that the settings ask for, finished at the end whatever happens inside.

    Args:
        settings: the section `[tracking]`.
        run: what is followed.
        tell: how they speak.

    Raises:
        UnavailableError: see `check_trackers`.
    """
    from ecr_engine.runs.tensorboard_tracker import TensorboardTracker
    from ecr_engine.runs.wandb_tracker import WandbTracker

    check_trackers(settings)
    with ExitStack() as stack:
        found: list[Listener] = []
        if settings.wandb != "disabled":
            wandb = WandbTracker(
                run,
                mode=settings.wandb,
                project=text_without_secrets(settings.project),
                timeout_s=settings.timeout_s,
                tell=tell,
            )
            stack.callback(wandb.close)
            found.append(wandb)
        if settings.tensorboard:
            board = TensorboardTracker(run, tell=tell)
            stack.callback(board.close)
            found.append(board)
        yield tuple(found)
