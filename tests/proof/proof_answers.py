"""Answers written to disk as an evaluation has them, with nothing measured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ecr_engine.data.schema import Example, Sample
from ecr_engine.evaluation.store import SCHEMA, EvaluationResult, write_evaluation


def write_answers(folder: Path, examples: Sequence[Example], responses: Sequence[str], **changes: object) -> Path:
    """An evaluation of the system that the folder is named after; `changes` are facts of it."""
    said = [
        Sample(example, text, finished=True, tokens=max(1, len(text.split())))
        for example, text in zip(examples, responses, strict=True)
    ]
    facts = {
        "name": folder.name,
        "checkpoint": "base:baseline",
        "decoding": {"temperature": 0.7},
        "seed": 1,
        "prompt_fingerprint": "prompt",
        **changes,
    }
    result = EvaluationResult(
        schema=SCHEMA, split="test", split_fingerprint="split", turns=len(said), metrics={}, seconds=1.0, **facts
    )
    folder.parent.mkdir(parents=True, exist_ok=True)
    write_evaluation(folder, result, said, {})
    return folder
