"""A project file to begin with: the settings that people change, each with its help, all commented out."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator
from pathlib import Path

from ecr_engine.config.catalogue import KeyInfo, catalogue
from ecr_engine.config.layers import PROJECT_FILE
from ecr_engine.config.toml_lines import shown, toml_value
from ecr_engine.config.whole_files import write_whole
from ecr_engine.errors import UsageError

WIDTH = 100
"""Columns of the file."""

CHANGED_OFTEN = (
    "seed",
    "device",
    "backbone.name",
    "backbone.precision",
    "backbone.adapter",
    "backbone.quantisation",
    "prompt.context_max_length",
    "prompt.resp_max_length",
    "baseline.epochs",
    "baseline.learning_rate",
    "baseline.batch_size",
    "judge.name",
    "critic.encoder",
    "ppo.learning_rate",
    "ppo.max_steps",
    "ppo.batch_size",
    "ppo.clip_epsilon",
    "ppo.epochs",
    "ppo.kl_coefficient",
    "rewards.bleu",
    "rewards.distinct",
    "rewards.empathy",
    "rewards.recommendation",
    "rewards.format",
    "rewards.relevance",
    "health.on_warning",
    "evaluation.split",
    "evaluation.limit",
    "checkpoints.every",
    "checkpoints.keep_last",
    "tracking.wandb",
    "tracking.project",
)
"""The settings that people change, in the order of the work; keys of one table stand together."""

_HEAD = """\
# Settings of this project: every ecrctl command in this folder or below it reads them.
# Take away the `# ` before a line to set it; what stands there is the default.
# Profiles are below this file; --config, ECR_… variables, --set and flags are above it.
# All settings, each with its origin: ecrctl profile show --resolved
"""


def project_file_text() -> str:
    """The content of a new `ecr.toml`: valid TOML that sets nothing."""
    return _HEAD + "\n".join(_lines()) + "\n"


def write_project_file(folder: Path, *, force: bool = False) -> Path:
    """Writes a new `ecr.toml`.

    Args:
        folder: where to; it exists.
        force: replace one that is there.

    Returns:
        The file.

    Raises:
        UsageError: there is one already.
    """
    path = folder / PROJECT_FILE
    if os.path.lexists(path) and not force:
        raise UsageError(
            f"there is an {PROJECT_FILE} already",
            at=shown(path),
            fix="edit it, or begin again with: ecrctl init --force",
        )
    write_whole(path, project_file_text(), replace=force)
    return path


def _lines() -> Iterator[str]:
    known = catalogue()
    table, told = "", ""
    for key in CHANGED_OFTEN:
        info = known[key]
        head, _, last = key.rpartition(".")
        if head != table:
            table = head
            yield f"\n[{head}]"
        sentence = _sentence(info)
        if sentence != told:
            # Of keys that share their help, such as the weights of rewards, the first has it.
            yield ""
            yield from (f"# {line}" for line in textwrap.wrap(sentence, WIDTH - 2))
            told = sentence
        yield f"# {last or key} = {toml_value(info.default)}"


def _sentence(info: KeyInfo) -> str:
    return f"{info.description} ({info.type})"
