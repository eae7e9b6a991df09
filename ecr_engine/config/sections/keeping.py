"""What is kept of a run, and who is told of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ecr_engine.config.sections.base import Count, Section


class CheckpointSettings(Section):
    """What is kept of a training."""

    every: Count = Field(100, description="Steps between checkpoints.")
    keep_last: Count = Field(2, description="Newest checkpoints kept beside the best.")


class TrackingSettings(Section):
    """Trackers that follow the events."""

    wandb: Literal["disabled", "offline", "online"] = Field(
        "disabled", description="Weights & Biases; online without a key is offline."
    )
    project: str = Field("ecrctl", description="Project name in wandb.")
    timeout_s: Annotated[float, Field(gt=0.0)] = Field(
        60.0, description="Seconds that the end of a run waits for wandb at most."
    )
    tensorboard: bool = Field(False, description="Also write for tensorboard (pip install 'ecrctl[tensorboard]').")
