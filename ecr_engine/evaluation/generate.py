"""Answers held-out turns with a model, and measures the answers."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from ecr_engine.config.sections.data import PromptSettings
from ecr_engine.config.sections.evaluation import CompareSettings, EvaluationSettings
from ecr_engine.data.prompts import PromptEncoder
from ecr_engine.data.schema import Example, Sample
from ecr_engine.data.store import encode
from ecr_engine.errors import DataError
from ecr_engine.evaluation.guide_results import guide_document
from ecr_engine.evaluation.journal import Journal, journal_of
from ecr_engine.evaluation.likelihood import reference_losses
from ecr_engine.evaluation.marks import marked
from ecr_engine.evaluation.measure import measure, split_names
from ecr_engine.evaluation.metric import select
from ecr_engine.evaluation.store import SCHEMA, EvaluationResult, write_evaluation
from ecr_engine.models.generation import Decoding, by_length, generate
from ecr_engine.rewards.composition import Composer
from ecr_engine.rewards.resources import Resources
from ecr_engine.rewards.sources import RewardSources
from ecr_engine.scoring.local.loading import pick_precision

Progress = Callable[[int, int], None]
"""Told how many turns are done, and of how many."""

NO_REWARD = RewardSources()
"""Of a system that no reward has to do with."""

WIDE = 512
"""Hidden size from which bf16 is faster; the tiny backbone spends its time elsewhere."""


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


@dataclass(frozen=True, slots=True)
class System:
    """What answers.

    Attributes:
        model: a causal LM.
        tokenizer: its tokenizer.
        name: what it is called in tables.
        checkpoint: address of the model.
        identity: tells its weights from others, so that a killed generation goes on with the same ones only.
    """

    model: Any
    tokenizer: Any
    name: str
    checkpoint: str
    identity: str = ""


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


def precision_of(wanted: str, model: Any) -> str:
    """`no` or `bf16`; auto is bf16 where the processor multiplies it in hardware and the model is wide enough to gain.

    Args:
        wanted: `auto`, `no` or `bf16`.
        model: a causal LM, where it is to run.
    """
    if wanted != "auto":
        return wanted
    found = pick_precision("auto", model.device)
    return found if found == "bf16" and model.config.hidden_size >= WIDE else "no"


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
    precision: str = "no",
    losses: bool = False,
    journal: Journal | None = None,
) -> list[Sample]:
    """One response to each example, in their order.

    Args:
        model: a causal LM; it is put into eval mode.
        tokenizer: its tokenizer.
        examples: what is answered.
        encoder: renders the prompts.
        decoding: how responses are decoded.
        batch_size: responses made at a time; it does not change them (but for rounding, which bf16 has more of).
        seed: of the run.
        progress: told after each batch.
        precision: `no` or `bf16`.
        losses: also compute the loss of each reference.
        journal: keeps each batch; batches that it has whole are not made again.
    """
    model.eval()
    prompts = [encoder.prompt(example.context) for example in examples]
    made = {} if journal is None else journal.read(examples)
    samples: dict[str, Sample] = {}
    for rows in by_length([len(ids) for ids in prompts], batch_size):
        asked = [examples[row] for row in rows]
        batch = [made[one.example_id] for one in asked if one.example_id in made]
        if len(batch) < len(asked):
            with torch.autocast(model.device.type, torch.bfloat16, enabled=precision == "bf16"):
                batch = _answers(model, tokenizer, asked, [prompts[row] for row in rows], decoding, seed)
                batch = _with_losses(model, tokenizer, batch, encoder) if losses else batch
            if journal is not None:
                journal.add(batch)
        samples |= {sample.example.example_id: sample for sample in batch}
        if progress is not None:
            progress(len(samples), len(examples))
    return [samples[example.example_id] for example in examples]


def _answers(
    model: Any, tokenizer: Any, asked: Sequence[Example], prompts: Sequence[list[int]], decoding: Decoding, seed: int
) -> list[Sample]:
    """The responses of one batch."""
    made = generate(
        model,
        prompts,
        decoding,
        pad=tokenizer.pad_token_id,
        stop=tokenizer.eos_token_id,
        seeds=[turn_seed(seed, example.example_id) for example in asked],
    )
    texts = tokenizer.batch_decode(made.ids, skip_special_tokens=True)
    return [
        Sample(example, text.strip(), finished, len(ids))
        for example, text, finished, ids in zip(asked, texts, made.finished, made.ids, strict=True)
    ]


def _with_losses(model: Any, tokenizer: Any, batch: Sequence[Sample], encoder: PromptEncoder) -> list[Sample]:
    losses = reference_losses(model, [sample.example for sample in batch], encoder, tokenizer.pad_token_id)
    return [replace(sample, reference_loss=loss) for sample, loss in zip(batch, losses, strict=True)]


def generate_model(
    system: System,
    task: Task,
    output: Path,
    *,
    sources: RewardSources = NO_REWARD,
    progress: Progress | None = None,
) -> EvaluationResult:
    """Answers all turns of a task and writes an evaluation without metrics, which can be measured at any time.

    Args:
        system: what answers.
        task: what is to be answered.
        output: the evaluation's folder.
        sources: what the reward of the system's training draws on.
        progress: told after each batch.

    Raises:
        DataError: the task has no turns.
        UsageError: `output` can't be written, or holds something else.
    """
    with journal_of(output, _header(system, task)) as journal:
        result, samples = _generated(system, task, journal, progress)
        result = replace(result, reward=sources.to_json())
        write_evaluation(output, result, samples, {})
    return result


def evaluate_model(
    system: System,
    task: Task,
    composer: Composer,
    output: Path,
    *,
    resources: Resources | None = None,
    sources: RewardSources = NO_REWARD,
    progress: Progress | None = None,
    guide: bool = False,
) -> EvaluationResult:
    """Answers all turns of a task, measures the answers and writes `results.json` and `samples.jsonl`.

    A generation that was killed goes on: the batches that it had finished are not made again.

    Args:
        system: what answers.
        task: what is to be answered.
        composer: the composite reward.
        output: the evaluation's folder.
        resources: what metrics draw on; the defaults if None.
        sources: what the reward draws on, that of the system's training too; what it pays for is marked.
        progress: told after each batch.
        guide: also write the guide's `evaluation_results_<time>.json`.

    Raises:
        DataError: the task has no turns.
        UsageError: a metric is not registered, or `output` can't be written.
    """
    resources = resources or Resources()
    names = split_names(task.evaluation.metrics)
    # A metric that there is not is said before the model has worked for it.
    select(names, resources, losses=task.evaluation.perplexity)
    with journal_of(output, _header(system, task)) as journal:
        started = time.perf_counter()
        result, samples = _generated(system, task, journal, progress)
        measured = measure(
            samples,
            metric_names=names,
            composer=composer,
            components=sources.components,
            resources=resources,
            resamples=task.statistics.resamples,
            confidence=task.statistics.confidence,
            seed=task.seed,
        )
        seconds = time.perf_counter() - started
        metrics = marked(measured.metrics, sources, encoder=resources.encoder)
        result = replace(result, metrics=metrics, failed=measured.failed, reward=sources.to_json(), seconds=seconds)
        documents = guide_document(result, time.time()) if guide else {}
        write_evaluation(output, result, samples, measured.per_sample, documents=documents)
    return result


def _generated(
    system: System, task: Task, journal: Journal, progress: Progress | None
) -> tuple[EvaluationResult, list[Sample]]:
    """The responses, and the result that they lead to before anything is measured."""
    if not task.examples:
        raise DataError(f"the {task.split} split has no turns", fix="process more dialogues, or choose another split")
    started = time.perf_counter()
    precision = precision_of(task.evaluation.precision, system.model)
    decoding = decoding_of(task.evaluation, task.prompt)
    samples = respond(
        system.model,
        system.tokenizer,
        task.examples,
        prompt_encoder(system.tokenizer, task.prompt),
        decoding,
        batch_size=task.evaluation.batch_size,
        seed=task.seed,
        progress=progress,
        precision=precision,
        losses=task.evaluation.perplexity,
        journal=journal,
    )
    result = EvaluationResult(
        schema=SCHEMA,
        name=system.name,
        checkpoint=system.checkpoint,
        split=task.split,
        split_fingerprint=_split_fingerprint(task),
        prompt_fingerprint=_prompt_fingerprint(task),
        turns=len(samples),
        decoding={**asdict(decoding), "precision": precision},
        seed=task.seed,
        metrics={},
        seconds=time.perf_counter() - started,
    )
    return result, samples


def _header(system: System, task: Task) -> dict[str, Any]:
    """What responses depend on; the batch size is left out, since it does not change them."""
    return {
        "checkpoint": system.checkpoint,
        "identity": system.identity,
        "split": _split_fingerprint(task),
        "prompt": _prompt_fingerprint(task),
        "decoding": asdict(decoding_of(task.evaluation, task.prompt)),
        "precision": precision_of(task.evaluation.precision, system.model),
        "losses": task.evaluation.perplexity,
        "seed": task.seed,
    }


def _split_fingerprint(task: Task) -> str:
    return _digest([encode(example) for example in task.examples])


def _prompt_fingerprint(task: Task) -> str:
    return _digest([json.dumps(task.prompt.model_dump(), sort_keys=True)])


def _digest(texts: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()
