"""Nested tables of settings as flat pairs of key and value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ecr_engine.config.toml_lines import KeyPath


def leaves(values: Mapping[str, Any], above: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Every value that is no table, with the names that lead to it, in the order of the tables."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from leaves(value, (*above, key))
        else:
            yield (*above, key), value


def dotted(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The same with keys as they are typed: `ppo.epochs`."""
    return ((".".join(path), value) for path, value in leaves(values))
