"""Conversations in files: a reply a line, as an evaluation writes its samples, so that the same commands read them."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from ecr_engine.errors import UsageError
from ecr_engine.evaluation.sample_lines import sample_to_json
from ecr_engine.runs.atomic import write_text
from ecr_engine.serving.conversation import Reply


def save_replies(path: Path, replies: Sequence[Reply], *, replace: bool = False) -> None:
    """Writes replies into a file, whole or not at all.

    Args:
        path: the file.
        replies: in their order; at least one.
        replace: whether a file that is there may be written over.

    Raises:
        UsageError: there is nothing to save, no such folder, or something in the file's place.
        OSError: the file can't be written.
    """
    if not replies:
        raise UsageError("there is no reply to save yet", at=str(path), fix="say something first")
    if path.is_dir() or not path.parent.is_dir():
        what = "it is a folder" if path.is_dir() else f"there is no folder '{path.parent}'"
        raise UsageError(f"the conversation can't be saved: {what}", at=str(path), fix="name a file: chat.jsonl")
    # A link that leads nowhere is somebody's, too.
    if os.path.lexists(path) and not replace:
        raise UsageError(f"there is a file '{path}' already", at=str(path), fix="name another one")
    write_text(path, "".join(json.dumps(sample_to_json(r.sample), ensure_ascii=False) + "\n" for r in replies))
