"""Reads the JSON documents of an evaluation, with errors that say where and how to mend it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ecr_engine.errors import DataError


def read_document(path: Path, kind: str, schema: int, fix: str) -> dict[str, Any]:
    """The JSON object in a file.

    Args:
        path: the file.
        kind: what it holds, for messages, such as "comparison".
        schema: the only version of its layout that is read.
        fix: what to type to make the file again.

    Raises:
        DataError: the file is missing, is no JSON object, or is of another schema.
    """
    if not path.is_file():
        raise DataError(f"there is no {kind} here", at=str(path), fix=fix)
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise DataError.at_line(f"not JSON: {error.msg}", path, error.lineno, fix) from error
    except UnicodeDecodeError as error:
        raise DataError.at_line("not UTF-8 text", path, 1, fix) from error
    if not isinstance(raw, dict):
        raise DataError.at_line("not a JSON object", path, 1, fix)
    if raw.get("schema") != schema:
        what = f"the {kind} is of schema {raw.get('schema')!r}; this version reads schema {schema}"
        raise DataError.at_line(what, path, 1, fix)
    return raw
