"""How several processes do one job: the first leads, and the others train along with it.

The first decides which stages run, writes everything, and does by itself whatever is no training. Before a stage that
trains it tells the others which one; each then runs the same stage on its share of every batch, and emits nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ecr_engine.config.settings import Settings
from ecr_engine.pipeline.stage import Stage, StageContext
from ecr_engine.runs import processes
from ecr_engine.runs.folder import TRAINED_STAGES, RunFolder


@contextmanager
def together(stage: Stage, *, resume: bool, start: Path | None) -> Iterator[None]:
    """Around a stage in the first process: the others run it too, if it trains, and have ended it when this ends."""
    trains = any(name in TRAINED_STAGES for name in stage.outputs)
    if trains:
        processes.tell((stage.name, resume, start))
    yield
    if trains:
        processes.meet()


def end_together() -> None:
    """Lets the others go; in the first process, at the end of the job."""
    processes.tell(None)


def train_along(stages: Sequence[Stage], folder: RunFolder, settings: Settings, source: Path | None) -> None:
    """Runs the stages that the first process tells, until it lets go.

    Args:
        stages: those of the job.
        folder: the run's folder.
        settings: the run's settings.
        source: folder of raw dialogues; None for the sample corpus.
    """
    known = {stage.name: stage for stage in stages}
    while isinstance(told := processes.hear(), tuple):
        name, resume, start = told
        known[name].run(StageContext(folder, settings, source, _say_nothing, resume, start))
        processes.meet()


def _say_nothing(_stage: str, _kind: str, _step: int = 0, /, **_values: Any) -> None:
    """Only the first process speaks."""
