"""Where settings come from: each source read into layers, lowest first.

A layer knows the place of each of its values. What is typed singly (a variable, a `--set`, a flag) is a layer of its
own, so that its place is simply the typed text.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic_settings import EnvSettingsSource
from pydantic_settings import SettingsError as EnvValueError

from ecr_engine.config.catalogue import COMPONENT_TABLES, catalogue, open_tables
from ecr_engine.config.profiles import load_profile
from ecr_engine.config.settings import Settings
from ecr_engine.config.toml_lines import KeyPath, TomlDocument, read_toml, shown, toml_value
from ecr_engine.config.variables import NO_SETTINGS
from ecr_engine.errors import Problem, SettingsError

PROJECT_FILE = "ecr.toml"
ENV_PREFIX = "ECR_"
ENV_DELIMITER = "__"

LayerName = Literal["default", "profile", "project file", "--config", "environment", "--set", "flag"]


@dataclass(frozen=True, slots=True)
class Layer:
    """Settings from one place.

    Attributes:
        name: the kind of source.
        values: nested tables of what it sets.
        source: the file, the variable's name, or the text as typed.
        lines: the line of each key in the file; empty for what is no file.
        strict: whether values have types already; texts from the environment have not.
    """

    name: LayerName
    values: Mapping[str, Any]
    source: str
    lines: Mapping[KeyPath, int] = field(default_factory=dict)
    strict: bool = True

    def where(self, path: KeyPath) -> str:
        """`file:line` of a key, or the text as typed."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return f"{self.source}:{self.lines[path[:length]]}"
        return self.source

    def at(self, path: KeyPath) -> str:
        """The place of a key as an error prints it."""
        return f"environment variable {self.source}" if self.name == "environment" else self.where(path)

    def spell(self, key: str) -> str:
        """A dotted key in the spelling of this layer."""
        return f"{variable_name(key)} ({key})" if self.name == "environment" else f"'{key}'"

    def example(self, key: str, value: object) -> str:
        """How to type a value of a key in this layer."""
        match self.name:
            case "environment":
                return f"{variable_name(key)}={_typed(value)}"
            case "--set":
                return f"--set {key}={_typed(value)}"
            case "flag":
                return f"{self.source} {_typed(value)}"
            case _:
                return f"{key} = {toml_value(value)}"


def profile_layer(name: str) -> Layer:
    """The overrides of a profile.

    Raises:
        SettingsError: there is no such profile, or it is not a valid one.
    """
    profile = load_profile(name)
    return Layer("profile", profile.values, shown(profile.info.path), profile.lines)


def file_layer(name: Literal["project file", "--config"], path: Path) -> Layer:
    """The settings of a TOML file.

    Raises:
        SettingsError: the file is missing or is not TOML.
    """
    document: TomlDocument = read_toml(path)
    return Layer(name, document.values, shown(path), document.lines)


def find_project_file(start: Path) -> Path | None:
    """The `ecr.toml` in `start` or the nearest folder above it."""
    for folder in (start.absolute(), *start.absolute().parents):
        if (folder / PROJECT_FILE).is_file():
            return folder / PROJECT_FILE
    return None


def environment_variables(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The variables that are meant as settings, by name; sorted, so that the result does not depend on their order."""
    yield from sorted(
        (name, value)
        for name, value in environ.items()
        if name.upper().startswith(ENV_PREFIX) and name not in NO_SETTINGS
    )


def environment_layer(name: str, value: str) -> Layer:
    """One variable, such as `ECR_PPO__CLIP_EPSILON=0.1`; a whole table is given as JSON.

    Raises:
        SettingsError: the value of a table is not JSON.
    """
    path = tuple(name[len(ENV_PREFIX) :].lower().split(ENV_DELIMITER))
    source = EnvSettingsSource(Settings, env_prefix=ENV_PREFIX, env_nested_delimiter=ENV_DELIMITER)
    source.env_vars = {name.lower(): value}
    try:
        values = source()
    except EnvValueError as error:
        problem = Problem(
            f"{path[0]} is a table, and '{value}' is no JSON object",
            f"environment variable {name}",
            f"set single keys, such as {variable_name(_any_key(path[0]))}",
        )
        raise SettingsError([problem]) from error
    # The source passes over names that it does not know; they have to be seen, to be refused.
    return Layer("environment", values or nested(path, value), name, strict=False)


def set_layer(text: str) -> Layer:
    """One `--set section.key=value`; the value is TOML, or a plain text where it is none.

    Raises:
        SettingsError: the text has no key or no `=`.
    """
    key, equals, value = text.partition("=")
    path = _path(key)
    if not equals or not all(path):
        problem = Problem(
            f"'{text}' is not a setting", f"--set {text}", "write section.key=value, such as --set ppo.epochs=2"
        )
        raise SettingsError([problem])
    return Layer("--set", nested(path, _parse_value(path, value.strip())), f"--set {text}")


def flag_layer(key: str, value: object, typed: str) -> Layer:
    """One flag.

    Args:
        key: the dotted key that it sets.
        value: its value, of the right type already.
        typed: the flag as typed, such as "--rl-learning-rate".
    """
    return Layer("flag", nested(_path(key), value), typed)


def variable_name(key: str) -> str:
    """The environment variable of a dotted key: `ECR_PPO__CLIP_EPSILON`."""
    return ENV_PREFIX + key.replace(".", ENV_DELIMITER).upper()


def nested(path: Sequence[str], value: object) -> dict[str, Any]:
    """Tables in tables that hold `value` at `path`."""
    head, *rest = path
    return {head: nested(rest, value) if rest else value}


def _path(key: str) -> KeyPath:
    """A dotted key as its parts; an import path that names a component is one part, with dots of its own."""
    table, _, rest = key.partition(".")
    parts = key.split(".")
    if ":" in rest and table.strip() in open_tables():
        parts = [table, rest]
    elif ":" in rest and table.strip() in COMPONENT_TABLES:
        component, _, last = rest.rpartition(".")
        parts = [table, component, last]
    return tuple(part.strip() for part in parts)


def _parse_value(path: KeyPath, text: str) -> object:
    try:
        document = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    if set(document) != {"value"}:
        return text
    parsed: object = document["value"]
    info = catalogue().get(".".join(path))
    # A text stays what was typed: `--set tracking.project=2024` names a project, it is no number.
    return text if info is not None and info.text and not isinstance(parsed, str) else parsed


def _any_key(table: str) -> str:
    return next(key for key in catalogue() if key.startswith(f"{table}."))


def _typed(value: object) -> str:
    """A value as one types it after `=`."""
    text = toml_value(value)
    return text.strip('"') if isinstance(value, str) and " " not in value else text
