"""Import paths as keys of settings: `package.module:Name` names what no registry knows."""

from __future__ import annotations

import re

_IMPORT_PATH = re.compile(r"(?:[^\W\d]\w*\.)*[^\W\d]\w*:[^\W\d]\w*")


def is_import_path(key: str) -> bool:
    """Whether a key has the form `package.module:Name`; whether it can be imported is not looked at."""
    return _IMPORT_PATH.fullmatch(key) is not None
