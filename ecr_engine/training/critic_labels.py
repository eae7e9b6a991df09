"""What a critic learns from: judged responses with their labels by name, in three parts that share no dialogue.

A label goes by its name from the file of judgements to the head that learns it, and is put into a row of numbers only
there: the order of the names in a file, or in the code, decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ecr_engine.data.prompts import transcript
from ecr_engine.data.schema import EMOTIONS, Example, Split
from ecr_engine.data.splits import assign
from ecr_engine.errors import DataError, UsageError, suggestion
from ecr_engine.scoring.store import JudgedRow, read_judgements, score_ranges

OVERALL = "overall"
"""The judge's own summary: the label of the value head."""

JUDGED = "judged"
"""As `critic.dimensions`: a head for each dimension that was judged."""


@dataclass(frozen=True, slots=True)
class JudgedResponse:
    """An example that a critic learns from. Scores are shares of their dimension's range, in [0, 1].

    Attributes:
        context: the dialogue so far, as text.
        response: what was answered.
        overall: the judge's overall score; the mean of its dimensions where it gives none.
        quality: the judge's score of each dimension, by name.
        emotions: what the seeker shows.
        conversation_id: the dialogue that it is from.
    """

    context: str
    response: str
    overall: float
    quality: Mapping[str, float]
    emotions: tuple[str, ...]
    conversation_id: str = ""


@dataclass(frozen=True, slots=True)
class JudgedSet:
    """Judged responses, ready to be learned from.

    Attributes:
        parts: the responses of each part; no dialogue is in two.
        dimensions: the judged dimensions, sorted; `overall` is not among them.
        judges: names of the judges, sorted.
        ranges: the range of the scores by dimension, `overall` among them.
        failed: judgements that failed and were left out.
        of_test: responses to turns of the corpus's test split.
    """

    parts: Mapping[Split, tuple[JudgedResponse, ...]]
    dimensions: tuple[str, ...]
    judges: tuple[str, ...]
    ranges: Mapping[str, tuple[float, float]]
    failed: int
    of_test: int = 0


@dataclass(frozen=True, slots=True)
class Corpus:
    """The turns that judgements speak of.

    Attributes:
        examples: the turns by id, with the emotions of the seeker's last turn.
        test: ids of those in the test split.
        place: where they were read, for errors.
    """

    examples: Mapping[str, Example]
    test: frozenset[str]
    place: Path


def judged_set(
    files: Sequence[Path], corpus: Corpus, *, validation_share: float, test_share: float, limit: int | None = None
) -> JudgedSet:
    """Reads files of judgements and splits them by dialogue.

    Args:
        files: files of judgements, at least one.
        corpus: the turns that were answered.
        validation_share: share of the dialogues for early stopping.
        test_share: share of the dialogues for the report.
        limit: judgements at most, the first ones; failures count.

    Raises:
        DataError: a line is no judgement, has other labels than the lines before it, or answers a turn that is not
            there; or a part is empty.
    """
    shares = {Split.VALID: validation_share, Split.TEST: test_share}
    reader = _Reader(corpus)
    found: dict[Split, list[JudgedResponse]] = {split: [] for split in Split}
    for path, number, row in _numbered(files, limit):
        response = reader.read(row, path, number)
        if response is not None:
            # A prefix of its own: the corpus's splits are drawn from the same hash.
            found[assign(f"critic:{row.conversation_id}", shares)].append(response)
    _check_parts(found, files)
    return JudgedSet(
        parts={split: tuple(rows) for split, rows in found.items()},
        dimensions=tuple(name for name in reader.labels if name != OVERALL),
        judges=tuple(sorted(reader.judges)),
        ranges=dict(reader.ranges),
        failed=reader.failed,
        of_test=reader.of_test,
    )


def _numbered(files: Sequence[Path], limit: int | None) -> Iterable[tuple[Path, int, JudgedRow]]:
    count = 0
    for path in files:
        for number, row in enumerate(read_judgements(path), start=1):
            if limit is not None and count >= limit:
                return
            count += 1
            yield path, number, row


class _Reader:
    """Turns rows into examples and keeps what all rows have to agree on."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._first = ""
        self.labels: tuple[str, ...] = ()
        self.judges: set[str] = set()
        self.ranges: dict[str, tuple[float, float]] = {}
        self.failed = 0
        self.of_test = 0

    def read(self, row: JudgedRow, path: Path, number: int) -> JudgedResponse | None:
        """The example of a row; None if the judge failed on it."""
        if row.judgement.failure is not None:
            self.failed += 1
            return None
        self._check_labels(row, path, number)
        example = self._example(row, path, number)
        self.of_test += row.example_id in self._corpus.test
        self.judges |= set(row.judges)
        shares = {name: _share(score, self.ranges[name]) for name, score in row.judgement.scores.items()}
        overall = shares.pop(OVERALL, sum(shares.values()) / max(1, len(shares)))
        return JudgedResponse(
            transcript(example.context), row.response, overall, shares, example.emotions, row.conversation_id
        )

    def _check_labels(self, row: JudgedRow, path: Path, number: int) -> None:
        # Sorted: which head has which place, and so its first weights, is no matter of a file's order.
        labels = tuple(sorted(row.judgement.scores))
        if not self._first:
            self._first, self.labels, self.ranges = f"{path}:{number}", labels, score_ranges(row)
        if labels == self.labels:
            return
        lacking = [f"lacks '{name}'" for name in self.labels if name not in labels]
        more = [f"has '{name}' more" for name in labels if name not in self.labels]
        raise DataError.at_line(
            f"the judgement {' and '.join([*lacking, *more])}; the first one ({self._first}) has "
            f"{', '.join(self.labels)}",
            path,
            number,
            "train on files with the same dimensions",
        )

    def _example(self, row: JudgedRow, path: Path, number: int) -> Example:
        example = self._corpus.examples.get(row.example_id)
        if example is None:
            raise DataError.at_line(
                f"the turn '{row.example_id}' that was judged is not in {self._corpus.place}",
                path,
                number,
                "name the data that was judged: --data PROCESSED, or --run RUN",
            )
        return example


def _share(score: float, bounds: tuple[float, float]) -> float:
    low, high = bounds
    return (score - low) / (high - low)


def _check_parts(found: Mapping[Split, Sequence[JudgedResponse]], files: Sequence[Path]) -> None:
    if all(found.values()):
        return
    counts = ", ".join(f"{len(found[split])} for {split.value}" for split in (Split.TRAIN, Split.VALID, Split.TEST))
    raise DataError(
        f"too few judged dialogues to split: {counts}",
        at=", ".join(map(str, files)),
        fix="judge more turns: --set judge.turns=200, or `ecrctl score run` on more",
    )


def wanted_heads(heads: str, dimensions: Sequence[str]) -> tuple[str, ...]:
    """Names of the quality heads that the setting `critic.dimensions` asks for.

    Args:
        heads: `judged`, or names with commas between.
        dimensions: the judged dimensions.
    """
    if heads.strip() == JUDGED:
        return tuple(dimensions)
    return tuple(name.strip() for name in heads.split(",") if name.strip())


def check_heads(heads: Sequence[str], dimensions: Sequence[str], at: str = "critic.dimensions") -> None:
    """Holds the names of quality heads against those of the labels: each head needs one label, each label one head.

    Args:
        heads: names of the heads.
        dimensions: the judged dimensions.
        at: the setting or file that names the heads, for errors.

    Raises:
        UsageError: a name is on one side only, or twice.
    """
    judged = ", ".join(dimensions)
    for name in heads:
        if heads.count(name) > 1:
            raise UsageError(f"there are two heads '{name}'", at=at, fix=f"name each once: {judged}")
        if name not in dimensions:
            raise UsageError(
                f"the head '{name}' has no label: the judged dimensions are {judged}",
                at=at,
                fix=suggestion(name, list(dimensions)) if dimensions else "judge that dimension too",
            )
    for name in dimensions:
        if name not in heads:
            raise UsageError(
                f"the judged dimension '{name}' has no head: the heads are {', '.join(heads) or 'none'}",
                at=at,
                fix=f"give it one: --set critic.dimensions={','.join(dimensions)}",
            )


def check_emotions(heads: Sequence[str], rows: Iterable[JudgedResponse]) -> None:
    """Refuses labels of emotions that no head stands for.

    Raises:
        DataError: the seeker of a dialogue shows one.
    """
    for row in rows:
        for name in row.emotions:
            if name not in heads:
                raise DataError(
                    f"the emotion '{name}' of dialogue {row.conversation_id} has no head",
                    at=f"dialogue {row.conversation_id}",
                    fix=f"annotate the data again with the nine: {', '.join(EMOTIONS)}",
                )
