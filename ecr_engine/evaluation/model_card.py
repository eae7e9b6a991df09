"""The model card of a run (its README.md), made from the files of the run folder and from nothing else."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ecr_engine.evaluation import wording
from ecr_engine.evaluation.comparison import Comparison, MetricComparison
from ecr_engine.evaluation.evidence import Evidence, gather
from ecr_engine.evaluation.expected_gains import expected_gain
from ecr_engine.evaluation.reward_told import reward_facts
from ecr_engine.evaluation.store import EvaluationResult
from ecr_engine.evaluation.table_rows import grouped_rows
from ecr_engine.evaluation.verdict import verdict
from ecr_engine.runs.atomic import write_text
from ecr_engine.runs.checkpoints import list_checkpoints

Section = tuple[str, Sequence[str]]

LIMITS = (
    "It imitates empathy in words; it does not understand feelings.",
    "It writes the slot `<movie>` where a movie belongs; something else has to fill it.",
    "The objective rewards what rules and n-grams can see. A gain in it is not a gain in what people feel: that takes "
    "human judges.",
    "Its dialogues are in English and about movies.",
)

MISUSE = (
    "Advice or comfort in distress, illness or danger: it answers with a movie.",
    "Talking to people who are not told that they talk to a machine.",
    "Judging what a person feels, or deciding anything about a person.",
    "Claims about empathy in general: what was measured here is one reward on one split.",
)

BUILT_HERE = "tiny"
"""The backbone that is trained from nothing on the run's own data."""

SAMPLE = Path("sample", "sample.json")
"""What a run has that made its own data."""


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
    yield "What not to use it for", [f"- {use}" for use in MISUSE]
    yield "Training", _training(evidence)
    yield "What trained the policy, and what was held out", [f"- {f.name}: {f.text}" for f in reward_facts(evidence)]
    if evidence.comparison is not None:
        yield "Results", _comparison(evidence.comparison)
    else:
        for result in (evidence.baseline, evidence.policy):
            if result is not None:
                yield f"Results of the {result.name}", _results(result)
    if evidence.warnings:
        told = [f"- {w.stage}: {w.text}" + (f" (fix: `{w.fix}`)" if w.fix else "") for w in evidence.warnings]
        yield "Warnings during training", told
    yield "Limits", [f"- {limit}" for limit in (*_limits(evidence), *LIMITS)]
    if evidence.missing:
        yield "Not in this card", [f"- {sentence}" for sentence in evidence.missing]
    yield "How to reproduce", _reproduce(evidence)


def _use(evidence: Evidence) -> list[str]:
    model = next((found for name in ("policy", "baseline") if (found := _checkpoint(evidence, name))), None)
    if model is None:
        return ["This run has no checkpoint of a language model yet."]
    return [
        "```python",
        "from transformers import AutoModelForCausalLM, AutoTokenizer",
        "",
        f'model = AutoModelForCausalLM.from_pretrained("{model}")',
        f'tokenizer = AutoTokenizer.from_pretrained("{model}")',
        "```",
    ]


def _checkpoint(evidence: Evidence, stage: str) -> str | None:
    """The checkpoint that a stage stands for, as a path in the run folder: its best, or else its latest."""
    marked = [info for info in list_checkpoints(evidence.folder.stage(stage)) if info.is_best or info.is_latest]
    chosen = max(marked, key=lambda info: info.is_best, default=None)
    return None if chosen is None else str(chosen.path.relative_to(evidence.folder.root))


def _training(evidence: Evidence) -> list[str]:
    record = evidence.record
    values = {setting.name: setting.value for setting in evidence.settings}
    splits = [f"{split.name} {split.dialogues:,} dialogues" for split in evidence.splits]
    data = [*splits, f"fingerprint {record.data_fingerprint or 'not recorded'}"]
    return [
        f"- Backbone: {values.get('backbone.name', 'not recorded')}",
        f"- Profiles: {', '.join(record.profiles) or 'none'}",
        f"- Data: {', '.join(data)}",
        f"- Seed: {record.seed}",
        *(
            f"- Stage {stage.name}: {stage.status}"
            + (f", {wording.duration(stage.seconds)}" if stage.seconds is not None else "")
            for stage in evidence.stages
        ),
    ]


def _comparison(comparison: Comparison) -> list[str]:
    decoding = ", ".join(f"{key} {value}" for key, value in comparison.decoding.items())
    groups = grouped_rows(comparison)
    folded = sum(len(fold.rows) for group in groups for fold in group.folds.values())
    rest = f"{folded} further metrics are in `report.html` and `evaluation/comparison.json`." if folded else ""
    return [
        f"{comparison.turns:,} turns of {comparison.dialogues:,} dialogues of the {comparison.split} split; "
        f"{decoding}. {comparison.confidence:.0%} paired intervals over dialogues; p values with Holm's correction. "
        f"\\* the reward pays for it. {rest}".rstrip(),
        "",
        f"| Metric | {_cell(comparison.a.name)} | {_cell(comparison.b.name)} | Difference | Relative | Guide expects "
        "| Interval | p | Outcome |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---|",
        *(_row(metric, comparison.confidence) for group in groups for metric in group.rows),
    ]


def _row(metric: MetricComparison, confidence: float) -> str:
    cells = [
        f"{metric.metric} \\*" if metric.in_reward else metric.metric,
        wording.number(metric.a),
        wording.number(metric.b),
        wording.number(metric.difference, sign=True),
        wording.percent(metric.relative),
        wording.percent(expected_gain(metric.metric)),
        wording.interval(metric.interval),
        wording.p_value(metric.p_holm),
        wording.outcome(metric, confidence),
    ]
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _results(result: EvaluationResult) -> list[str]:
    rows = [f"| {_cell(key)} | {wording.number(value.value)} |" for key, value in result.metrics.items()]
    return [f"{result.turns:,} turns of the {result.split} split.", "", "| Metric | Value |", "|---|---:|", *rows]


def _limits(evidence: Evidence) -> Iterator[str]:
    """What the run's own facts limit."""
    trained = next((split.dialogues for split in evidence.splits if split.name == "train"), None)
    if _name(evidence.config, "backbone") == BUILT_HERE and trained is not None:
        yield f"Its backbone was trained from nothing: all that it knows is from {trained:,} dialogues."
    if (evidence.folder.root / SAMPLE).is_file():
        yield "It was trained on the generated sample corpus: the movies and the people in it do not exist."
    if evidence.turns is None:
        return
    before, after = evidence.turns.reward_a, evidence.turns.reward_b
    harmed = sum(b < a for a, b in zip(before, after, strict=True))
    if harmed:
        yield f"The reward is lower than the baseline's on {harmed:,} of {len(before):,} held-out turns."


def _name(config: Mapping[str, Mapping[str, object]], section: str) -> object:
    return config.get(section, {}).get("name")


def _reproduce(evidence: Evidence) -> list[str]:
    record = evidence.record
    versions = ", ".join(f"{name} {version}" for name, version in record.packages.items())
    machine = ", ".join(f"{wording.hardware(key)} {wording.plain(value)}" for key, value in record.hardware.items())
    lines = ["```sh", shlex.join(record.command), "```", "", f"Source: {record.git_revision or 'not a checkout'}."]
    lines += [f"Packages: {versions}."] if versions else []
    return lines + ([f"Hardware: {machine}."] if machine else [])


def _cell(text: str) -> str:
    """Text that does not end a table cell."""
    return text.replace("|", "\\|")
