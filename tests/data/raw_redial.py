"""Builds raw ReDial lines by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

SEEKER, RECOMMENDER = 7, 9


def raw(
    identity: str = "1",
    said: Sequence[tuple[str, str]] = (("S", "hi"), ("R", "hello")),
    **fields: Any,
) -> dict[str, Any]:
    """One raw dialogue; `said` has who ("S" or "R") and what."""
    workers = {"S": SEEKER, "R": RECOMMENDER}
    messages = [
        {"timeOffset": n, "text": text, "senderWorkerId": workers[who], "messageId": n}
        for n, (who, text) in enumerate(said)
    ]
    return {
        "movieMentions": {},
        "respondentQuestions": {},
        "messages": messages,
        "conversationId": identity,
        "respondentWorkerId": RECOMMENDER,
        "initiatorWorkerId": SEEKER,
        "initiatorQuestions": {},
        **fields,
    }


def write_source(folder: Path, **splits: Sequence[Mapping[str, Any] | str]) -> Path:
    """A source folder; a dialogue given as text is written as it is."""
    folder.mkdir(parents=True, exist_ok=True)
    for split, dialogues in splits.items():
        lines = [line if isinstance(line, str) else json.dumps(line) for line in dialogues]
        (folder / f"{split}_data.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return folder
