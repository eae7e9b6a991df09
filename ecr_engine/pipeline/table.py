"""The table of stages. Each one's code is imported when it runs, so that planning loads no torch."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

from ecr_engine.config.sections.data import DataSettings
from ecr_engine.pipeline.stage import Stage, StageContext


def _late(module: str, function: str = "run") -> Callable[[StageContext], None]:
    """A stage's function, imported when it is called."""

    def run(context: StageContext) -> None:
        getattr(importlib.import_module(f"ecr_engine.pipeline.stages.{module}"), function)(context)

    return run


PROMPT = ("seed", "prompt")
REWARDS = ("rewards", "reward_options", "emotion.recogniser", "emotion.empathy")

TABLE = (
    Stage(
        "data",
        (),
        ("seed", "data"),
        ("data/summary.json", "data/train.jsonl", "data/valid.jsonl", "data/test.jsonl"),
        2,
        _late("data"),
    ),
    Stage(
        "baseline",
        ("data",),
        (*PROMPT, "backbone", "lora", "baseline"),
        ("baseline",),
        1,
        _late("baseline"),
        resumable=True,
    ),
    Stage("judge", ("baseline",), (*PROMPT, "judge"), ("scores/judgements.jsonl",), 1, _late("judge")),
    Stage("critic", ("judge",), (*PROMPT, "critic"), ("critic",), 1, _late("critic"), resumable=True),
    Stage(
        "rl",
        ("baseline", "critic"),
        # Of the evaluation only what its validations decode with: a shorter evaluation is no reason to train again.
        (*PROMPT, "ppo", "curriculum", *REWARDS, "evaluation.decoding", "evaluation.temperature", "evaluation.top_p"),
        ("policy",),
        1,
        _late("rl"),
        resumable=True,
    ),
    Stage(
        "evaluate",
        ("baseline", "rl"),
        (*PROMPT, "evaluation", *REWARDS, "judge.name", "compare"),
        tuple(
            f"evaluation/{name}/{file}" for name in ("baseline", "policy") for file in ("results.json", "samples.jsonl")
        ),
        1,
        _late("evaluate"),
    ),
    Stage(
        "compare",
        ("evaluate",),
        ("seed", "compare"),
        ("evaluation/comparison.json",),
        1,
        _late("report", "run_compare"),
    ),
    Stage("report", ("compare",), (), ("report.html", "README.md", "plots"), 1, _late("report", "run_report")),
)


def source_fingerprint(source: Path | None, settings: DataSettings) -> str:
    """Fingerprint of the raw data; the sample corpus is decided by settings alone."""
    from ecr_engine.data.process import fingerprint, knowledge_of

    if source is None:
        return "sample corpus"
    return fingerprint(source, settings.format, knowledge_of(settings.knowledge, source))
