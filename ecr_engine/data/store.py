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
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ecr_engine.data import summary as summaries
from ecr_engine.data.decoding import strict_example
from ecr_engine.data.reader import MalformedError
from ecr_engine.data.records import decode
from ecr_engine.data.schema import Example, Item, Split, Turn
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
        DataError: the file is missing or can't be read, or a line is not an example.
    """
    with readable(path):
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
        DataError: it is missing, can't be read, or is not a summary.
    """
    path = folder / SUMMARY
    with readable(path):
        if not path.is_file():
            raise DataError(
                "the folder holds no processed data",
                at=str(path),
                fix="make it: ecrctl data process SOURCE --output DIR",
            )
        content = path.read_bytes()
    try:
        return summaries.from_json(json.loads(content))
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise DataError.at_line(f"the summary can't be read: {_reason(error)}", path, 1, REMAKE) from error


def write_summary(folder: Path, summary: DataSummary) -> None:
    """Writes `summary.json`."""
    text = json.dumps(summaries.to_json(summary), ensure_ascii=False, indent=2)
    (folder / SUMMARY).write_text(text + "\n", encoding="utf-8", newline="\n")


def is_processed(folder: Path) -> bool:
    """Whether a folder holds what `process` wrote and nothing else.

    Raises:
        DataError: it can't be read.
    """
    ours = {SUMMARY, KNOWLEDGE, *(split_path(folder, split).name for split in Split)}
    with readable(folder):
        names = {entry.name for entry in folder.iterdir()}
        if SUMMARY not in names or not names <= ours:
            return False
    with readable(folder / SUMMARY):
        return b'"ecr-examples/' in (folder / SUMMARY).read_bytes()


def digest(paths: Iterable[Path]) -> str:
    """SHA-256, in hexadecimal, of the bytes of files, one after the other."""
    total = hashlib.sha256()
    for path in paths:
        with path.open("rb") as handle:
            while block := handle.read(1 << 20):
                total.update(block)
    return total.hexdigest()


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turns what the system says of a file that can't be read into an error with its place.

    Raises:
        DataError: the block can't read `path`.
    """
    try:
        yield
    except OSError as error:
        raise DataError(
            f"the file can't be read: {error.strerror or error}", at=str(path), fix="look at its permissions"
        ) from error


def _read_line(line: bytes, path: Path, number: int) -> Example:
    try:
        raw = decode(line.removeprefix(BOM_UTF8) if number == 1 else line)
    except MalformedError as error:
        raise DataError.at_line(str(error), path, number, REMAKE) from error
    try:
        return strict_example(raw)
    except MalformedError as error:
        raise DataError.at_line(f"the line is not an example: {error}", path, number, REMAKE) from error


def _reason(error: KeyError | TypeError | ValueError | RecursionError) -> str:
    if isinstance(error, KeyError):
        return f"the field '{error.args[0]}' is missing"
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at column {error.colno}"
    return str(error)
