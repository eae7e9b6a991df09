"""Trackers: listeners that hand a run's events on. One that fails is a warning, and the run goes on without it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal

from ecr_engine.runs.events import Event

TRACKED_KINDS = frozenset({"step", "validation"})

TRACKER_FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What may come out of a tracker (network, disk, its own faults) and must not end hours of training."""


class WandbTracker:
    """Sends the numbers of `step` and `validation` events to Weights & Biases.

    Keys are `STAGE/KEY`, such as `rl/objective/reward`, each over its stage's own step: every stage counts from 0.

    Args:
        mode: "disabled" does nothing and imports nothing; "offline" writes into `folder`; "online" sends.
        project: the project's name in the tracker.
        run_name: the run's name in the tracker.
        folder: where the tracker keeps its own files; it exists.
        config: the settings, to be shown with the run.
        warn: called with one sentence if the tracker fails; it is not used after that.
    """

    def __init__(
        self,
        mode: Literal["disabled", "offline", "online"],
        project: str,
        run_name: str,
        folder: Path,
        config: Mapping[str, Any],
        *,
        warn: Callable[[str], None],
    ) -> None:
        self._warn = warn
        self._run: Any = None
        self._stages: set[str] = set()
        if mode != "disabled":
            with self._guarded():
                self._begin(mode, project, run_name, folder, config)

    def __call__(self, event: Event) -> None:
        """Hands the event's numbers on, if it has any that count."""
        if self._run is not None and event.kind in TRACKED_KINDS:
            with self._guarded():
                self._log(event)

    def close(self) -> None:
        """Finishes the tracker's run; may be called more than once."""
        if self._run is not None:
            with self._guarded():
                self._run.finish()
            self._run = None

    def _begin(self, mode: str, project: str, run_name: str, folder: Path, config: Mapping[str, Any]) -> None:
        wandb = importlib.import_module("wandb")
        self._run = wandb.init(
            mode=mode,
            project=project,
            name=run_name,
            dir=str(folder),
            config=dict(config),
            # The terminal belongs to the command line.
            settings=wandb.Settings(silent=True, console="off"),
        )

    def _log(self, event: Event) -> None:
        if event.stage not in self._stages:
            self._stages.add(event.stage)
            self._run.define_metric(f"{event.stage}/*", step_metric=f"{event.stage}/step")
        numbers = {
            f"{event.stage}/{key}": value
            for key, value in event.values.items()
            if isinstance(value, int | float) and not isinstance(value, bool)
        }
        if numbers:
            self._run.log({**numbers, f"{event.stage}/step": event.step})

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        with ExitStack() as stack:
            stack.push(self._absorb)
            yield

    def _absorb(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        """Whether an error ends here: a common one, or one of the tracker's own classes."""
        if kind is None or not (issubclass(kind, TRACKER_FAULTS) or kind.__module__.partition(".")[0] == "wandb"):
            return False
        self._run = None
        self._warn(f"wandb failed and is off for the rest of the run: {kind.__name__}: {error}")
        return True
