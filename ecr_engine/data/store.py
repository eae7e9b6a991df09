"""Examples in files: one JSON object a line, equal bytes for equal examples.

A line has the fields of `schema.Example` in their order; a turn and an item likewise:

    {"example_id": "391:3", "conversation_id": "391", "turn": 3,
     "context": [{"role": "seeker", "text": "…", "slots": "… <movie>", "items": ["204334"], "entities": ["comedy"],
                  "emotions": [{"label": "like", "probability": 0.7}]}, …],
     "target": "…", "items": [{"item_id": "…", "name": "…", "liked": true, "seen": null, "suggested": true}],
     "mentioned": ["204334"], "emotions": ["like"], "source": "train_data.jsonl", "line": 17, "reply": null}
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ecr_engine.data import summary as summaries
from ecr_engine.data.schema import Example, Item, Role, Split, Turn
from ecr_engine.data.summary import DataSummary
from ecr_engine.errors import DataError

SUMMARY = "summary.json"
"""Name of the file that holds the counts."""

REMAKE = "make it again: ecrctl data process SOURCE --output DIR"
"""What to type when a processed file is broken."""

KNOWLEDGE = "knowledge.json"
"""Name of the file that holds the knowledge graph, where one was given."""

_text = json.encoder.encode_basestring
_ANSWER = {True: "true", False: "false", None: "null"}


def split_path(folder: Path, split: Split) -> Path:
    """The file of one split in a folder that `process` wrote."""
    return folder / f"{split}.jsonl"


def encode(example: Example) -> str:
    """The line of an example, without its end."""
    return _line(example, [_turn_line(turn) for turn in example.context])


def encode_all(examples: Sequence[Example]) -> list[str]:
    """The lines of one conversation's examples, without their ends; a turn that many contexts share is encoded once."""
    encoded: dict[int, str] = {}
    lines = []
    for example in examples:
        for turn in example.context:
            if id(turn) not in encoded:
                encoded[id(turn)] = _turn_line(turn)
        lines.append(_line(example, [encoded[id(turn)] for turn in example.context]))
    return lines


# Built by hand from encoded texts: contexts repeat every turn, and a general encoder would take half of all the time.


def _line(example: Example, turns: Sequence[str]) -> str:
    reply = "null" if example.reply is None else _turn_line(example.reply)
    return (
        f'{{"example_id":{_text(example.example_id)},"conversation_id":{_text(example.conversation_id)},'
        f'"turn":{example.turn},"context":[{",".join(turns)}],"target":{_text(example.target)},'
        f'"items":[{",".join(map(_item_line, example.items))}],"mentioned":{_texts(example.mentioned)},'
        f'"emotions":{_texts(example.emotions)},"source":{_text(example.source)},"line":{example.line},'
        f'"reply":{reply}}}'
    )


def _turn_line(turn: Turn) -> str:
    text = _text(turn.text)
    slots = _text(turn.slots) if turn.items else text
    # Objects, not pairs: Arrow, which many trainers load JSON with, takes no list of texts and numbers.
    emotions = ",".join(f'{{"label":{_text(label)},"probability":{value!r}}}' for label, value in turn.emotions)
    return (
        f'{{"role":"{turn.role.value}","text":{text},"slots":{slots},"items":{_texts(turn.items)},'
        f'"entities":{_texts(turn.entities)},"emotions":[{emotions}]}}'
    )


def _item_line(item: Item) -> str:
    return (
        f'{{"item_id":{_text(item.item_id)},"name":{_text(item.name)},"liked":{_ANSWER[item.liked]},'
        f'"seen":{_ANSWER[item.seen]},"suggested":{_ANSWER[item.suggested]}}}'
    )


def _texts(values: Sequence[str]) -> str:
    return f"[{','.join(map(_text, values))}]" if values else "[]"


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
        DataError: see `stream_examples`.
    """
    return list(stream_examples(path))


def stream_examples(path: Path) -> Iterator[Example]:
    """The examples of a file, in its order, one at a time.

    Raises:
        DataError: the file is missing, or a line is not an example.
    """
    if not path.is_file():
        raise DataError(
            "there is no file of examples", at=str(path), fix="make it: ecrctl data process SOURCE --output DIR"
        )
    with path.open("rb") as handle:
        for number, line in enumerate(handle, start=1):
            yield _read_line(line, path, number)


def read_summary(folder: Path) -> DataSummary:
    """The summary of a folder that `process` wrote.

    Raises:
        DataError: it is missing or is not a summary.
    """
    path = folder / SUMMARY
    if not path.is_file():
        raise DataError(
            "the folder holds no processed data", at=str(path), fix="make it: ecrctl data process SOURCE --output DIR"
        )
    try:
        return summaries.from_json(json.loads(path.read_bytes()))
    except (KeyError, TypeError, ValueError) as error:
        raise DataError.at_line(f"the summary can't be read: {_reason(error)}", path, 1, REMAKE) from error


def write_summary(folder: Path, summary: DataSummary) -> None:
    """Writes `summary.json`."""
    text = json.dumps(summaries.to_json(summary), ensure_ascii=False, indent=2)
    (folder / SUMMARY).write_text(text + "\n", encoding="utf-8", newline="\n")


def is_processed(folder: Path) -> bool:
    """Whether a folder holds what `process` wrote and nothing else."""
    ours = {SUMMARY, KNOWLEDGE, *(split_path(folder, split).name for split in Split)}
    names = {entry.name for entry in folder.iterdir()}
    return SUMMARY in names and names <= ours and b'"ecr-examples/' in (folder / SUMMARY).read_bytes()


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
        return from_json(json.loads(line))
    except (KeyError, TypeError, ValueError) as error:
        raise DataError.at_line(
            f"the line is not an example: {_reason(error)}",
            path,
            number,
            REMAKE,
        ) from error


def _reason(error: KeyError | TypeError | ValueError) -> str:
    if isinstance(error, KeyError):
        return f"the field '{error.args[0]}' is missing"
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at column {error.colno}"
    return str(error)


def from_json(raw: dict[str, Any]) -> Example:
    """The example in a decoded line.

    Raises:
        KeyError, TypeError, ValueError: it is no example.
    """
    return Example(
        example_id=raw["example_id"],
        conversation_id=raw["conversation_id"],
        turn=raw["turn"],
        context=tuple(turn_from_json(turn) for turn in raw["context"]),
        target=raw["target"],
        items=tuple(item_from_json(item) for item in raw["items"]),
        mentioned=tuple(raw["mentioned"]),
        emotions=tuple(raw["emotions"]),
        source=raw["source"],
        line=raw["line"],
        reply=None if raw["reply"] is None else turn_from_json(raw["reply"]),
    )


def turn_from_json(raw: dict[str, Any]) -> Turn:
    """The turn in a decoded line.

    Raises:
        KeyError, TypeError, ValueError: it is no turn.
    """
    emotions = tuple((str(shown["label"]), float(shown["probability"])) for shown in raw["emotions"])
    entities = tuple(raw["entities"])
    return Turn(Role(raw["role"]), raw["text"], raw["slots"], tuple(raw["items"]), entities, emotions)


def item_from_json(raw: dict[str, Any]) -> Item:
    """The item in a decoded line.

    Raises:
        KeyError: a field is missing.
    """
    return Item(raw["item_id"], raw["name"], raw["liked"], raw["seen"], raw["suggested"])
