"""TOML with line numbers: where in its file each key stands.

`tomllib` keeps no positions. A file's leading lines are valid TOML exactly when a statement ends there, so parsing ever
longer heads of the file tells which keys each statement adds, whatever its syntax (dotted keys, inline tables, values
over several lines).
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecr_engine.errors import Problem, SettingsError

KeyPath = tuple[str, ...]
"""A key as its parts: `ppo.clip_epsilon` is `("ppo", "clip_epsilon")`."""

_POSITION = re.compile(r"\s*\(at line (\d+), column \d+\)$")
_END = re.compile(r"\s*\(at end of document\)$")


@dataclass(frozen=True, slots=True)
class TomlDocument:
    """A TOML file that was read.

    Attributes:
        path: the file.
        values: its content.
        lines: the line (from 1) of every table and key.
        length: how many lines the file has.
    """

    path: Path
    values: Mapping[str, Any]
    lines: Mapping[KeyPath, int]
    length: int


def read_toml(path: Path) -> TomlDocument:
    """Reads a TOML file.

    Raises:
        SettingsError: the file is missing, is not UTF-8 or is not TOML (with its line).
    """
    if not path.is_file():
        raise SettingsError([Problem(f"there is no settings file '{path}'", str(path), "check the path")])
    try:
        # Some editors begin a file with a byte order mark, which TOML has no place for.
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        problem = Problem("the file is not UTF-8 text", f"{shown(path)}:{line}", "save it as UTF-8")
        raise SettingsError([problem]) from error
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError([_syntax_problem(str(error), text, path)]) from error
    return TomlDocument(path, values, key_lines(text), len(text.splitlines()))


def shown(path: Path) -> str:
    """A path as messages and origins print it: relative to the working folder where it lies in it."""
    absolute = path.absolute()
    return str(absolute.relative_to(Path.cwd())) if absolute.is_relative_to(Path.cwd()) else str(absolute)


def toml_value(value: object) -> str:
    """A value as TOML has it; None, which TOML lacks, as the text that stands for it in settings."""
    match value:
        case bool():
            return "true" if value else "false"
        case None:
            return '"none"'
        case str():
            return json.dumps(value, ensure_ascii=False)
        case _:
            return str(value)


def key_lines(text: str) -> dict[KeyPath, int]:
    """The line (from 1) at which each table and key of a valid TOML text is first set."""
    found: dict[KeyPath, int] = {}
    head, first = "", 1
    for number, line in enumerate(text.split("\n"), start=1):
        head += line + "\n"
        try:
            values = tomllib.loads(head)
        except tomllib.TOMLDecodeError:
            continue
        for path in _paths(values):
            found.setdefault(path, first)
        first = number + 1
    return found


def _paths(values: Mapping[str, Any], above: KeyPath = ()) -> Iterator[KeyPath]:
    for key, value in values.items():
        yield (*above, key)
        if isinstance(value, dict):
            yield from _paths(value, (*above, key))


def _syntax_problem(message: str, text: str, path: Path) -> Problem:
    position = _POSITION.search(message)
    line = int(position.group(1)) if position else max(1, len(text.splitlines()))
    reason = _END.sub("", _POSITION.sub("", message))
    return Problem(
        f"not valid TOML: {reason}",
        f"{shown(path)}:{line}",
        'write `key = value`, texts in "quotes", tables as [section]',
    )
