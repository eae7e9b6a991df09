"""The model card of a run (its README.md), made from the files of the run folder and from nothing else."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from ecr_engine.evaluation import wording
from ecr_engine.evaluation.comparison import Comparison, MetricComparison
from ecr_engine.evaluation.evidence import Evidence, gather
from ecr_engine.evaluation.store import EvaluationResult
from ecr_engine.evaluation.verdict import verdict
from ecr_engine.runs.atomic import write_text
from ecr_engine.runs.checkpoints import has_best

Section = tuple[str, Sequence[str]]

LIMITS = (
    "It imitates empathy in words; it does not understand feelings, and is no help in distress.",
    "It writes the slot `<movie>` where a movie belongs; something else has to fill it.",
    "The objective rewards what rules and n-grams can see. A gain in it is not a gain in what people feel: that takes "
    "human judges.",
    "Its dialogues are in English and about movies.",
)


def write_model_card(run: Path) -> Path:
    """Writes the `README.md` of a run; parts that the run lacks are named as missing.

    Args:
        run: the run folder.

    Returns:
        The card's path.

    Raises:
        DataError: it is no run folder, or a file in it is damaged.
    """
    evidence = gather(run)
    path = evidence.folder.card
    write_text(path, card(evidence))
    return path


def card(evidence: Evidence) -> str:
    """The model card as Markdown.

    Args:
        evidence: the content of the run folder.
    """
    comparison = evidence.comparison
    parts = [
        "---\nlibrary_name: transformers\npipeline_tag: text-generation\nlanguage: en\n"
        "tags:\n- conversational-recommendation\n- empathy\n- ppo\n---\n",
        f"# {evidence.name}\n",
        "An empathetic conversational movie recommender (Llama-2 chat format), fine-tuned on dialogues and then "
        "improved with PPO against a composite reward.\n",
    ]
    if comparison is not None:
        parts.append(f"**{verdict(comparison)}**\n")
    for title, lines in _sections(evidence):
        parts.append(f"## {title}\n")
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _sections(evidence: Evidence) -> Iterator[Section]:
    yield "Use", _use(evidence)
    yield "Training", _training(evidence)
    if evidence.comparison is not None:
        yield "Results", _comparison(evidence.comparison)
    else:
        for result in (evidence.baseline, evidence.policy):
            if result is not None:
                yield f"Results of the {result.name}", _results(result)
    if evidence.warnings:
        told = [f"- {w.stage}: {w.text}" + (f" (fix: `{w.fix}`)" if w.fix else "") for w in evidence.warnings]
        yield "Warnings during training", told
    yield "Limits", [f"- {limit}" for limit in LIMITS]
    if evidence.missing:
        yield "Not in this card", [f"- {sentence}" for sentence in evidence.missing]
    yield "How to reproduce", _reproduce(evidence)


def _use(evidence: Evidence) -> list[str]:
    stages = [name for name in ("policy", "baseline") if (evidence.folder.stage(name) / "latest").is_dir()]
    if not stages:
        return ["This run has no checkpoint of a language model yet."]
    link = "best" if has_best(evidence.folder.stage(stages[0])) else "latest"
    return [
        "```python",
        "from transformers import AutoModelForCausalLM, AutoTokenizer",
        "",
        f'model = AutoModelForCausalLM.from_pretrained("{stages[0]}/{link}")',
        f'tokenizer = AutoTokenizer.from_pretrained("{stages[0]}/{link}")',
        "```",
    ]


def _training(evidence: Evidence) -> list[str]:
    record = evidence.record
    values = {setting.name: setting.value for setting in evidence.settings}
    lines = [
        f"- Backbone: {values.get('backbone.name', 'not recorded')}",
        f"- Profiles: {', '.join(record.profiles) or 'none'}",
        f"- Data: fingerprint {record.data_fingerprint or 'not recorded'}",
        f"- Seed: {record.seed}",
    ]
    weights = [
        f"{name.removeprefix('rewards.')} {value}" for name, value in values.items() if name.startswith("rewards.")
    ]
    if weights:
        lines.append(f"- Weights of the reward: {', '.join(weights)}")
    lines += [f"- Stage {name}: {wording.duration(stage.seconds)}" for name, stage in record.stages.items()]
    return lines


def _comparison(comparison: Comparison) -> list[str]:
    decoding = ", ".join(f"{key} {value}" for key, value in comparison.decoding.items())
    return [
        f"{comparison.turns:,} turns of {comparison.dialogues:,} dialogues of the {comparison.split} split; "
        f"{decoding}. {comparison.confidence:.0%} paired bootstrap intervals over dialogues; "
        "p values with Holm's correction. \\* the reward pays for it.",
        "",
        f"| Metric | {_cell(comparison.a.name)} | {_cell(comparison.b.name)} | Difference | Interval | p | Outcome |",
        "|---|---:|---:|---:|---:|---:|---|",
        *(_row(metric, comparison.confidence) for metric in comparison.metrics.values()),
    ]


def _row(metric: MetricComparison, confidence: float) -> str:
    cells = [
        f"{metric.metric} \\*" if metric.in_reward else metric.metric,
        wording.number(metric.a),
        wording.number(metric.b),
        wording.number(metric.difference, sign=True),
        wording.interval(metric.interval),
        wording.p_value(metric.p_holm),
        wording.outcome(metric, confidence),
    ]
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _results(result: EvaluationResult) -> list[str]:
    rows = [f"| {_cell(key)} | {wording.number(value.value)} |" for key, value in result.metrics.items()]
    return [f"{result.turns:,} turns of the {result.split} split.", "", "| Metric | Value |", "|---|---:|", *rows]


def _reproduce(evidence: Evidence) -> list[str]:
    record = evidence.record
    versions = ", ".join(f"{name} {version}" for name, version in record.packages.items())
    lines = ["```sh", shlex.join(record.command), "```", "", f"Source: {record.git_revision or 'not a checkout'}."]
    return [*lines, f"Packages: {versions}."] if versions else lines


def _cell(text: str) -> str:
    """Text that does not end a table cell."""
    return text.replace("|", "\\|")
