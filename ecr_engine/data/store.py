"""Examples in files: one JSON object a line, equal bytes for equal examples.

A line has the fields of `schema.Example` in their order; a turn and an item likewise:

    {"example_id": "391:3", "conversation_id": "391", "turn": 3,
     "context": [{"role": "seeker", "text": "…", "slots": "… <movie>", "items": ["204334"]}, …],
     "target": "…", "items": [{"item_id": "…", "name": "…", "liked": true, "seen": null, "suggested": true}],
     "mentioned": ["204334"], "emotions": [], "source": "train_data.jsonl", "line": 17}
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ecr_engine.data import summary as summaries
from ecr_engine.data.reader import find_reader
from ecr_engine.data.schema import Example, Item, Role, Split, Turn
from ecr_engine.data.summary import DataSummary
from ecr_engine.errors import DataError

SUMMARY = "summary.json"
"""Name of the file that holds the counts."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def split_path(folder: Path, split: Split) -> Path:
    """The file of one split in a folder that `process` wrote."""
    return folder / f"{split}.jsonl"


def encode(example: Example) -> str:
    """The line of an example, without its end."""
    return _encode(
        {
            "example_id": example.example_id,
            "conversation_id": example.conversation_id,
            "turn": example.turn,
            "context": [
                {"role": turn.role, "text": turn.text, "slots": turn.slots, "items": turn.items}
                for turn in example.context
            ],
            "target": example.target,
            "items": [
                {
                    "item_id": item.item_id,
                    "name": item.name,
                    "liked": item.liked,
                    "seen": item.seen,
                    "suggested": item.suggested,
                }
                for item in example.items
            ],
            "mentioned": example.mentioned,
            "emotions": example.emotions,
            "source": example.source,
            "line": example.line,
        }
    )


def write_examples(path: Path, examples: Iterable[Example]) -> int:
    """Writes a file of examples and returns how many there were."""
    count = 0
    with path.open("w", encoding="utf-8", newline="\n") as handle:
        for example in examples:
            handle.write(encode(example) + "\n")
            count += 1
    return count


def read_examples(path: Path) -> list[Example]:
    """The examples of a file, in its order.

    Raises:
        DataError: the file is missing, or a line is not an example.
    """
    if not path.is_file():
        raise DataError("there is no file of examples", at=str(path), fix="make it with `ecrctl data process`")
    examples = []
    with path.open("rb") as handle:
        for number, line in enumerate(handle, start=1):
            examples.append(_read_line(line, path, number))
    return examples


def read_summary(folder: Path) -> DataSummary:
    """The summary of a folder that `process` wrote.

    Raises:
        DataError: it is missing or is not a summary.
    """
    path = folder / SUMMARY
    if not path.is_file():
        raise DataError("the folder holds no processed data", at=str(path), fix="make it with `ecrctl data process`")
    try:
        return summaries.from_json(json.loads(path.read_bytes()))
    except (KeyError, TypeError, ValueError) as error:
        raise DataError.at_line(
            f"the summary can't be read: {_reason(error)}", path, 1, "make it again with `ecrctl data process`"
        ) from error


def write_summary(folder: Path, summary: DataSummary) -> None:
    """Writes `summary.json`."""
    text = json.dumps(summaries.to_json(summary), ensure_ascii=False, indent=2)
    (folder / SUMMARY).write_text(text + "\n", encoding="utf-8", newline="\n")


def is_processed(folder: Path) -> bool:
    """Whether a folder holds what `process` wrote and nothing else."""
    ours = {SUMMARY, *(split_path(folder, split).name for split in Split)}
    names = {entry.name for entry in folder.iterdir()}
    return SUMMARY in names and names <= ours and f'"{summaries.FORMAT}"'.encode() in (folder / SUMMARY).read_bytes()


def fingerprint(source: Path) -> str:
    """SHA-256 of a raw source folder: the bytes of the files that its reader reads, ordered by file name.

    Raises:
        DataError: no reader recognises the folder.
    """
    return digest(sorted(find_reader(source).files(source).values()))


def digest(paths: Iterable[Path]) -> str:
    """SHA-256, in hexadecimal, of the bytes of files, one after the other."""
    total = hashlib.sha256()
    for path in paths:
        with path.open("rb") as handle:
            while block := handle.read(1 << 20):
                total.update(block)
    return total.hexdigest()


def _read_line(line: bytes, path: Path, number: int) -> Example:
    try:
        return _example(json.loads(line))
    except (KeyError, TypeError, ValueError) as error:
        raise DataError.at_line(
            f"the line is not an example: {_reason(error)}",
            path,
            number,
            "make the file again with `ecrctl data process`",
        ) from error


def _reason(error: KeyError | TypeError | ValueError) -> str:
    if isinstance(error, KeyError):
        return f"the field '{error.args[0]}' is missing"
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at column {error.colno}"
    return str(error)


def _example(raw: dict[str, Any]) -> Example:
    return Example(
        example_id=raw["example_id"],
        conversation_id=raw["conversation_id"],
        turn=raw["turn"],
        context=tuple(_turn(turn) for turn in raw["context"]),
        target=raw["target"],
        items=tuple(_item(item) for item in raw["items"]),
        mentioned=tuple(raw["mentioned"]),
        emotions=tuple(raw["emotions"]),
        source=raw["source"],
        line=raw["line"],
    )


def _turn(raw: dict[str, Any]) -> Turn:
    return Turn(Role(raw["role"]), raw["text"], raw["slots"], tuple(raw["items"]))


def _item(raw: dict[str, Any]) -> Item:
    return Item(raw["item_id"], raw["name"], raw["liked"], raw["seen"], raw["suggested"])
