"""Settings as people read them: TOML, with a comment that names the origin of whatever is no default."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecr_engine.config.resolve import Origin, Resolved

_TABLE = re.compile(r"""^\[(?P<name>[\w.:"'-]+)\]$""")
_KEY = re.compile(r"^(?P<name>[\w-]+) = ")
_COMMENT_COLUMN = 44
_TYPED = {"environment", "--set", "flag"}


def annotated(resolved: Resolved) -> list[str]:
    """The lines of a TOML file of all settings, valid as `--config`.

    A value that was changed is followed by its layer and its place: `epochs = 2  # profile: profiles/fast.toml:7`.
    """
    told = changed(resolved)
    lines = []
    table = ""
    for line in resolved.to_toml().splitlines():
        heading = _TABLE.match(line)
        key = _KEY.match(line)
        if heading:
            table = re.sub(r"""["']""", "", heading["name"]) + "."
        origin = told.get(table + key["name"]) if key else None
        lines.append(f"{line:<{_COMMENT_COLUMN}}  # {origin.layer}: {origin.where}" if origin else line)
    return lines


def changed(resolved: Resolved) -> dict[str, Origin]:
    """The origins of the values that were typed, or that a file changes; a file may also repeat a default."""
    from ecr_engine.config.resolve import describe_keys
    from ecr_engine.config.tables import dotted

    defaults = {info.key: info.default for info in describe_keys()}
    values = dict(dotted(resolved.settings.model_dump()))
    return {
        key: origin
        for key, origin in resolved.origins.items()
        if origin.layer in _TYPED or (origin.layer != "default" and values[key] != defaults.get(key))
    }
