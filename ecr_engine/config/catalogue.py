"""What settings there are: their keys, defaults and bounds in plain words, read from the `Settings` class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from pydantic import create_model

from ecr_engine.config.sections.base import Section
from ecr_engine.config.sections.curriculum import Ramp
from ecr_engine.config.settings import Settings
from ecr_engine.config.toml_lines import KeyPath
from ecr_engine.errors import nearest

NONE = "none"
"""How files, flags and variables write 'not set', which TOML has no word for."""

COMPONENT_TABLES: Mapping[str, type[Section]] = {"curriculum": Ramp}
"""The sections that hold a table for each reward component beside their own keys, and what such a table is."""

COMPONENTS = "rewards"
"""The open table whose keys are the reward components."""


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """One setting.

    Attributes:
        key: the dotted key, such as "ppo.clip_epsilon".
        default: the built-in value.
        type: what is allowed, in words: "a number above 0 and below 1".
        description: the sentence of help.
        options: the allowed texts, where there are only so many.
        optional: whether `none` is allowed.
        text: whether any text is allowed.
    """

    key: str
    default: object
    type: str
    description: str
    options: tuple[str, ...] = ()
    optional: bool = False
    text: bool = False


@cache
def catalogue() -> Mapping[str, KeyInfo]:
    """Every setting by its dotted key, in the order of declaration; of the open table, the keys with a default."""
    schema = Settings.model_json_schema()
    found: dict[str, KeyInfo] = {}
    for name, part in schema["properties"].items():
        if name in sections():
            definition = schema["$defs"][sections()[name].__name__]
            for key, leaf in definition["properties"].items():
                found[f"{name}.{key}"] = _key_info(f"{name}.{key}", leaf, leaf["default"], leaf["description"])
        elif name in open_tables():
            for key, default in part["default"].items():
                found[f"{name}.{key}"] = _key_info(
                    f"{name}.{key}", part["additionalProperties"], default, part["description"]
                )
        else:
            found[name] = _key_info(name, part, part["default"], part["description"])
    return found


def describe_keys() -> list[KeyInfo]:
    """Every setting, in the order of declaration."""
    return list(catalogue().values())


def key_info(path: KeyPath) -> KeyInfo:
    """The setting at `path`; for a new key of an open table, or of a component's table, what holds for all of them.

    Raises:
        KeyError: there is no such setting.
    """
    known = catalogue()
    key = ".".join(path)
    if is_component_key(path):
        leaf = Settings.model_json_schema()["$defs"][COMPONENT_TABLES[path[0]].__name__]["properties"][path[2]]
        return _key_info(key, leaf, leaf["default"], leaf["description"])
    if key not in known and path[0] in open_tables():
        first = next(info for info in known.values() if info.key.startswith(f"{path[0]}."))
        return KeyInfo(key, first.default, first.type, first.description)
    return known[key]


def is_component_key(path: KeyPath) -> bool:
    """Whether `path` is a known key in the table of some reward component."""
    return len(path) == 3 and path[0] in COMPONENT_TABLES and path[2] in component_keys(path[0])


def component_keys(table: str) -> list[str]:
    """The keys of the table that `table` holds for a reward component, as they are typed."""
    return [field.alias or name for name, field in COMPONENT_TABLES[table].model_fields.items()]


@cache
def sections() -> Mapping[str, type[Section]]:
    """The tables with fixed keys, by name."""
    return {
        name: field.annotation
        for name, field in Settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section)
    }


@cache
def open_tables() -> frozenset[str]:
    """The tables whose keys other rooms define."""
    properties = Settings.model_json_schema()["properties"]
    return frozenset(name for name, part in properties.items() if "additionalProperties" in part)


@cache
def top_level() -> type[Section]:
    """All that stands outside of the sections, as a section of its own, so that it is checked in the same way."""
    fields: dict[str, Any] = {
        name: (field.annotation, field) for name, field in Settings.model_fields.items() if name not in sections()
    }
    return cast("type[Section]", create_model("TopLevel", __base__=Section, **fields))


def nearest_key(path: KeyPath, open_keys: Mapping[str, Sequence[str]]) -> str | None:
    """The dotted key that was probably meant by an unknown one, or None.

    Args:
        path: the unknown key.
        open_keys: the allowed keys of open tables, by table.
    """
    if path[0] in COMPONENT_TABLES and len(path) > 2:
        return _nearest_component_key(path, open_keys.get(COMPONENTS, ()))
    keys = [*catalogue(), *(f"{table}.{key}" for table, names in open_keys.items() for key in names)]
    same_table = [key.partition(".")[2] for key in keys if key.startswith(f"{path[0]}.")]
    if len(path) > 1 and (close := nearest(".".join(path[1:]), same_table)):
        return f"{path[0]}.{close}"
    dotted = ".".join(path)
    same_name = [key for key in keys if key.rpartition(".")[2] == path[-1]]
    tables = [*sections(), *open_tables()] if len(path) == 1 else []
    return nearest(dotted, same_name) or next(iter(same_name), None) or nearest(dotted, [*tables, *keys])


def _nearest_component_key(path: KeyPath, components: Sequence[str]) -> str | None:
    """The known component and key that are nearest to those of `path`; None if one of the two has none near."""
    component = path[1] if path[1] in components or not components else nearest(path[1], components)
    keys = component_keys(path[0])
    key = path[2] if path[2] in keys else nearest(path[2], keys)
    return f"{path[0]}.{component}.{key}" if component and key else None


def _key_info(key: str, schema: Mapping[str, Any], default: object, description: str) -> KeyInfo:
    parts = schema.get("anyOf", [schema])
    return KeyInfo(
        key=key,
        default=default,
        type=in_words(schema),
        description=description,
        options=tuple(schema.get("enum", ())),
        optional=any(part.get("type") == "null" for part in parts),
        text=any(part.get("type") == "string" and "enum" not in part for part in parts),
    )


def in_words(schema: Mapping[str, Any]) -> str:
    """A JSON schema of one value, in plain words."""
    if "anyOf" in schema:
        return ", or ".join(in_words(part) for part in schema["anyOf"])
    if "enum" in schema:
        return f"one of {', '.join(schema['enum'])}"
    match schema["type"]:
        case "null":
            return NONE
        case "boolean":
            return "true or false"
        case "string":
            return "a text that is not empty" if schema.get("minLength") else "a text"
        case "integer":
            return f"a whole number{_bounds(schema)}"
        case "number":
            return f"a number{_bounds(schema)}"
    raise NotImplementedError(f"no words for {schema}")


def _bounds(schema: Mapping[str, Any]) -> str:
    if "minimum" in schema and "maximum" in schema:
        return f" from {_number(schema['minimum'])} to {_number(schema['maximum'])}"
    words = {"minimum": "of at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
    limits = [f"{word} {_number(schema[key])}" for key, word in words.items() if key in schema]
    return f" {' and '.join(limits)}" if limits else ""


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)
