"""Judges side by side: each pair, each against people, and how far each goes by length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from ecr_engine.errors import DataError, UsageError
from ecr_engine.scoring.agreement import PairAgreement, agreement
from ecr_engine.scoring.bias import LengthBias, length_bias
from ecr_engine.scoring.items import read_files
from ecr_engine.scoring.labels import Labels, labelled, parse_columns
from ecr_engine.scoring.store import read_judgements


@dataclass(frozen=True, slots=True)
class JudgeLength:
    """How far one judge goes by the length of responses.

    Attributes:
        judge: its name.
        dimensions: one entry for each dimension.
    """

    judge: str
    dimensions: tuple[LengthBias, ...]


@dataclass(frozen=True, slots=True)
class JudgeComparison:
    """Judges side by side.

    Attributes:
        dimensions: name of the set that all scored.
        pairs: each pair of judges, and then each judge with the labels of people.
        length: how far each judge goes by length.
    """

    dimensions: str
    pairs: tuple[PairAgreement, ...]
    length: tuple[JudgeLength, ...]


def compare_judges(
    paths: Sequence[Path],
    *,
    human: Path | None = None,
    columns: Sequence[str] = (),
    scale: tuple[float, float] | None = None,
    resamples: int,
    seed: int,
) -> JudgeComparison:
    """Compares files of judgements with each other, and with labels of people if there are any.

    Args:
        paths: the files; one is enough beside labels.
        human: a CSV file of labels.
        columns: its columns, `COLUMN` or `COLUMN=DIMENSION`.
        scale: lowest and highest label; None if labels are on the scale of their dimension.
        resamples: bootstrap resamples.
        seed: of the resampling.

    Raises:
        UsageError: there is nothing to compare with, or a column is of no dimension.
        DataError: a file is damaged, or two have no item in common.
    """
    if len(paths) < 2 and human is None:
        raise UsageError(
            "one judge alone can't be compared",
            at="ecrctl score agree",
            fix="name a second file of judgements, or labels: --human FILE.csv --column overall",
        )
    files = read_files(paths)
    pairs = list(combinations(files, 2))
    if human is not None:
        labels = Labels(human, parse_columns(columns, files[0].dimensions), scale)
        pairs += [(file, labelled(labels, file)) for file in files]
    found = []
    for a, b in pairs:
        one = agreement(a, b, resamples=resamples, seed=seed)
        if not one.both:
            raise DataError(
                "the two have no response in common",
                at=f"{a.path}, {b.path}",
                fix="compare judgements of the same responses: the same example_id and the same words",
            )
        found.append(one)
    length = tuple(JudgeLength(file.name, length_bias(read_judgements(file.path))) for file in files)
    return JudgeComparison(files[0].dimensions.name, tuple(found), length)
