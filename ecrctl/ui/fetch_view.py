"""The fetching of a corpus: how far it is on stderr, and what came of it on stdout."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn
from rich.text import Text

from ecr_engine.data.fetch.progress import Advance, Listener, Notice
from ecrctl.ui.console import draws, note, progress, results
from ecrctl.ui.document import plain, print_document
from ecrctl.ui.tables import Column, facts, show

if TYPE_CHECKING:
    from ecr_engine.data.fetch import Fetched, FetchedFile, Processed
    from ecr_engine.data.fetch.corpus import FileCount

SECONDS_BETWEEN_LINES = 2.0
"""Without a terminal, a line about a file comes at most so often."""

_HASH_SHOWN = 16
_LABELS_SHOWN = 4


@contextmanager
def following(*, quiet: bool, everything: bool) -> Iterator[Listener]:
    """A listener that shows progress on stderr: bars on a terminal, lines elsewhere, only warnings when quiet.

    Args:
        quiet: no progress.
        everything: a line for every advance.
    """
    console = progress()
    if quiet:
        yield _only_warnings
    elif everything or not draws(console):
        yield Lines(note, 0.0 if everything else SECONDS_BETWEEN_LINES, time.monotonic)
    else:
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Progress(*columns, console=console, transient=True) as bars:
            yield Bars(bars)


def _only_warnings(news: Advance | Notice) -> None:
    if isinstance(news, Notice) and news.is_warning:
        note(_notice(news))


def _notice(notice: Notice) -> str:
    return f"warning: {notice.text}" if notice.is_warning else notice.text


class Lines:
    """A listener that writes `key=value` lines.

    Args:
        write: takes one line.
        seconds: between two lines about one file.
        clock: seconds that only grow.
    """

    def __init__(self, write: Callable[[str], None], seconds: float, clock: Callable[[], float]) -> None:
        self._write = write
        self._seconds = seconds
        self._clock = clock
        self._last: dict[str, float] = {}

    def __call__(self, news: Advance | Notice) -> None:
        """Writes a line, if it is time for one; the last of a file always comes."""
        if isinstance(news, Notice):
            self._write(_notice(news))
            return
        now = self._clock()
        if news.done == news.total or now - self._last.get(news.name, float("-inf")) >= self._seconds:
            self._last[news.name] = now
            total = "" if news.total is None else f" total={news.total}"
            self._write(f"file={news.name} bytes={news.done}{total}")


class Bars:
    """A listener that draws one bar a file.

    Args:
        bars: the running display.
    """

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, news: Advance | Notice) -> None:
        """Moves a bar, or prints a line above the bars."""
        if isinstance(news, Notice):
            self._bars.console.print(Text(_notice(news)), soft_wrap=True)
            return
        if news.name not in self._tasks:
            self._tasks[news.name] = self._bars.add_task(news.name, total=news.total)
        self._bars.update(self._tasks[news.name], completed=news.done, total=news.total)


def say_interrupted(folder: Path) -> None:
    """Says what an interrupted fetch leaves and how to go on."""
    note(f"interrupted; what came is kept in {folder}")
    note("  fix  type the same command again to go on with it")


def show_fetched(fetched: Fetched, processed: Processed | None, *, as_json: bool) -> None:
    """Prints the files of a corpus, and the counts of what was made of them.

    Args:
        fetched: the files.
        processed: what became of them; None if nothing was asked for.
        as_json: one JSON document.
    """
    from ecrctl.ui.data_view import show_summary

    if as_json:
        print_document(_document(fetched, processed))
        return
    console = results()
    columns = (Column("file"), Column("bytes", right=True), Column("SHA-256", spare=1), Column("known"), Column("how"))
    show(console, columns, [_row(file) for file in fetched.files])
    console.print()
    if processed is not None and processed.counts:
        _show_counts(console, processed.counts)
    if processed is not None and processed.folder is not None and processed.summary is not None:
        show_summary(processed.folder, processed.summary, as_json=False)
    corpus = fetched.corpus
    facts(console, [("raw files", str(fetched.folder)), ("licence", corpus.licence), ("cite", corpus.citation)])


def _row(file: FetchedFile) -> tuple[str, ...]:
    source = file.source
    known = "verified" if source.verified else "not known"
    return source.name, f"{source.bytes:,}", source.sha256[:_HASH_SHOWN], known, str(file.how)


def _show_counts(console: Console, counts: tuple[FileCount, ...]) -> None:
    columns = (Column("file"), Column("rows", right=True), Column("labels", folds=True))
    show(console, columns, [(count.name, f"{count.rows:,}", _labels(count)) for count in counts])
    console.print()


def _labels(count: FileCount) -> str:
    """A few labels with their counts; of many, the most and the least frequent."""
    labels = count.labels
    if len(labels) <= _LABELS_SHOWN:
        return ", ".join(f"{name}: {number:,}" for name, number in labels.items())
    most, least = max(labels, key=labels.__getitem__), min(labels, key=labels.__getitem__)
    return f"{len(labels)}, from {most} ({labels[most]:,}) to {least} ({labels[least]:,})"


def _document(fetched: Fetched, processed: Processed | None) -> dict[str, Any]:
    from ecr_engine.data.summary import to_json

    corpus = fetched.corpus
    summary = None if processed is None or processed.summary is None else to_json(processed.summary)
    return {
        "corpus": corpus.name,
        "folder": fetched.folder,
        "licence": corpus.licence,
        "citation": corpus.citation,
        "page": corpus.page,
        "files": [{**plain(file.source), "how": file.how} for file in fetched.files],
        "unpacked": fetched.unpacked,
        "processed": None if processed is None else processed.folder,
        "summary": summary,
        "counts": None if processed is None else processed.counts,
    }
