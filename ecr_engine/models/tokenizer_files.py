"""Tokenizers without their models: found by folder or by run, loaded as the backbone's are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ecr_engine.errors import UnavailableError
from ecr_engine.models.hub import silence_transformers
from ecr_engine.models.tokenizer import prepare_tokenizer
from ecr_engine.runs.addresses import resolve_checkpoint
from ecr_engine.runs.folder import RunFolder

FILES = ("tokenizer.json", "tokenizer_config.json", "tokenizer.model")
"""A folder with one of these holds a tokenizer."""

STAGE = "baseline"
"""The stage whose tokenizer a run's prompts are cut with; all of its stages have the same."""


def tokenizer_folder(address: str) -> Path:
    """The folder of a tokenizer.

    Args:
        address: a folder that holds one, a run, or an address such as `RUN:policy@best`.

    Raises:
        UsageError, DataError: there is none (see `resolve_checkpoint`).
    """
    folder = Path(address)
    if any((folder / name).is_file() for name in FILES):
        return folder
    return resolve_checkpoint(f"{address}:{STAGE}" if RunFolder(folder).exists() else address)


def trained_tokenizer(run: Path) -> Path | None:
    """The folder of a run's tokenizer; None if its baseline is not trained yet, or this is no run.

    Raises:
        DataError: its checkpoints are damaged.
    """
    checkpoints = RunFolder(run).stage(STAGE) / "checkpoints"
    if not RunFolder(run).exists() or not checkpoints.is_dir() or not any(checkpoints.iterdir()):
        return None
    return tokenizer_folder(str(run))


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer in a folder, prepared as `load_backbone` prepares it.

    Raises:
        UnavailableError: it can't be read, or lacks a begin or an end token.
    """
    from transformers import AutoTokenizer

    silence_transformers()
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise UnavailableError(
            f"the tokenizer can't be loaded: {reason}", at=str(folder), fix="name another with --tokenizer"
        ) from error
    if tokenizer.bos_token is None or tokenizer.eos_token is None:
        raise UnavailableError(
            "the tokenizer has no begin or no end token: the chat format needs both",
            at=str(folder),
            fix="set bos_token and eos_token in its tokenizer_config.json",
        )
    prepare_tokenizer(tokenizer)
    return tokenizer
