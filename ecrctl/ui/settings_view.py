"""Settings as people read them: TOML, with a comment that names the origin of whatever is no default."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecr_engine.config.resolve import Resolved

_TABLE = re.compile(r"^\[(?P<name>[\w.-]+)\]$")
_KEY = re.compile(r"^(?P<name>[\w-]+) = ")
_COMMENT_COLUMN = 44


def annotated(resolved: Resolved) -> list[str]:
    """The lines of a TOML file of all settings, valid as `--config`.

    A value that is no default is followed by its layer and its place: `epochs = 2  # profile profiles/fast.toml:7`.
    """
    lines = []
    table = ""
    for line in resolved.to_toml().splitlines():
        heading = _TABLE.match(line)
        key = _KEY.match(line)
        if heading:
            table = heading["name"] + "."
        origin = resolved.origins.get(table + key["name"]) if key else None
        if origin is None or origin.layer == "default":
            lines.append(line)
        else:
            lines.append(f"{line:<{_COMMENT_COLUMN}}  # {origin.layer}: {origin.where}")
    return lines


def changed_count(resolved: Resolved) -> int:
    """How many values are no default."""
    return sum(origin.layer != "default" for origin in resolved.origins.values())
