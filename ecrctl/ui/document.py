"""`--json`: one JSON document on stdout."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any


def print_document(value: Any) -> None:
    """Writes `value` (dataclasses, mappings, sequences, paths, numbers) as one JSON document.

    Numbers that JSON lacks become null.
    """
    text = json.dumps(plain(value), ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    # A lone surrogate, which a text or the name of a file can hold and UTF-8 can't, becomes an escape of JSON.
    sys.stdout.write(text.encode("utf-8", "backslashreplace").decode("utf-8"))


def plain(value: Any) -> Any:
    """`value` in the types that JSON has."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
