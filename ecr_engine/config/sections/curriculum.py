"""The curriculum: reward weights that move with the training, and which dialogues come first."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from ecr_engine.config.sections.base import Section, Share

Weight = Annotated[float, Field(ge=0.0)]


class Ramp(Section):
    """How the weight of one reward component moves; progress is the share of the updates that are done.

    `from` is a word of Python's, so the field has another name than the key in files, flags and records.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, serialize_by_alias=True)

    start: Weight | None = Field(None, description="Weight before the ramp; that in `rewards` if not set.")
    end: Weight | None = Field(None, description="Weight after the ramp; that in `rewards` if not set.")
    begin: Share = Field(0.0, alias="from", description="Progress at which the ramp begins.")
    until: Share = Field(1.0, description="Progress at which the ramp ends.")
    shape: Literal["linear", "cosine"] = Field("linear", description="A straight line, or half a wave.")


class CurriculumSettings(Section):
    """What is learned first. Beside these keys a table for each reward component whose weight moves: a `Ramp`."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)
    __pydantic_extra__: dict[str, Ramp] = Field(init=False)

    order: Literal["none", "length", "turns", "baseline_loss"] = Field(
        "none",
        description="What makes a dialogue difficult: words or turns of its context, or the baseline's loss.",
    )
    open: Annotated[float, Field(gt=0.0, le=1.0)] = Field(
        0.3, description="Share of the dialogues, the easiest, that the first updates draw from."
    )
    order_until: Annotated[float, Field(gt=0.0, le=1.0)] = Field(
        0.5, description="Progress from which all dialogues are drawn from."
    )

    @property
    def ramps(self) -> dict[str, Ramp]:
        """The components whose weights move."""
        return dict(self.__pydantic_extra__)
