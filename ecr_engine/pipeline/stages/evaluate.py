"""Stage `evaluate`: baseline and policy answer the same held-out turns with the same decoding."""

from __future__ import annotations

from pathlib import Path

from ecr_engine.config.settings import Settings
from ecr_engine.data.schema import Split
from ecr_engine.data.selection import pick
from ecr_engine.data.store import read_examples, split_path
from ecr_engine.emotion.recogniser import annotate
from ecr_engine.evaluation.generate import Task, evaluate_model
from ecr_engine.evaluation.store import EvaluationResult
from ecr_engine.pipeline.rewarding import resources_of
from ecr_engine.pipeline.stage import StageContext
from ecr_engine.pipeline.stages.baseline import load_checkpoint
from ecr_engine.rewards.composition import Composer
from ecr_engine.rewards.resources import Resources
from ecr_engine.runs.checkpoints import chosen
from ecr_engine.runs.events import Emit


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
        resources: what the reward components draw on.
    """
    examples = pick(annotate(read_examples(turns)), limit, settings.seed)
    task = Task(
        settings.evaluation.split, examples, settings.prompt, settings.evaluation, settings.compare, settings.seed
    )
    backbone = load_checkpoint(checkpoint, settings.device)
    what = f"turns ({name})"
    result = evaluate_model(
        backbone.model,
        backbone.tokenizer,
        task,
        Composer(settings.rewards, resources=resources),
        output,
        name=name,
        checkpoint=address,
        progress=lambda done, total: emit("evaluate", "progress", done=done, total=total, what=what),
    )
    values = {f"eval/{key}": metric.value for key, metric in result.metrics.items() if metric.value is not None}
    emit("evaluate", "validation", what=name, **values)
    return result


def run(context: StageContext) -> None:
    """Evaluates the baseline, then the policy."""
    settings, folder, resources = context.settings, context.folder, resources_of(context)
    for name in ("baseline", "policy"):
        checkpoint = chosen(folder.stage(name))
        evaluate_checkpoint(
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
