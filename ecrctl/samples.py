"""Responses that a command is to look at, by the address or the file that was typed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecr_engine.data.schema import Sample

FIX = "name a samples.jsonl that `ecrctl eval run` wrote, or a run"


def samples_path(address: str) -> Path:
    """The file of samples behind an address: the file itself, an evaluation folder, or a run's evaluation.

    Raises:
        DataError: there is none.
    """
    from ecr_engine.evaluation.store import SAMPLES
    from ecr_engine.runs.addresses import resolve_evaluation

    path = Path(address)
    return path if path.is_file() else resolve_evaluation(address) / SAMPLES


def read_samples(path: Path) -> list[Sample]:
    """The samples of a file, in its order.

    Raises:
        DataError: a line is not a sample, or there is none.
    """
    from ecr_engine.errors import DataError
    from ecr_engine.evaluation.sample_lines import FieldError, LineError, parse_line, sample_from_json

    samples = []
    with path.open("rb") as handle:
        for number, line in enumerate(handle, start=1):
            try:
                samples.append(sample_from_json(parse_line(line)))
            except KeyError as error:
                raise DataError.at_line(f"the sample has no field {error}", path, number, FIX) from error
            except FieldError as error:
                raise DataError.at_line(f"the sample's {error}", path, number, FIX) from error
            except LineError as error:
                raise DataError.at_line(str(error), path, number, FIX) from error
    if not samples:
        raise DataError("the file has no samples", at=str(path), fix=FIX)
    return samples
