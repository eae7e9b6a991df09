"""The example that a command line names, and the settings that it is shown or exported with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ecr_engine.errors import UsageError
from ecrctl.jobs import settings_from
from ecrctl.options import Layers

if TYPE_CHECKING:
    from ecr_engine.config.settings import Settings
    from ecr_engine.data.lookup import Found
    from ecr_engine.models.inspection import Inspection


def settings_of(source: Path, layers: Layers) -> Settings:
    """The settings of a run, or the defaults for a folder that is none; under what the command line adds."""
    from ecr_engine.runs.folder import RunFolder

    run = RunFolder(source)
    return settings_from(layers, {}, base=run.resolved_config if run.exists() else None).settings


def wanted(source: Path, number: int | None, split: str | None, example_id: str | None) -> Found:
    """The example that was asked for by number or by id.

    Raises:
        UsageError: it was asked for by both; or there is no such example or split.
        DataError: the source is not a processed folder.
    """
    from ecr_engine.data.lookup import identified, numbered, split_named
    from ecr_engine.data.schema import Split
    from ecrctl.ui.data_view import data_folder

    folder = data_folder(source)
    if example_id is None:
        return numbered(folder, split_named(split or Split.TRAIN), number or 1)
    if number is not None:
        raise UsageError("an example is named by its number or by its id", at="--id", fix=f"leave {number} out")
    return identified(folder, [split_named(split)] if split is not None else list(Split), example_id)


def inspected(source: Path, found: Found, layers: Layers, tokenizer: str | None) -> Inspection:
    """An example as training sees it, with the tokenizer that was named or the run's own.

    Raises:
        UsageError, DataError, UnavailableError: the named tokenizer is not there or can't be loaded.
    """
    from ecr_engine.models.inspection import Limits, inspect

    prompt = settings_of(source, layers).prompt
    limits = Limits(prompt.system, prompt.context_max_length, prompt.resp_max_length)
    return inspect(found.example, limits, _tokenizer(source, tokenizer))


def _tokenizer(source: Path, named: str | None) -> Path | None:
    from ecr_engine.models.tokenizer_files import tokenizer_folder, trained_tokenizer

    return trained_tokenizer(source) if named is None else tokenizer_folder(named)
