"""Judging, measuring and comparing."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ecr_engine.config.sections.base import Count, Section


class JudgeSettings(Section):
    """Which judge scores responses, and how many."""

    name: str = Field("rubric", description="The judge.")
    turns: Count = Field(500, description="Training turns whose baseline response and reference are judged.")


class EvaluationSettings(Section):
    """How responses are generated and measured."""

    split: Literal["valid", "test"] = Field("test", description="The held-out split.")
    limit: int | None = Field(None, ge=1, description="Turns at most; all of the split if not set.")
    batch_size: Count = Field(64, description="Responses generated at a time.")
    decoding: Literal["greedy", "sample"] = Field("sample", description="How the next token is chosen.")
    temperature: Annotated[float, Field(gt=0.0)] = Field(0.7, description="Temperature of sampling.")
    top_p: Annotated[float, Field(gt=0.0, le=1.0)] = Field(1.0, description="Nucleus of sampling.")


class CompareSettings(Section):
    """Statistics of a comparison."""

    resamples: Annotated[int, Field(ge=100)] = Field(10_000, description="Bootstrap resamples.")
    confidence: Annotated[float, Field(gt=0.5, lt=1.0)] = Field(0.95, description="Confidence of the intervals.")
