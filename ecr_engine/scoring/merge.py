"""Several judges' scores made one, item by item.

`mean` is the mean of the judges' scores. `zscore` takes out first that one judge is milder, or spreads its scores
wider, than another: each score becomes its distance from its judge's mean in its judge's standard deviations; these are
averaged, and put back on the scale by the mean of the judges' means and the mean of their deviations. Means and
deviations are taken over the items that all judges scored, so that a judge who only had easy items is not taken for a
mild one. Scores that leave the scale by it are put on its end.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Literal

from ecr_engine.errors import DataError, UsageError
from ecr_engine.runs.lock import locked
from ecr_engine.scoring.items import JudgedFile, Key, Keys, read_files
from ecr_engine.scoring.job import lock_path
from ecr_engine.scoring.judge import Judgement
from ecr_engine.scoring.store import JudgedRow, read_judgements, write_judgements

Method = Literal["mean", "zscore"]
Missing = Literal["keep", "fail"]

LEAST_SHARED = 2
"""Items that all judges scored, at the least, for a calibration."""


@dataclass(frozen=True, slots=True)
class Level:
    """How one judge scores one dimension, over the items that all judges scored.

    Attributes:
        mean: its mean score.
        deviation: the standard deviation of its scores (n − 1).
    """

    mean: float
    deviation: float


@dataclass(frozen=True, slots=True)
class MergeSummary:
    """What a merge did.

    Attributes:
        output: the file that was written.
        method: how scores were made one.
        missing: what became of items that not all judges scored.
        judges: names of the judges, in the order of the files.
        items: items of all files together.
        by_judges: items by the number of judges that scored them, `"0"` for those that none did.
        failed: items that are failures in the merged file.
        lacking: by judge, the items of other files that it did not score.
        clipped: scores that the calibration put beyond the scale, and that were put on its end.
        means: mean of each dimension after merging.
        levels: by judge and dimension, what the calibration took out; empty for `mean`.
        partial: by dimension that not all judges score, those who do.
    """

    output: Path
    method: Method
    missing: Missing
    judges: tuple[str, ...]
    items: int
    by_judges: Mapping[str, int]
    failed: int
    lacking: Mapping[str, int]
    clipped: int
    means: Mapping[str, float]
    levels: Mapping[str, Mapping[str, Level]]
    partial: Mapping[str, tuple[str, ...]]


def merge_files(
    paths: Sequence[Path], output: Path, *, method: Method = "mean", missing: Missing = "keep"
) -> MergeSummary:
    """Merges files of judgements; the output appears whole or not at all.

    Args:
        paths: two files or more, of judges on the same dimensions.
        output: the file to write; its folder exists, and it does not.
        method: how scores are made one.
        missing: what becomes of items that not all judges scored: `keep` takes what there is, `fail` makes a failure.

    Raises:
        UsageError: there are fewer than two files, or they are on different dimensions, or the output is there.
        DataError: a file is damaged, or too few items were scored by all judges.
    """
    if len(paths) < 2:
        raise UsageError(
            "one file alone can't be merged", at="ecrctl score merge", fix="name the files of two judges or more"
        )
    with locked(lock_path(output), f"the output '{output}'"):
        if output.exists():
            raise UsageError(
                f"'{output}' is there already", at=f"--output {output}", fix="name another file, or remove it"
            )
        merging = _Merging(read_files(paths), method, missing)
        write_judgements(output, merging.rows())
        return merging.summary(output)


class _Merging:
    """A merge that counts what it does."""

    def __init__(self, files: Sequence[JudgedFile], method: Method, missing: Missing) -> None:
        self._files = files
        self._method = method
        self._missing = missing
        self._dimensions = files[0].dimensions
        self._columns = {
            name: [file.column(name) for file in files]
            for name in self._dimensions.names
            if any(file.column(name) for file in files)
        }
        self._levels = (
            {name: _levels(name, files, each) for name, each in self._columns.items()} if (method == "zscore") else {}
        )
        self._counts: Counter[int] = Counter()
        self._failed = 0
        self._clipped = 0
        self._sums: dict[str, list[float]] = {}

    def rows(self) -> Iterator[JudgedRow]:
        """The merged rows: in the order of the first file, then what only later files have."""
        seen: set[Key] = set()
        for file in self._files:
            keys = Keys()
            for row in read_judgements(file.path):
                key = keys(row)
                if key not in seen:
                    seen.add(key)
                    yield self._row(key, row)

    def summary(self, output: Path) -> MergeSummary:
        """What was done."""
        files = self._files
        items = self._counts.total()
        scored = [sum(1 for item in file.items.values() if not all(map(math.isnan, item.scores))) for file in files]
        return MergeSummary(
            output=output,
            method=self._method,
            missing=self._missing,
            judges=tuple(file.name for file in files),
            items=items,
            by_judges={str(count): self._counts[count] for count in range(len(files), -1, -1)},
            failed=self._failed,
            lacking={file.name: items - count for file, count in zip(files, scored, strict=True)},
            clipped=self._clipped,
            means={name: total / count for name, (total, count) in self._sums.items()},
            levels={
                file.name: {name: levels[place] for name, levels in self._levels.items()}
                for place, file in enumerate(files)
                if self._levels
            },
            partial={
                name: tuple(file.name for file, column in zip(files, columns, strict=True) if column)
                for name, columns in self._columns.items()
                if not all(columns)
            },
        )

    def _row(self, key: Key, row: JudgedRow) -> JudgedRow:
        given = {
            name: {place: column[key] for place, column in enumerate(columns) if key in column}
            for name, columns in self._columns.items()
        }
        given = {name: scores for name, scores in given.items() if scores}
        judges = sorted({place for scores in given.values() for place in scores})
        self._counts[len(judges)] += 1
        names = tuple(self._files[place].name for place in judges)
        judgement = self._judgement(row.example_id, given, names)
        self._failed += judgement.failure is not None
        for name, score in judgement.scores.items():
            total = self._sums.setdefault(name, [0.0, 0])
            total[0] += score
            total[1] += 1
        return JudgedRow(
            example_id=row.example_id,
            conversation_id=row.conversation_id,
            response=row.response,
            who=row.who,
            judgement=judgement,
            judges=names or tuple(file.name for file in self._files),
            dimensions=self._dimensions.name,
        )

    def _judgement(
        self, example_id: str, given: Mapping[str, Mapping[int, float]], names: tuple[str, ...]
    ) -> Judgement:
        if not given:
            return Judgement(example_id, {}, {}, "no judge scored it")
        if self._missing == "fail" and len(names) < len(self._files):
            lacking = [file.name for file in self._files if file.name not in names]
            return Judgement(example_id, {}, {}, f"not all judges scored it: {', '.join(lacking)} did not")
        scores = {name: self._merged(name, each) for name, each in given.items()}
        reasons = {
            name: ", ".join(f"{self._files[place].name} {score:.4g}" for place, score in each.items())
            for name, each in given.items()
        }
        return Judgement(example_id, scores, reasons)

    def _merged(self, name: str, scores: Mapping[int, float]) -> float:
        if self._method == "mean":
            return fmean(scores.values())
        levels = self._levels[name]
        distance = fmean(
            # A judge who gives all items the same score says nothing about any of them.
            (score - levels[place].mean) / levels[place].deviation if levels[place].deviation > 0 else 0.0
            for place, score in scores.items()
        )
        found = fmean(level.mean for level in levels) + distance * fmean(level.deviation for level in levels)
        dimension = self._dimensions.dimension(name)
        kept = min(max(found, dimension.low), dimension.high)
        self._clipped += kept != found
        return kept


def _levels(name: str, files: Sequence[JudgedFile], columns: Sequence[Mapping[Key, float]]) -> list[Level]:
    """How each judge scores a dimension, over the items that all of them scored."""
    shared = [key for key in columns[0] if all(key in column for column in columns[1:])]
    if len(shared) < LEAST_SHARED:
        raise DataError(
            f"'{name}' has {len(shared)} items that all judges scored, too few to calibrate",
            at=", ".join(str(file.path) for file in files),
            fix="judge the same responses with all judges, or take --method mean",
        )
    values = [[column[key] for key in shared] for column in columns]
    return [Level(fmean(each), stdev(each)) for each in values]
