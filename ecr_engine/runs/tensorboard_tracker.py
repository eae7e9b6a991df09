"""Writes a run's numbers for tensorboard: `tensorboard --logdir RUN/tensorboard`."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from ecr_engine.runs.atomic import json_text
from ecr_engine.runs.events import Event
from ecr_engine.runs.tracking import Tell, Tracked, numbers_of

FOLDER = "tensorboard"

FAULTS = (ArithmeticError, AttributeError, ImportError, LookupError, OSError, RuntimeError, TypeError, ValueError)
"""What may come out of a writer (a full disk, its own faults) and must not end hours of training."""


class TensorboardTracker:
    """Writes scalars under `STAGE/KEY` over the stage's step, and the settings as a text.

    Args:
        run: what is followed.
        tell: called with one sentence if it fails; it is not used after that.
    """

    def __init__(self, run: Tracked, *, tell: Tell) -> None:
        self._tell = tell
        self._writer: Any = None
        with self._guarded():
            module = importlib.import_module("torch.utils.tensorboard")
            self._writer = module.SummaryWriter(log_dir=str(run.folder / FOLDER))
            self._writer.add_text("settings", f"```json\n{json_text(run.config)}```")

    def __call__(self, event: Event) -> None:
        """Writes the event's numbers, if it has any that count."""
        if self._writer is None:
            return
        with self._guarded():
            for key, value in numbers_of(event).items():
                self._writer.add_scalar(f"{event.stage}/{key}", value, event.step)

    def close(self) -> None:
        """Writes what is left; may be called more than once."""
        writer, self._writer = self._writer, None
        if writer is not None:
            with self._guarded():
                writer.close()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        with ExitStack() as stack:
            stack.push(self._absorb)
            yield

    def _absorb(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        """Whether an error ends here."""
        if kind is None or not issubclass(kind, FAULTS):
            return False
        self._writer = None
        self._tell("warning", f"tensorboard failed and is off for the rest of the run: {kind.__name__}: {error}")
        return True
