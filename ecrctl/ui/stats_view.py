"""The numbers of a corpus as people read them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from ecrctl.ui.console import results
from ecrctl.ui.document import print_document
from ecrctl.ui.tables import Column, facts, show

if TYPE_CHECKING:
    from rich.console import Console

    from ecr_engine.data.statistics import PaperRow, SplitStatistics, Statistics

_UNKNOWN = "not in this form"
_WIDEST_BAR = 50
_EIGHTHS = " ▏▎▍▌▋▊▉"
_FULL = "█"


def show_statistics(found: Statistics, *, as_json: bool) -> None:
    """Prints the numbers: by split, beside the paper, the accounts, and histograms."""
    from ecr_engine.data.statistics import to_json

    if as_json:
        print_document(to_json(found))
        return
    console = results()
    _show_splits(console, found)
    console.print()
    _show_paper(console, found.paper)
    console.print()
    facts(console, _accounts(found))
    for name, bins in found.histograms.items():
        _show_bars(console, name, [(_range(bar.low, bar.high), bar.count) for bar in bins])
    _show_bars(console, "what the seeker says of movies", list(found.likes.items()))


def _show_splits(console: Console, found: Statistics) -> None:
    parts: dict[str, SplitStatistics] = {str(split): part for split, part in found.splits.items()}
    parts["all"] = found.overall
    columns = [Column(""), *(Column(name, right=True) for name in parts)]
    rows = [(name, *(cell(part) for part in parts.values())) for name, cell in _ROWS.items()]
    if found.overall.counts.entities:
        rows.append(("entities", *(f"{part.counts.entities:,}" for part in parts.values())))
    for emotion in found.overall.emotions or ():
        rows.append((f"turns that show {emotion}", *(_emotion(part, emotion) for part in parts.values())))
    show(console, columns, rows)


def _emotion(part: SplitStatistics, emotion: str) -> str:
    return f"{part.emotions[emotion]:,}" if part.emotions else "0"


_ROWS: dict[str, Callable[[SplitStatistics], str]] = {
    "dialogues": lambda part: f"{part.counts.dialogues:,}",
    "turns": lambda part: f"{part.counts.turns:,}",
    "recommender turns": lambda part: f"{part.counts.recommender_turns:,}",
    "with a movie": lambda part: _share(part.counts.recommending_turns, part.counts.recommender_turns),
    "turns a dialogue": lambda part: f"{part.dialogue_turns.mean:.1f}",
    "words a turn": lambda part: f"{part.turn_words.mean:.1f}",
    "  median": lambda part: f"{part.turn_words.median:,}",
    "  95th percentile": lambda part: f"{part.turn_words.p95:,}",
    "movies a dialogue": lambda part: f"{part.dialogue_movies.mean:.1f}",
    "distinct movies": lambda part: f"{part.distinct_movies:,}",
}


def _show_paper(console: Console, rows: Sequence[PaperRow]) -> None:
    """Ours beside the paper's: all dialogues but those of the test split, which the paper leaves out too."""
    conversations = {row.what: row for row in rows}["conversations"]
    columns = [
        Column("beside the ReDial paper", short="ReDial paper"),
        Column("paper", right=True),  # before ours: where there is no room, numbers on the left go first
        Column("here", right=True),
        Column("a dialogue in the paper", right=True, short="each", spare=1),
        Column("here", right=True, spare=2),
        Column("ratio", right=True),
    ]
    show(console, columns, [_paper_cells(row, conversations) for row in rows])
    if any(row.here is None for row in rows):
        console.print(Text(f"–: {_UNKNOWN}", "dim"))


def _paper_cells(row: PaperRow, conversations: PaperRow) -> tuple[str, ...]:
    published = f"{row.published:,}"
    rate = _each(row.published, conversations.published)
    if row.here is None:
        return row.what, published, "–", "" if row.what == "users" else rate, "–", "–"
    if row.ratio is None:
        return row.what, published, f"{row.here:,}", "", "", ""
    here = _each(row.here, conversations.here or 1)
    return row.what, published, f"{row.here:,}", rate, here, f"{row.ratio:.2f}"


def _accounts(found: Statistics) -> list[tuple[str, str]]:
    """Where everything went, as sums."""
    counts = found.overall.counts
    joined = (counts.turns, counts.joined_messages, counts.blank_messages)
    lines = [
        ("messages", _sum(counts.messages, joined, ("turns", "joined", "blank"))),
        ("dialogues", _sum(found.read, (counts.dialogues, found.skipped), ("kept", "skipped"))),
        ("folder", f"{found.folder} ({found.form})"),
    ]
    return [*lines, ("fingerprint", found.fingerprint[:16])] if found.fingerprint else lines


def _sum(whole: int, parts: Sequence[int], names: Sequence[str]) -> str:
    sign = "=" if whole == sum(parts) else "≠"
    return f"{whole:,} {sign} " + " + ".join(f"{part:,} {name}" for part, name in zip(parts, names, strict=True))


def _show_bars(console: Console, name: str, bars: Sequence[tuple[str, int]]) -> None:
    """A histogram: bars on a terminal, numbers alone in a pipe."""
    console.print()
    console.print(Text(name, "dim"))
    label = max((cell_len(text) for text, _ in bars), default=0)
    digits = max((len(f"{count:,}") for _, count in bars), default=0)
    width = min(_WIDEST_BAR, console.width - label - digits - 4) if console.is_terminal else 0
    largest = max((count for _, count in bars), default=0)
    for text, count in bars:
        bar = f"  {bar_of(count / largest, width)}".rstrip() if width > 0 and largest else ""
        console.print(Text(f"{text:>{label}}  {count:>{digits},}{bar}"), soft_wrap=True)


def bar_of(share: float, width: int) -> str:
    """A bar of `share` (0 to 1) of `width` characters, to an eighth of one."""
    eighths = round(share * width * 8)
    return _FULL * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _range(low: int, high: int | None) -> str:
    if high is None:
        return f"{low:,} and more"
    return f"{low:,}" if low == high else f"{low:,}–{high:,}"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"


def _each(count: int, dialogues: int) -> str:
    return f"{count / dialogues:.3f}"
