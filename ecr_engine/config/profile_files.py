"""Profiles that people make: checked by themselves, and written from other profiles and single settings."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ecr_engine.config.checks import Choices, check_layer
from ecr_engine.config.layers import PROJECT_FILE, set_layer
from ecr_engine.config.profiles import HEADER, MAX_LINES, ProfileInfo, load_profile, profile_names
from ecr_engine.config.resolve import resolve
from ecr_engine.config.tables import leaves
from ecr_engine.config.toml_lines import KeyPath, shown, toml_value
from ecr_engine.config.whole_files import write_whole
from ecr_engine.errors import Problem, SettingsError, UsageError

SETTINGS_FILES = frozenset({PROJECT_FILE, "config.resolved.toml"})
"""Files of settings that are no profiles, but may be checked in the same way."""

_SUFFIX = ".toml"
_NAME = re.compile(r"[A-Za-z0-9][\w-]*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_NOWHERE = Path("/")
"""A folder to begin at where no project file is to be found."""


@dataclass(frozen=True, slots=True)
class Validated:
    """A profile or settings file after its check.

    Attributes:
        name: as it was named.
        problems: everything that is wrong with it, each with file and line; empty if it can be used.
    """

    name: str
    problems: tuple[Problem, ...]


def validate(name: str, choices: Choices | None = None) -> Validated:
    """Checks a profile, or an `ecr.toml`, on the defaults alone: no project file, no environment.

    Args:
        name: a shipped profile's name, or a path that ends in `.toml`.
        choices: allowed values by dotted key, allowed keys by open table.
    """
    is_profile = Path(name).name not in SETTINGS_FILES
    try:
        resolve(
            profiles=[name] if is_profile else (),
            config=None if is_profile else Path(name),
            start=_NOWHERE,
            environ={},
            choices=choices,
        )
    except SettingsError as error:
        return Validated(name, error.problems)
    return Validated(name, ())


def create(
    name: str,
    *,
    based_on: Sequence[str] = (),
    sets: Sequence[str] = (),
    summary: str = "",
    when: str = "",
    choices: Choices | None = None,
) -> ProfileInfo:
    """Writes a new profile.

    Args:
        name: its name, for a file NAME.toml in the working folder; or a path that ends in `.toml`.
        based_on: profiles whose overrides it takes, a later one wins.
        sets: texts "section.key=value", above them.
        summary: what it does, in a sentence; made from the arguments if empty.
        when: when to use it, in a sentence; a line to be filled in if empty.
        choices: allowed values by dotted key, allowed keys by open table.

    Raises:
        UsageError: the name is taken or can't be one, the file is there, it would set nothing, or have over 40 lines.
        SettingsError: a profile or a setting is wrong.
    """
    path = _new_file(name)
    values = _overrides(based_on, sets, choices)
    if not values:
        raise UsageError(
            "the profile would change nothing",
            at=f"ecrctl profile create {shlex.quote(name)}",
            fix=f"ecrctl profile create {shlex.quote(name)} --set ppo.epochs=2",
        )
    told = summary or _summary(based_on, values)
    use = when or "Say here when to use it."
    text = _text(values, told, use)
    if len(text.splitlines()) > MAX_LINES:
        raise UsageError(
            f"a profile has at most {MAX_LINES} lines, this one would have {len(text.splitlines())}",
            at=shown(path),
            fix="use several profiles: --profile A --profile B, or a settings file: --config FILE.toml",
        )
    write_whole(path, text, replace=False)
    return ProfileInfo(path.stem, told, use, path)


def _new_file(name: str) -> Path:
    path = Path(name if name.endswith(_SUFFIX) else f"{name}{_SUFFIX}")
    if not _NAME.fullmatch(path.stem) or (not name.endswith(_SUFFIX) and path.name != f"{name}{_SUFFIX}"):
        raise UsageError(
            f"'{name}' can't be the name of a profile",
            at="ecrctl profile create",
            fix="use letters, digits, - and _, such as ecrctl profile create warm --set rewards.empathy=3",
        )
    if path.stem in profile_names():
        raise UsageError(
            f"there is a shipped profile '{path.stem}'",
            at=f"ecrctl profile create {name}",
            fix=f"name yours otherwise: ecrctl profile create my-{path.stem} --from {path.stem}",
        )
    if os.path.lexists(path):
        raise UsageError(
            f"there is a file '{shown(path)}' already",
            at=shown(path),
            fix=f"edit it, or name another: ecrctl profile create {path.stem}-2",
        )
    if not path.parent.is_dir():
        raise UsageError(
            f"there is no folder '{path.parent}'", at=name, fix=f"mkdir -p {shlex.quote(str(path.parent))}"
        )
    return path


def _overrides(based_on: Sequence[str], sets: Sequence[str], choices: Choices | None) -> dict[KeyPath, object]:
    """The overrides of profiles and single settings together, all of them checked."""
    resolved = resolve(profiles=based_on, sets=sets, start=_NOWHERE, environ={}, choices=choices)
    chosen: dict[KeyPath, object] = {}
    for profile in based_on:
        chosen.update(leaves(load_profile(profile).values))
    for text in sets:
        chosen.update(check_layer(set_layer(text), choices or {}).values)
    settled = dict(leaves(resolved.settings.model_dump()))
    return {path: settled[path] for path in chosen}


def _summary(based_on: Sequence[str], values: Mapping[KeyPath, object]) -> str:
    keys = [".".join(path) for path in values]
    what = ", ".join(keys[:3]) + (f" and {len(keys) - 3} more" if len(keys) > 3 else "")
    return f"{' and '.join(based_on)} with {what} of its own." if based_on else f"Sets {what}."


def _text(values: Mapping[KeyPath, object], summary: str, when: str) -> str:
    lines = [f"[{HEADER}]", f"summary = {toml_value(summary)}", f"when = {toml_value(when)}"]
    tables: dict[KeyPath, list[str]] = {}
    for path, value in values.items():
        tables.setdefault(path[:-1], []).append(f"{_key(path[-1])} = {toml_value(value)}")
    # What stands outside of tables has to come before the first of them.
    lines = [*(tables.pop((), [])), *lines]
    for table, entries in tables.items():
        lines += ["", f"[{'.'.join(map(_key, table))}]", *entries]
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else toml_value(name)
