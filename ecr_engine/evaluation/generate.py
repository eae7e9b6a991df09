"""Answers held-out turns with a model, and measures the answers."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ecr_engine.config.sections.data import PromptSettings
from ecr_engine.config.sections.evaluation import CompareSettings, EvaluationSettings
from ecr_engine.data.prompts import PromptEncoder
from ecr_engine.data.schema import Example, Sample
from ecr_engine.data.store import encode
from ecr_engine.errors import DataError
from ecr_engine.evaluation.measure import measure
from ecr_engine.evaluation.store import SCHEMA, EvaluationResult, write_evaluation
from ecr_engine.models.generation import Decoding, by_length, generate
from ecr_engine.rewards.composition import Composer

Progress = Callable[[int, int], None]
"""Told how many turns are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be answered, and how: the same for every system that is compared.

    Attributes:
        split: name of the split.
        examples: the turns.
        prompt: the section `[prompt]`.
        evaluation: the section `[evaluation]`.
        statistics: the section `[compare]`, for the intervals.
        seed: of the sampling.
    """

    split: str
    examples: Sequence[Example]
    prompt: PromptSettings
    evaluation: EvaluationSettings
    statistics: CompareSettings
    seed: int


def prompt_encoder(tokenizer: Any, prompt: PromptSettings) -> PromptEncoder:
    """The encoder that the section `[prompt]` describes."""
    return PromptEncoder(
        tokenizer,
        system=prompt.system,
        context_max_length=prompt.context_max_length,
        resp_max_length=prompt.resp_max_length,
    )


def decoding_of(evaluation: EvaluationSettings, prompt: PromptSettings) -> Decoding:
    """The decoding that the section `[evaluation]` describes."""
    return Decoding(
        prompt.resp_max_length,
        sample=evaluation.decoding == "sample",
        temperature=evaluation.temperature,
        top_p=evaluation.top_p,
    )


def turn_seed(seed: int, example_id: str) -> int:
    """The seed of one turn's sampling: it depends on nothing but the run's seed and the turn."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{example_id}".encode()).digest()[:6])


def respond(
    model: Any,
    tokenizer: Any,
    examples: Sequence[Example],
    encoder: PromptEncoder,
    decoding: Decoding,
    *,
    batch_size: int,
    seed: int,
    progress: Progress | None = None,
) -> list[Sample]:
    """One response to each example, in their order.

    Args:
        model: a causal LM; it is put into eval mode.
        tokenizer: its tokenizer.
        examples: what is answered.
        encoder: renders the prompts.
        decoding: how responses are decoded.
        batch_size: responses made at a time; it does not change them (but for rounding).
        seed: of the run.
        progress: told after each batch.
    """
    model.eval()
    prompts = [encoder.prompt(example.context) for example in examples]
    samples: dict[int, Sample] = {}
    for rows in by_length([len(ids) for ids in prompts], batch_size):
        made = generate(
            model,
            [prompts[row] for row in rows],
            decoding,
            pad=tokenizer.pad_token_id,
            stop=tokenizer.eos_token_id,
            seeds=[turn_seed(seed, examples[row].example_id) for row in rows],
        )
        texts = tokenizer.batch_decode(made.ids, skip_special_tokens=True)
        for place, row in enumerate(rows):
            samples[row] = Sample(examples[row], texts[place].strip(), made.finished[place], len(made.ids[place]))
        if progress is not None:
            progress(len(samples), len(examples))
    return [samples[row] for row in range(len(examples))]


def evaluate_model(
    model: Any,
    tokenizer: Any,
    task: Task,
    composer: Composer,
    output: Path,
    *,
    name: str,
    checkpoint: str,
    progress: Progress | None = None,
) -> EvaluationResult:
    """Answers all turns of a task, measures the answers and writes `results.json` and `samples.jsonl`.

    Args:
        model: a causal LM.
        tokenizer: its tokenizer.
        task: what is to be answered.
        composer: the composite reward.
        output: the evaluation's folder.
        name: what the system is called in tables.
        checkpoint: address of the model.
        progress: told after each batch.
    """
    if not task.examples:
        raise DataError(f"the {task.split} split has no turns", fix="process more dialogues, or choose another split")
    started = time.perf_counter()
    decoding = decoding_of(task.evaluation, task.prompt)
    samples = respond(
        model,
        tokenizer,
        task.examples,
        prompt_encoder(tokenizer, task.prompt),
        decoding,
        batch_size=task.evaluation.batch_size,
        seed=task.seed,
        progress=progress,
    )
    measured = measure(
        samples,
        composer=composer,
        resamples=task.statistics.resamples,
        confidence=task.statistics.confidence,
        seed=task.seed,
    )
    result = EvaluationResult(
        schema=SCHEMA,
        name=name,
        checkpoint=checkpoint,
        split=task.split,
        split_fingerprint=_digest([encode(example) for example in task.examples]),
        prompt_fingerprint=_digest([json.dumps(task.prompt.model_dump(), sort_keys=True)]),
        turns=len(samples),
        decoding=asdict(decoding),
        seed=task.seed,
        metrics=measured.metrics,
        seconds=time.perf_counter() - started,
    )
    write_evaluation(output, result, samples, measured.per_sample)
    return result


def _digest(texts: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()
