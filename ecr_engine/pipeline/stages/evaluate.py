"""Stage `evaluate`: baseline and policy answer the same held-out turns with the same decoding."""

from __future__ import annotations

from pathlib import Path

from ecr_engine.data.schema import Split
from ecr_engine.evaluation.generate import Task, evaluate_model
from ecr_engine.pipeline.stage import StageContext
from ecr_engine.pipeline.stages.baseline import load_checkpoint
from ecr_engine.pipeline.stages.data import load_split
from ecr_engine.pipeline.stages.judge import pick
from ecr_engine.pipeline.stages.rl import policy_checkpoint
from ecr_engine.rewards.composition import Composer
from ecr_engine.runs.checkpoints import best


def task_of(context: StageContext) -> Task:
    """What both systems have to answer."""
    settings = context.settings
    examples = load_split(context.folder, Split(settings.evaluation.split))
    if settings.evaluation.limit is not None:
        examples = pick(examples, settings.evaluation.limit, settings.seed)
    return Task(
        settings.evaluation.split, examples, settings.prompt, settings.evaluation, settings.compare, settings.seed
    )


def evaluate(context: StageContext, task: Task, name: str, checkpoint: Path) -> None:
    """Answers and measures with one checkpoint."""
    backbone = load_checkpoint(checkpoint, context.settings.device)
    result = evaluate_model(
        backbone.model,
        backbone.tokenizer,
        task,
        Composer(context.settings.rewards),
        context.folder.evaluation(name),
        name=name,
        checkpoint=checkpoint.relative_to(context.folder.root).as_posix(),
        progress=lambda done, total: context.emit(
            "evaluate", "progress", done=done, total=total, what=f"turns ({name})"
        ),
    )
    values = {f"eval/{key}": metric.value for key, metric in result.metrics.items() if metric.value is not None}
    context.emit("evaluate", "validation", what=name, **values)


def run(context: StageContext) -> None:
    """Evaluates the baseline, then the policy."""
    task = task_of(context)
    evaluate(context, task, "baseline", best(context.folder.stage("baseline")).resolve())
    evaluate(context, task, "policy", policy_checkpoint(context).resolve())
