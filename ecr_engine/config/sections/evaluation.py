"""Judging, measuring and comparing."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ecr_engine.config.sections.base import Count, Section


class JudgeSettings(Section):
    """Which judge scores responses, how it does, and how many."""

    name: str = Field(
        "rubric", description="The judge: rubric, a registered model, a local folder, a hub id, or openai:URL#MODEL."
    )
    turns: Count = Field(500, description="Training turns whose baseline response and reference are judged.")
    dimensions: str = Field("guide", description="What is scored: the guide's dimensions, or the paper's.")
    mode: Literal["expect", "generate"] = Field(
        "expect",
        description="Read the rating off the next token's distribution, or have a rating written for each dimension.",
    )
    quantisation: Literal["none", "4bit", "8bit"] = Field(
        "none", description="Bits of a local judge's weights (bitsandbytes; 4-bit is NF4)."
    )
    precision: Literal["auto", "no", "bf16", "fp16"] = Field(
        "auto", description="What a local judge computes in; auto is bf16 where the processor has it, else float32."
    )
    batch_size: Count = Field(16, description="Responses that a local judge scores at a time.")
    max_length: Annotated[int, Field(ge=64)] = Field(
        4096, description="Tokens that a local judge reads at most; less where the model's window is shorter."
    )
    concurrency: Count = Field(8, description="Requests to an endpoint that are under way at a time.")
    requests_per_minute: int | None = Field(None, ge=1, description="Requests to an endpoint in a minute at most.")
    tokens_per_minute: int | None = Field(None, ge=1, description="Tokens sent to an endpoint in a minute at most.")
    timeout_s: Annotated[float, Field(gt=0.0)] = Field(60.0, description="Seconds an endpoint has for one answer.")
    retries: Annotated[int, Field(ge=0)] = Field(
        5, description="How often a request is sent again after a time-out, a lost connection, a 429 or a 5xx."
    )


class EvaluationSettings(Section):
    """How responses are generated and measured."""

    split: Literal["valid", "test"] = Field("test", description="The held-out split.")
    limit: int | None = Field(None, ge=1, description="Turns at most; all of the split if not set.")
    batch_size: Count = Field(64, description="Responses generated at a time.")
    decoding: Literal["greedy", "sample"] = Field("sample", description="How the next token is chosen.")
    temperature: Annotated[float, Field(gt=0.0)] = Field(0.7, description="Temperature of sampling.")
    top_p: Annotated[float, Field(gt=0.0, le=1.0)] = Field(1.0, description="Nucleus of sampling.")
    precision: Literal["auto", "no", "bf16"] = Field(
        "auto",
        description="What responses are computed in; auto is bf16 where the processor has it and the model is large.",
    )
    metrics: str = Field(
        "default", description="Metrics by name, key or pattern, with commas between; also default and all."
    )
    perplexity: bool = Field(False, description="Also have the model say how unexpected the references are to it.")


class CompareSettings(Section):
    """Statistics of a comparison."""

    resamples: Annotated[int, Field(ge=100)] = Field(10_000, description="Bootstrap resamples.")
    confidence: Annotated[float, Field(gt=0.5, lt=1.0)] = Field(0.95, description="Confidence of the intervals.")
