"""Reads EPITOME's pairs of a seeker's post and a response, graded for three mechanisms of empathy.

The format is that of Sharma et al., EMNLP 2020 (github.com/behavioral-data/Empathy-Mental-Health): one CSV a mechanism
with the columns sp_id and rp_id (the ids of the two posts), seeker_post, response_post, level (0 none, 1 weak,
2 strong) and rationales, which are not used here. The three files grade the same pairs, so a pair that is in several
of them is one pair with several levels. All responses to a post go to the same part of the data.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ecr_engine.data.schema import Split
from ecr_engine.data.splits import assign
from ecr_engine.emotion.empathy import LEVELS, EmpathyLevels
from ecr_engine.errors import DataError, UsageError, suggestion

MECHANISMS = EmpathyLevels._fields
"""The mechanisms, in the order of `EmpathyLevels`."""

COLUMNS = ("sp_id", "rp_id", "seeker_post", "response_post", "level")
"""The columns that are read; a file may have others."""

LEAST_ROWS = 5
"""Each part of the data needs so many rows of each mechanism: fewer say nothing."""

_GRADES = {str(grade): grade for grade in range(len(LEVELS))}
_RAW = "raw"
_MORE = {
    Split.TRAIN: "give rows of more posts: all responses to a post go to one part",
    Split.VALID: "give rows of more posts, or a larger part: --set empathy_training.validation_share=0.2",
    Split.TEST: "give rows of more posts, or a larger part: --set empathy_training.test_share=0.3",
}
"""What to do where a part has too few rows."""

_NAME_IT = "say which one it is: --data reaction=FILE.csv"


@dataclass(frozen=True, slots=True)
class Pair:
    """A post and a response to it.

    Attributes:
        post: id of the seeker's post.
        reply: id of the response.
        seeker: the post's words.
        response: the response's words.
        levels: 0, 1 or 2 for each of `MECHANISMS`; None where the pair was not graded.
    """

    post: str
    reply: str
    seeker: str
    response: str
    levels: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class EmpathyData:
    """Graded pairs, split by post.

    Attributes:
        files: the file of each mechanism that has one, in the order of `MECHANISMS`.
        parts: the pairs of each part, sorted by their ids.
    """

    files: Mapping[str, Path]
    parts: Mapping[Split, tuple[Pair, ...]]

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """The mechanisms that have a file."""
        return tuple(self.files)

    def posts(self, part: Split) -> int:
        """Number of different posts in a part."""
        return len({pair.post for pair in self.parts[part]})

    def grades(self, mechanism: str, part: Split) -> list[int]:
        """The levels of a mechanism in a part, of the pairs that were graded for it."""
        place = MECHANISMS.index(mechanism)
        return [level for pair in self.parts[part] if (level := pair.levels[place]) is not None]


def find_files(given: Sequence[str]) -> dict[str, Path]:
    """The file of each mechanism, from what was given for `--data`.

    Args:
        given: files whose names tell their mechanism, `MECHANISM=FILE.csv`, or folders of such files; a folder that
            `ecrctl data fetch epitome` made stands for the files in its `raw`.

    Returns:
        Mechanism to file, in the order of `MECHANISMS`.

    Raises:
        UsageError: a mechanism is unknown, can't be told, or has two files.
        DataError: a file or folder is not there, or the folder has no such files.
    """
    found: dict[str, Path] = {}
    for text in given:
        for mechanism, path in _files_of(text):
            if mechanism in found:
                raise UsageError(
                    f"two files for {mechanism}: {found[mechanism]} and {path}", at="--data", fix="give one of them"
                )
            found[mechanism] = path
    return {mechanism: found[mechanism] for mechanism in MECHANISMS if mechanism in found}


def prepare(
    files: Mapping[str, Path], *, validation_share: float, test_share: float, limit: int | None = None
) -> EmpathyData:
    """The pairs of all files, split by a hash of the post's id: growth, order and the file do not move a post.

    Args:
        files: mechanism to file.
        validation_share: share of the posts for early stopping.
        test_share: share of the posts for the report.
        limit: use so many posts at most, the first by their ids; all if None.

    Raises:
        DataError: a file can't be used; the message says why, and where.
    """
    parts: dict[Split, list[Pair]] = {part: [] for part in Split}
    shares = {Split.VALID: validation_share, Split.TEST: test_share}
    pairs = _merged({mechanism: read_rows(path) for mechanism, path in files.items()})
    used = set(sorted({pair.post for pair in pairs})[:limit])
    for pair in pairs:
        if pair.post in used:
            parts[assign(pair.post, shares)].append(pair)
    data = EmpathyData(dict(files), {part: tuple(members) for part, members in parts.items()})
    _check_parts(data, limit)
    return data


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file; the fields are those of `Pair`, with one level."""

    post: str
    reply: str
    seeker: str
    response: str
    level: int


def read_rows(path: Path) -> list[Row]:
    """The rows of one file.

    Raises:
        DataError: it can't be read, lacks a column or has one twice, has a bad row or no row, or all its rows have one
            level.
    """
    lines = _records(path)
    head = next(lines, None)
    if head is None:
        raise DataError.at_line("the file is empty", path, 1, f"give a CSV with the columns {', '.join(COLUMNS)}")
    missing = [name for name in COLUMNS if name not in head[1]]
    if missing:
        lacking = f"the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}"
        raise DataError.at_line(
            f"{lacking} {'are' if len(missing) > 1 else 'is'} missing",
            path,
            head[0],
            f"name the columns in the first line: {','.join(COLUMNS)}",
        )
    twice = [name for name in COLUMNS if head[1].count(name) > 1]
    if twice:
        raise DataError.at_line(f"the column {twice[0]} is there twice", path, head[0], "take one of the two out")
    rows: list[Row] = []
    seen: dict[str, int] = {}
    for line, record in lines:
        row = _row(path, line, head[1], record)
        if row.reply in seen:
            what = f"rp_id '{row.reply}' is there twice, first in line {seen[row.reply]}"
            raise DataError.at_line(what, path, line, "keep one of the two rows")
        seen[row.reply] = line
        rows.append(row)
    _check_levels(path, [row.level for row in rows])
    return rows


def _files_of(text: str) -> list[tuple[str, Path]]:
    path = Path(text)
    name, equals, rest = text.partition("=")
    if equals and not path.exists():
        if name not in MECHANISMS:
            raise UsageError(f"unknown mechanism '{name}'", at=f"--data {text}", fix=suggestion(name, MECHANISMS))
        if not rest:
            raise UsageError(f"there is no file behind '{text}'", at=f"--data {text}", fix=f"write {name}=FILE.csv")
        return [(name, _existing(Path(rest)))]
    if _existing(path, folders=True).is_dir():
        return _in_folder(path / _RAW if (path / _RAW).is_dir() else path)
    told = _told_by(path)
    if told is None:
        raise UsageError("the file's name does not tell its mechanism", at=str(path), fix=_NAME_IT)
    return [(told, path)]


def _existing(path: Path, *, folders: bool = False) -> Path:
    if not path.exists():
        raise DataError(f"there is no file '{path}'", at="--data", fix="give EPITOME's files, or their folder")
    if path.is_dir() and not folders:
        raise DataError(f"'{path}' is a folder, not a file", at="--data", fix="name the file in it")
    return path


def _in_folder(folder: Path) -> list[tuple[str, Path]]:
    inside = [path for path in sorted(folder.iterdir()) if path.suffix.lower() == ".csv" and path.is_file()]
    found = [(told, path) for path in inside if (told := _told_by(path)) is not None]
    if not found:
        raise DataError(
            "the folder has no files of EPITOME",
            at=str(folder),
            fix="fetch them: ecrctl data fetch epitome --output epitome/",
        )
    return found


def _told_by(path: Path) -> str | None:
    """The mechanism that a file is named after, if it is one."""
    told = [mechanism for mechanism in MECHANISMS if mechanism in path.name.lower()]
    return told[0] if len(told) == 1 else None


def _records(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The line on which a record starts, from 1, and its fields; blank lines are left out."""
    first = 1
    try:
        with path.open("rb") as handle:
            reader = csv.reader(_decoded(handle, path), strict=True)
            for fields in reader:
                if fields:
                    yield first, fields
                first = reader.line_num + 1
    except csv.Error as error:
        raise DataError.at_line(
            f"the row can't be read: {error}", path, first, "mend its quotes; a quote in a text is doubled"
        ) from error
    except OSError as error:
        raise DataError(
            f"the file can't be read: {error.strerror}", at=str(path), fix="look at its permissions"
        ) from error


def _decoded(handle: Iterator[bytes], path: Path) -> Iterator[str]:
    for number, raw in enumerate(handle, start=1):
        try:
            yield raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise DataError.at_line("the line is not UTF-8", path, number, "save the file as UTF-8") from error


def _row(path: Path, line: int, head: Sequence[str], record: Sequence[str]) -> Row:
    if len(record) != len(head):
        what = f"the row has {len(record)} fields, and the first line names {len(head)}"
        raise DataError.at_line(what, path, line, "put texts with commas in quotes")
    field = dict(zip(head, record, strict=True))
    for name in COLUMNS[:-1]:
        if not field[name].strip():
            raise DataError.at_line(f"'{name}' is empty", path, line, "fill it in, or take the row out")
    if field["level"].strip() not in _GRADES:
        graded = ", ".join(f"{grade} ({name})" for grade, name in enumerate(LEVELS))
        raise DataError.at_line(f"'{field['level']}' is no level", path, line, f"give one of {graded}")
    level = _GRADES[field["level"].strip()]
    return Row(field["sp_id"].strip(), field["rp_id"].strip(), field["seeker_post"], field["response_post"], level)


def _check_levels(path: Path, levels: Sequence[int]) -> None:
    if not levels:
        raise DataError.at_line("the file has no rows", path, 1, "give one with graded pairs")
    if len(set(levels)) == 1:
        what = f"all {len(levels)} rows have level {levels[0]}"
        raise DataError(what, at=str(path), fix="give a file with at least two levels: nothing can be learned from one")


def _merged(rows: Mapping[str, Sequence[Row]]) -> list[Pair]:
    """The pairs of all files, sorted by their ids; a pair is what has the same ids and the same words."""
    levels: dict[tuple[str, str, str, str], dict[str, int]] = {}
    for mechanism, graded in rows.items():
        for row in graded:
            levels.setdefault((row.post, row.reply, row.seeker, row.response), {})[mechanism] = row.level
    return [Pair(*key, tuple(map(levels[key].get, MECHANISMS))) for key in sorted(levels)]


def _check_parts(data: EmpathyData, limit: int | None) -> None:
    """Refuses data of which a part has too few rows, or whose training part has one level."""
    for mechanism, path in data.files.items():
        for part in Split:
            rows = len(data.grades(mechanism, part))
            if rows < LEAST_ROWS:
                posts = sum(map(data.posts, Split))
                raise DataError(
                    f"too little data for {mechanism}: its {part} part has {rows} rows, and {LEAST_ROWS} are needed "
                    f"(posts in all: {posts:,})",
                    at=str(path),
                    fix="raise --limit, or leave it out" if limit is not None and posts >= limit else _MORE[part],
                )
        levels = Counter(data.grades(mechanism, Split.TRAIN))
        if len(levels) == 1:
            what = f"too little data for {mechanism}: all its train rows have level {next(iter(levels))}"
            raise DataError(what, at=str(path), fix="give more rows of the other levels")
