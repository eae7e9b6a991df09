"""What judges have said before, by the hash of what they were asked: a file that several processes may use at a time.

It is a SQLite database, whose locks and journal make it safe against two writers and against a kill. Failures are never
kept in it.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType

from ecr_engine.data.schema import Sample
from ecr_engine.errors import DataError, EcrError
from ecr_engine.scoring.judge import Judge, Judgement

FILE = "judgements.sqlite3"
WAIT_S = 60.0
"""So long a process waits for another one that is writing."""

_TABLE = "CREATE TABLE IF NOT EXISTS judgements (key BLOB PRIMARY KEY, judgement TEXT NOT NULL) WITHOUT ROWID"
_GET = "SELECT judgement FROM judgements WHERE key = ?"
_PUT = "INSERT OR IGNORE INTO judgements VALUES (?, ?)"


def default_cache(environ: Mapping[str, str] = os.environ) -> Path:
    """The cache of this user: `ecrctl/judgements.sqlite3` in `XDG_CACHE_HOME`, or in `~/.cache`."""
    home = environ.get("XDG_CACHE_HOME", "")
    return (Path(home) if Path(home).is_absolute() else Path("~/.cache").expanduser()) / "ecrctl" / FILE


def content_key(judge: Judge, sample: Sample) -> bytes:
    """Hash of what a judgement depends on: the judge, the dimensions, the context and the response.

    The reference and what identifies the example are left out: no judge sees them.
    """
    example = sample.example
    turns = [[turn.role, turn.text, turn.slots, turn.items, turn.entities, turn.emotions] for turn in example.context]
    asked = [judge.fingerprint, judge.dimensions.fingerprint, turns, example.emotions, sample.response]
    return hashlib.sha256(json.dumps(asked, separators=(",", ":")).encode()).digest()


class JudgementCache:
    """An open cache; a context manager.

    Args:
        path: the file; it and its folder are made if need be.

    Raises:
        EcrError: it can't be written, or stays in use.
        DataError: the file is no cache, or is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._explained():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._base = sqlite3.connect(path, timeout=WAIT_S, isolation_level=None)
            try:
                self._base.execute(_TABLE)
            except BaseException:
                self._base.close()
                raise

    def __enter__(self) -> JudgementCache:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._base.close()

    def get(self, key: bytes, example_id: str) -> Judgement | None:
        """The judgement under a key, as one of this example; None if there is none."""
        with self._explained(), closing(self._base.execute(_GET, (key,))) as found:
            row = found.fetchone()
        if row is None:
            return None
        raw = json.loads(row[0])
        return Judgement(example_id, raw["scores"], raw["reasons"], None, raw["turns_cut"])

    def put(self, judgements: Sequence[tuple[bytes, Judgement]]) -> None:
        """Keeps judgements, all of them or none; failures are left out."""
        rows = [(key, _encode(each)) for key, each in judgements if each.failure is None]
        if not rows:
            return
        with self._explained():
            self._base.execute("BEGIN IMMEDIATE")
            try:
                self._base.executemany(_PUT, rows)
                self._base.execute("COMMIT")
            except BaseException:
                self._base.rollback()
                raise

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Errors of the database in plain words.

        Raises:
            EcrError: see the class.
            DataError: see the class.
        """
        try:
            yield
        except (sqlite3.OperationalError, OSError) as error:
            raise EcrError(
                f"the cache of judgements can't be used: {error}",
                at=str(self._path),
                fix="name another file with --cache, or do without: --no-cache",
            ) from error
        except sqlite3.DatabaseError as error:
            raise DataError(
                f"the cache of judgements is damaged, or is none: {error}",
                at=str(self._path),
                fix=f"remove it: rm '{self._path}'; or name another file with --cache",
            ) from error


def _encode(judgement: Judgement) -> str:
    content = {
        "scores": dict(judgement.scores),
        "reasons": dict(judgement.reasons),
        "turns_cut": judgement.turns_cut,
    }
    return json.dumps(content, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
