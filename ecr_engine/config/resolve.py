"""From layers to one frozen `Settings`, with the origin of every value.

built-in defaults < profiles in order < `ecr.toml` in the nearest parent folder < `--config` < environment `ECR_…` <
`--set` < flags. Tables merge, lists replace. All mistakes of all layers are reported at once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ecr_engine.config.catalogue import NONE, KeyInfo, describe_keys
from ecr_engine.config.checks import Choices, check_layer
from ecr_engine.config.curriculum_rules import check_curriculum, complete_ramps
from ecr_engine.config.layers import (
    Layer,
    environment_layer,
    environment_variables,
    file_layer,
    find_project_file,
    flag_layer,
    profile_layer,
    set_layer,
)
from ecr_engine.config.settings import Settings
from ecr_engine.config.tables import leaves
from ecr_engine.config.together import check_together
from ecr_engine.config.toml_lines import KeyPath
from ecr_engine.errors import Problem, SettingsError

__all__ = ["KeyInfo", "Origin", "Resolved", "describe_keys", "resolve"]

DEFAULT_PLACE = "ecr_engine/config/settings.py"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value comes from.

    Attributes:
        layer: "default", "profile", "project file", "--config", "environment", "--set" or "flag".
        where: `file:line`, the variable's name, or the text as typed.
    """

    layer: str
    where: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """The settings of a run, and where they come from.

    Attributes:
        settings: the frozen settings.
        origins: the origin of every value, by dotted key.
        profiles: the profiles that were used, in order.
    """

    settings: Settings
    origins: dict[str, Origin]
    profiles: tuple[str, ...]

    def to_toml(self) -> str:
        """All settings as TOML; given as `--config`, the text leads to equal settings.

        A value of None is written as "none", since leaving it out would bring back a default or a profile's value.
        """
        import tomli_w

        return tomli_w.dumps(_with_none(self.settings.model_dump()))

    def origins_json(self) -> dict[str, Any]:
        """The origin of every value as JSON: {"ppo.epochs": {"layer": …, "where": …}, …}."""
        return {key: {"layer": origin.layer, "where": origin.where} for key, origin in self.origins.items()}


def resolve(
    *,
    profiles: Sequence[str] = (),
    config: Path | None = None,
    start: Path | None = None,
    environ: Mapping[str, str] | None = None,
    sets: Sequence[str] = (),
    flags: Mapping[str, tuple[object, str]] | None = None,
    choices: Choices | None = None,
) -> Resolved:
    """Layers all sources of settings.

    Args:
        profiles: names of profiles, or paths that end in `.toml`; a later one wins.
        config: a TOML file of settings.
        start: the folder from which `ecr.toml` is looked for upwards; the working folder if None.
        environ: the environment; the process's own if None.
        sets: texts "section.key=value".
        flags: dotted key to (value, the flag as typed).
        choices: allowed values by dotted key, or allowed keys by open table (`rewards`).

    Raises:
        SettingsError: with every problem of every layer, or of the settings that contradict each other.
    """
    problems: list[Problem] = []
    values = dict(leaves(Settings().model_dump()))
    origins = dict.fromkeys(values, Origin("default", DEFAULT_PLACE))
    sources = _sources(
        profiles, config, start or Path.cwd(), os.environ if environ is None else environ, sets, flags or {}
    )
    for read in sources:
        try:
            layer = read()
        except SettingsError as error:
            problems.extend(error.problems)
            continue
        checked = check_layer(layer, choices or {})
        problems.extend(checked.problems)
        values.update(checked.values)
        origins.update({path: Origin(layer.name, layer.where(path)) for path in checked.values})
    if problems:
        raise SettingsError(problems)
    for path, value in complete_ramps(values).items():
        values[path], origins[path] = value, Origin("default", DEFAULT_PLACE)
    origin_by_key = {".".join(path): origin for path, origin in origins.items()}
    resolved = Resolved(Settings(**_tables(values)), origin_by_key, tuple(profiles))
    problems = [*check_together(resolved), *check_curriculum(resolved)]
    if problems:
        raise SettingsError(problems)
    return resolved


def _sources(
    profiles: Sequence[str],
    config: Path | None,
    start: Path,
    environ: Mapping[str, str],
    sets: Sequence[str],
    flags: Mapping[str, tuple[object, str]],
) -> Iterator[Callable[[], Layer]]:
    """How to read each layer, lowest first."""
    for profile in profiles:
        yield partial(profile_layer, profile)
    project_file = find_project_file(start)
    if project_file is not None:
        yield partial(file_layer, "project file", project_file)
    if config is not None:
        yield partial(file_layer, "--config", config)
    for name, value in environment_variables(environ):
        yield partial(environment_layer, name, value)
    for text in sets:
        yield partial(set_layer, text)
    for key, (setting, typed) in flags.items():
        yield partial(flag_layer, key, setting, typed)


def _tables(values: Mapping[KeyPath, object]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for path, value in values.items():
        table = result
        for part in path[:-1]:
            table = table.setdefault(part, {})
        table[path[-1]] = value
    return result


def _with_none(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _with_none(value) if isinstance(value, dict) else (NONE if value is None else value)
        for key, value in values.items()
    }
