"""Profiles: small TOML files of overrides, with a summary and when to use them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecr_engine.config.toml_lines import KeyPath, TomlDocument, read_toml, shown
from ecr_engine.errors import Problem, SettingsError, suggestion

MAX_LINES = 40
HEADER = "profile"
HEADER_KEYS = ("summary", "when")

_SHIPPED = Path(__file__).with_name("shipped_profiles")
_CHECKOUT = Path(__file__).parents[2] / "profiles"


@dataclass(frozen=True, slots=True)
class ProfileInfo:
    """What a profile says of itself.

    Attributes:
        name: the file's name without `.toml`.
        summary: what it does, in a sentence.
        when: when to use it, in a sentence.
        path: the file.
    """

    name: str
    summary: str
    when: str
    path: Path


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile that was read.

    Attributes:
        info: what it says of itself.
        values: nested tables of its overrides.
        lines: the line of every key.
    """

    info: ProfileInfo
    values: Mapping[str, Any]
    lines: Mapping[KeyPath, int]


def profiles_folder() -> Path:
    """The folder of the shipped profiles: inside the installed package, else at the top of the source checkout."""
    return _SHIPPED if _SHIPPED.is_dir() else _CHECKOUT


def profile_names() -> list[str]:
    """The names of the shipped profiles, sorted."""
    return sorted(path.stem for path in profiles_folder().glob("*.toml"))


def list_profiles() -> list[ProfileInfo]:
    """All shipped profiles, by name.

    Raises:
        SettingsError: one of them is not a valid profile.
    """
    return [load_profile(name).info for name in profile_names()]


def load_profile(name: str) -> Profile:
    """Reads a profile; whether its overrides are known settings is for `resolve` to say.

    Args:
        name: a shipped profile's name, or a path that ends in `.toml`.

    Raises:
        SettingsError: there is no such profile, it is longer than 40 lines, or its `[profile]` table is not right.
    """
    if name.endswith(".toml"):
        path = Path(name)
    elif name in profile_names():
        path = profiles_folder() / f"{name}.toml"
    else:
        problem = Problem(f"unknown profile '{name}'", f"--profile {name}", suggestion(name, profile_names()))
        raise SettingsError([problem])
    document = read_toml(path)
    problems = list(_faults(document))
    if problems:
        raise SettingsError(problems)
    header = document.values[HEADER]
    values = {key: value for key, value in document.values.items() if key != HEADER}
    return Profile(ProfileInfo(path.stem, header["summary"], header["when"], path), values, document.lines)


def _faults(document: TomlDocument) -> list[Problem]:
    file = shown(document.path)
    faults: list[Problem] = []
    if document.length > MAX_LINES:
        faults.append(
            Problem(
                f"a profile has at most {MAX_LINES} lines, this one has {document.length}",
                f"{file}:{MAX_LINES + 1}",
                "keep only what differs from the defaults, or use it as --config",
            )
        )
    header = document.values.get(HEADER)
    if not isinstance(header, dict):
        return [*faults, Problem("the profile has no [profile] table", f"{file}:1", _HEADER_FIX)]
    line = document.lines[HEADER,]
    for key in HEADER_KEYS:
        if not isinstance(header.get(key), str) or not header[key].strip():
            faults.append(Problem(f"the [profile] table has no text '{key}'", f"{file}:{line}", _HEADER_FIX))
    for key in header.keys() - set(HEADER_KEYS):
        faults.append(
            Problem(
                f"the [profile] table has an unknown key '{key}'",
                f"{file}:{document.lines[HEADER, key]}",
                suggestion(key, HEADER_KEYS),
            )
        )
    return faults


_HEADER_FIX = 'begin with [profile], summary = "what it does", when = "when to use it"'
