"""Stage `evaluate`: baseline and policy answer the same held-out turns with the same decoding."""

from __future__ import annotations

from pathlib import Path

from ecr_engine.config.settings import Settings
from ecr_engine.data.schema import Split
from ecr_engine.data.selection import pick
from ecr_engine.data.store import read_examples, split_path
from ecr_engine.emotion.recogniser import annotate
from ecr_engine.evaluation.generate import Progress, System, Task, evaluate_model, generate_model
from ecr_engine.evaluation.store import EvaluationResult, failures
from ecr_engine.pipeline.rewarding import resources_of
from ecr_engine.pipeline.stage import StageContext
from ecr_engine.pipeline.stages.baseline import load_checkpoint
from ecr_engine.rewards.composition import Composer
from ecr_engine.rewards.resources import Resources
from ecr_engine.rewards.sources import sources_of, trained_with
from ecr_engine.runs.checkpoints import chosen
from ecr_engine.runs.events import Emit
from ecr_engine.runs.manifest import MANIFEST


def evaluate_checkpoint(
    checkpoint: Path,
    turns: Path,
    output: Path,
    settings: Settings,
    *,
    name: str,
    address: str,
    limit: int | None,
    emit: Emit,
    resources: Resources,
    guide: bool = False,
) -> EvaluationResult:
    """Answers held-out turns with a checkpoint, measures the answers and writes them.

    Args:
        checkpoint: the model's folder.
        turns: a file of examples.
        output: the evaluation's folder.
        settings: the sections `prompt`, `evaluation`, `compare` and `rewards`, the seed and the device are used.
        name: what the system is called in tables.
        address: the checkpoint as the result names it.
        limit: turns at most, drawn with the seed; None for all.
        emit: how progress is told.
        resources: what the reward components and the metrics draw on.
        guide: also write the results in the guide's form.
    """
    task = _task(turns, settings, limit)
    result = evaluate_model(
        _system(checkpoint, settings, name, address),
        task,
        Composer(settings.rewards, resources=resources),
        output,
        resources=resources,
        sources=sources_of([part for part, weight in settings.rewards.items() if weight > 0], resources)
        | trained_with(checkpoint),
        progress=_progress(emit, name),
        guide=guide,
    )
    values = {f"eval/{key}": metric.value for key, metric in result.metrics.items() if metric.value is not None}
    emit("evaluate", "validation", what=name, **values)
    return result


def generate_checkpoint(
    checkpoint: Path,
    turns: Path,
    output: Path,
    settings: Settings,
    *,
    name: str,
    address: str,
    limit: int | None,
    emit: Emit,
) -> EvaluationResult:
    """Answers held-out turns with a checkpoint and writes the answers, to be measured later.

    Args:
        checkpoint: the model's folder.
        turns: a file of examples.
        output: the evaluation's folder.
        settings: the sections `prompt` and `evaluation`, the seed and the device are used.
        name: what the system is called in tables.
        address: the checkpoint as the result names it.
        limit: turns at most, drawn with the seed; None for all.
        emit: how progress is told.
    """
    task = _task(turns, settings, limit)
    return generate_model(
        _system(checkpoint, settings, name, address),
        task,
        output,
        sources=trained_with(checkpoint),
        progress=_progress(emit, name),
    )


def _task(turns: Path, settings: Settings, limit: int | None) -> Task:
    examples = pick(annotate(read_examples(turns)), limit, settings.seed)
    return Task(
        settings.evaluation.split, examples, settings.prompt, settings.evaluation, settings.compare, settings.seed
    )


def _system(checkpoint: Path, settings: Settings, name: str, address: str) -> System:
    backbone = load_checkpoint(checkpoint, settings.device)
    manifest = checkpoint / MANIFEST
    # The manifest holds the hash of every file of weights.
    identity = manifest.read_text(encoding="utf-8") if manifest.is_file() else ""
    return System(backbone.model, backbone.tokenizer, name, address, identity)


def _progress(emit: Emit, name: str) -> Progress:
    what = f"turns ({name})"
    return lambda done, total: emit("evaluate", "progress", done=done, total=total, what=what)


def run(context: StageContext) -> None:
    """Evaluates the baseline, then the policy."""
    settings, folder, resources = context.settings, context.folder, resources_of(context)
    for name in ("baseline", "policy"):
        checkpoint = chosen(folder.stage(name))
        result = evaluate_checkpoint(
            checkpoint,
            split_path(folder.data, Split(settings.evaluation.split)),
            folder.evaluation(name),
            settings,
            name=name,
            address=checkpoint.resolve().relative_to(folder.root.resolve()).as_posix(),
            limit=settings.evaluation.limit,
            emit=context.emit,
            resources=resources,
        )
        for problem in failures(result, folder.evaluation(name)):
            context.emit("evaluate", "warning", what=problem.what, fix=problem.fix)
