"""Settings in which the runs of two evaluations differ: what may have made the difference."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ecr_engine.config.tables import dotted
from ecr_engine.errors import DataError
from ecr_engine.runs.folder import RunFolder

UNSET = "not set"


@dataclass(frozen=True, slots=True)
class SettingChange:
    """One setting that differs.

    Attributes:
        name: `section.key`.
        a: its value in the first run; in several runs, each value once, with commas between.
        b: the same in the second.
    """

    name: str
    a: str
    b: str


def setting_changes(a: Sequence[Path], b: Sequence[Path]) -> tuple[SettingChange, ...]:
    """The settings that differ between the runs of two sides, in the order of their files.

    Args:
        a: evaluation folders of the first side.
        b: evaluation folders of the second side.

    Returns:
        The changes; none where a side is of no run, or of one whose settings are not on disk.

    Raises:
        DataError: a file of settings can't be read.
    """
    first, second = (_by_name([_settings(folder) for folder in side]) for side in (a, b))
    if not first or not second:
        return ()
    changes = (SettingChange(name, first.get(name, UNSET), second.get(name, UNSET)) for name in {**first, **second})
    return tuple(change for change in changes if change.a != change.b)


def _by_name(runs: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Each setting with the values that it has in the runs."""
    names = dict.fromkeys(name for settings in runs for name in settings)
    return {name: ", ".join(dict.fromkeys(settings.get(name, UNSET) for settings in runs)) for name in names}


def _settings(evaluation: Path) -> dict[str, str]:
    """The settings of the run that an evaluation lies in: RUN/evaluation/NAME."""
    if len(evaluation.parents) < 2:
        return {}
    path = RunFolder(evaluation.parents[1]).resolved_config
    if not path.is_file():
        return {}
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"the settings can't be read: {error}", at=str(path), fix="restore the file") from error
    return {name: _toml(value) for name, value in dotted(tables)}


def _toml(value: object) -> str:
    """A setting's value as TOML writes it, strings bare."""
    return str(value).lower() if isinstance(value, bool) else str(value)
