"""Checks one layer by itself, so that no higher layer hides a mistake in a lower one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from ecr_engine.config.catalogue import (
    COMPONENT_TABLES,
    COMPONENTS,
    NONE,
    catalogue,
    is_component_key,
    key_info,
    nearest_key,
    open_tables,
    sections,
    top_level,
)
from ecr_engine.config.import_paths import is_import_path
from ecr_engine.config.layers import Layer
from ecr_engine.config.settings import Settings
from ecr_engine.config.tables import leaves as all_leaves
from ecr_engine.config.toml_lines import KeyPath
from ecr_engine.errors import Problem, suggestion

Choices = Mapping[str, Sequence[str]]
"""Allowed values by dotted key, or allowed keys by open table: what only other rooms know."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A layer after its check.

    Attributes:
        values: value by key path; all of the right type if there are no problems.
        problems: everything that is wrong.
    """

    values: Mapping[KeyPath, object]
    problems: tuple[Problem, ...]


def check_layer(layer: Layer, choices: Choices) -> Checked:
    """Checks names, types, ranges and choices of all values of a layer.

    Args:
        layer: what to check.
        choices: allowed values by dotted key, allowed keys by open table.
    """
    leaves, problems = _known_leaves(layer, choices)
    values: dict[KeyPath, object] = {}
    for table in dict.fromkeys(_table_of(path) for path in leaves):
        part = {path: value for path, value in leaves.items() if _table_of(path) == table}
        found, faults = _check_table(layer, table, part)
        values.update(found)
        problems.extend(faults)
    problems.extend(_check_choices(layer, values, choices))
    return Checked(values, tuple(problems))


def _table_of(path: KeyPath) -> str:
    return path[0] if path[0] in sections() else ""


def _known_leaves(layer: Layer, choices: Choices) -> tuple[dict[KeyPath, object], list[Problem]]:
    """The values at known keys, and a problem for each key that is not known."""
    leaves: dict[KeyPath, object] = {}
    problems: list[Problem] = []
    for name, value in layer.values.items():
        is_table = name in sections() or name in open_tables()
        if name not in Settings.model_fields:
            alone = next(iter(value)) if isinstance(value, dict) and len(value) == 1 else None
            problems.append(_unknown(layer, (name,) if alone is None else (name, alone), choices))
        elif not is_table:
            leaves[(name,)] = _none_or(value, (name,))
        elif not isinstance(value, dict):
            problems.append(_not_a_table(layer, name, value))
        else:
            for path, leaf in _in_table(name, value):
                if _is_known(path, choices):
                    leaves[path] = _none_or(leaf, path)
                elif _is_component(path, choices):
                    problems.append(_not_a_component_table(layer, path, leaf))
                else:
                    problems.append(_unknown(layer, path, choices))
    return leaves, problems


def _in_table(name: str, values: Mapping[str, Any]) -> Iterator[tuple[KeyPath, Any]]:
    """The values of a table by their paths; only a table of component tables is looked into any deeper."""
    if name in COMPONENT_TABLES:
        return all_leaves(values, (name,))
    return (((name, key), value) for key, value in values.items())


def _is_known(path: KeyPath, choices: Choices) -> bool:
    table, key = path[:2]
    if table in open_tables():
        return _is_component_name(key, choices)
    if is_component_key(path):
        return key not in sections()[table].model_fields and _is_component_name(key, choices)
    return len(path) == 2 and key in sections()[table].model_fields


def _is_component_name(name: str, choices: Choices) -> bool:
    return COMPONENTS not in choices or name in choices[COMPONENTS] or is_import_path(name)


def _is_component(path: KeyPath, choices: Choices) -> bool:
    """Whether this is a value where a component has a table of values."""
    return path[0] in COMPONENT_TABLES and len(path) == 2 and _is_component_name(path[1], choices)


def _none_or(value: object, path: KeyPath) -> object:
    return None if isinstance(value, str) and value.lower() == NONE and key_info(path).optional else value


def _unknown(layer: Layer, path: KeyPath, choices: Choices) -> Problem:
    open_keys = {table: keys for table, keys in choices.items() if table in open_tables()}
    close = nearest_key(path, open_keys)
    fix = f"did you mean {layer.spell(close)}?" if close else "`ecrctl profile show --resolved` lists every setting"
    return Problem(f"unknown setting '{'.'.join(path)}'", layer.at(path), fix)


def _not_a_table(layer: Layer, name: str, value: object) -> Problem:
    example = next(info for key, info in catalogue().items() if key.startswith(f"{name}."))
    return Problem(
        f"{name} is a table of settings, and can't be {value!r}",
        layer.at((name,)),
        f"set its keys, such as {layer.example(example.key, example.default)}",
    )


def _not_a_component_table(layer: Layer, path: KeyPath, value: object) -> Problem:
    key = ".".join(path)
    return Problem(
        f"{key} is a table of settings, and can't be {value!r}",
        layer.at(path),
        f"set its keys, such as {layer.example(f'{key}.start', 0.5)}",
    )


def _check_table(
    layer: Layer, table: str, leaves: Mapping[KeyPath, object]
) -> tuple[dict[KeyPath, object], list[Problem]]:
    """Values of one table in their own types, and what is wrong with them."""
    model = sections()[table] if table else top_level()
    above = (table,) if table else ()
    given: dict[str, Any] = {}
    for path, value in leaves.items():
        spot = given
        for part in path[len(above) : -1]:
            spot = spot.setdefault(part, {})
        spot[path[-1]] = value
    try:
        # `exclude_unset` gives back exactly the keys that the layer sets.
        checked = model.model_validate(given, strict=layer.strict).model_dump(exclude_unset=True)
    except ValidationError as error:
        spots = [(*above, *map(str, fault["loc"])) for fault in error.errors()]
        wrong = [path for path in leaves if any(spot[: len(path)] == path for spot in spots)]
        assert wrong, f"a rule over several settings can't be checked layer by layer: {error}"
        return {}, [_wrong_value(layer, path, leaves[path]) for path in wrong]
    return {(*above, *path): value for path, value in all_leaves(checked)}, []


def _wrong_value(layer: Layer, path: KeyPath, value: object) -> Problem:
    info = key_info(path)
    fix = (
        suggestion(str(value), info.options)
        if info.options
        else f"for example the default: {layer.example(info.key, info.default)}"
    )
    return Problem(f"{info.key} must be {info.type}, not {_printed(value)}", layer.at(path), fix)


def _printed(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _check_choices(layer: Layer, values: Mapping[KeyPath, object], choices: Choices) -> list[Problem]:
    found: list[Problem] = []
    for path, value in values.items():
        allowed = choices.get(".".join(path))
        if allowed is not None and value not in allowed:
            what = f"{'.'.join(path)} must be one of {', '.join(allowed)}, not {_printed(value)}"
            found.append(Problem(what, layer.at(path), suggestion(str(value), allowed)))
    return found
