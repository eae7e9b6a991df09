"""Responses that are made, batch by batch, on disk: a generation that was killed goes on where it was.

Beside the evaluation's folder, `.NAME.ecr-responses.jsonl`: the first line says what is generated, each further one
holds one response. A last line that was torn by the kill is dropped, and so is a file of another generation.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ecr_engine.data.schema import Example, Sample
from ecr_engine.data.staging import check_output
from ecr_engine.evaluation.sample_lines import (
    FieldError,
    LineError,
    field_of,
    loss_from_json,
    loss_to_json,
    parse_line,
)
from ecr_engine.evaluation.store import is_evaluation
from ecr_engine.runs.lock import locked


class Journal:
    """The responses of one generation.

    Args:
        path: the file.
        header: what is generated, as JSON values; a file with another header is begun again.
    """

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        self._path = path
        self._header = json.dumps(header, sort_keys=True)

    def read(self, examples: Sequence[Example]) -> dict[str, Sample]:
        """The responses that are there already, by example; what can't be read is cut off the file."""
        if not self._path.is_file():
            return {}
        content = self._path.read_bytes()
        lines = content.split(b"\n")[:-1]  # the last part has no end yet, or is empty
        if not lines or lines[0] != self._header.encode():
            self._path.unlink()
            return {}
        by_id = {example.example_id: example for example in examples}
        found: dict[str, Sample] = {}
        whole = len(lines[0]) + 1
        for line in lines[1:]:
            sample = _sample(line, by_id)
            if sample is None:
                break
            found[sample.example.example_id] = sample
            whole += len(line) + 1
        os.truncate(self._path, whole)
        return found

    def add(self, samples: Sequence[Sample]) -> None:
        """Appends the responses of one batch; they are on the disk when it returns."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lines = [_line(sample) for sample in samples]
        if not self._path.exists():
            lines.insert(0, self._header)
        with self._path.open("a", encoding="utf-8", newline="\n") as handle:
            handle.write("".join(f"{line}\n" for line in lines))
            handle.flush()
            os.fsync(handle.fileno())

    def remove(self) -> None:
        """Takes the file away; the responses are in the evaluation now."""
        self._path.unlink(missing_ok=True)


@contextmanager
def journal_of(output: Path, header: Mapping[str, Any]) -> Iterator[Journal]:
    """The journal of the evaluation that becomes `output`; removed if the block ends well.

    Args:
        output: the evaluation's folder.
        header: what is generated.

    Raises:
        UsageError: `output` can't be written, or holds something else.
        EcrError: another process is generating the same evaluation.
    """
    check_output(output, is_evaluation)
    place = Path(os.path.realpath(output))
    made = [folder for folder in place.parents if not folder.exists()]
    place.parent.mkdir(parents=True, exist_ok=True)
    stem = f".{place.name}.ecr-responses"
    try:
        with locked(place.with_name(f"{stem}.lock"), f"the evaluation {output}"):
            journal = Journal(place.with_name(f"{stem}.jsonl"), header)
            yield journal
            journal.remove()
    finally:
        for folder in made:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()


def _line(sample: Sample) -> str:
    row = {
        "example_id": sample.example.example_id,
        "response": sample.response,
        "finished": sample.finished,
        "tokens": sample.tokens,
        **loss_to_json(sample.reference_loss),
    }
    return json.dumps(row, ensure_ascii=False, allow_nan=False)


def _sample(line: bytes, examples: Mapping[str, Example]) -> Sample | None:
    """The response in a line; None if it can't be read."""
    try:
        raw = parse_line(line)
        return Sample(
            examples[field_of(raw, "example_id", str)],
            field_of(raw, "response", str),
            field_of(raw, "finished", bool),
            field_of(raw, "tokens", int),
            loss_from_json(raw),
        )
    except (LineError, FieldError, KeyError):
        return None
