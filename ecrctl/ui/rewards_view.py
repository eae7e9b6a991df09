"""Reward components as people read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ecrctl.ui.comparison import NO_VALUE
from ecrctl.ui.console import note, results
from ecrctl.ui.document import print_document
from ecrctl.ui.numbers import fixed, signed
from ecrctl.ui.stats_view import bar_of
from ecrctl.ui.tables import Column, show

if TYPE_CHECKING:
    from ecr_engine.data.schema import Sample
    from ecr_engine.rewards.component import RewardComponent
    from ecr_engine.rewards.reasons import Missing, Reason

_BAR = 12
"""Characters of a full bar."""

_NARROW_BAR = 6
_NARROW = 80
"""Under so many columns bars are narrow."""

_REASON = 36
"""Reasons stand beside the numbers where they have so many columns, and below where they do not."""

_NUMBERS = 32
"""Columns that score, weight, sum and the gaps between them take at most."""

_REWARD = "reward"
_KINDS = {True: "penalty", False: "reward"}


@dataclass(frozen=True, slots=True)
class Breakdown:
    """What there is to show of one response.

    Attributes:
        sample: the response and what it answers.
        emotions: what the seeker shows.
        given: whether the emotions were given, and not recognised now.
        rows: what each component adds, and why.
        missing: components with a weight that could not be built.
    """

    sample: Sample
    emotions: Sequence[str]
    given: bool
    rows: Sequence[Reason]
    missing: Sequence[Missing]

    @property
    def total(self) -> float:
        """The reward."""
        return sum(row.contribution for row in self.rows)


def show_components(
    built: Mapping[str, RewardComponent], missing: Sequence[Missing], weights: Mapping[str, float], *, as_json: bool
) -> None:
    """Prints every component with its weight, its range, its direction and what it measures, or what it needs."""
    if as_json:
        print_document([*_documents(built, weights), *(_lacking(one, weights) for one in missing)])
        return
    columns = (
        Column("component"),
        Column("weight", right=True),
        Column("range", right=True, spare=1),
        Column("kind", spare=2),
        Column("what it measures", folds=True),
    )
    rows = [
        (name, f"{weights.get(name, 0.0):g}", f"{c.low:g} … {c.high:g}", _KINDS[c.high <= 0], _printable(c.explanation))
        for name, c in built.items()
    ]
    lacking = [
        (one.component, f"{weights.get(one.component, 0.0):g}", NO_VALUE, NO_VALUE, Text(_needs(one), "yellow"))
        for one in missing
    ]
    console = results()
    show(console, columns, [*rows, *lacking])
    console.print(Text("Higher is better, for penalties too: the best of them is 0.", "dim"))


def show_breakdown(found: Breakdown, *, as_json: bool) -> None:
    """Prints a response, what each component gives for it and why, and the total; on stderr what was left out."""
    for one in found.missing:
        note(f"left out: {one.component} {_needs(one)}")
    if as_json:
        print_document(_breakdown_document(found))
        return
    console = results()
    _show_turn(console, found)
    console.print()
    _show_rows(console, found)


def _needs(one: Missing) -> str:
    """What a component lacks, and what would mend that."""
    needs = one.needs.removeprefix(f"reward component '{one.component}' ")
    return f"{needs} ({one.fix})" if one.fix else needs


def _documents(built: Mapping[str, RewardComponent], weights: Mapping[str, float]) -> list[dict[str, object]]:
    return [
        {
            "name": name,
            "weight": weights.get(name, 0.0),
            "low": c.low,
            "high": c.high,
            "direction": "higher",
            "penalty": c.high <= 0,
            "explanation": c.explanation,
            "needs": None,
        }
        for name, c in built.items()
    ]


def _lacking(one: Missing, weights: Mapping[str, float]) -> dict[str, object]:
    unknown = dict.fromkeys(("low", "high", "direction", "penalty", "explanation"))
    return {"name": one.component, "weight": weights.get(one.component, 0.0), **unknown, "needs": _needs(one)}


def _breakdown_document(found: Breakdown) -> dict[str, object]:
    example = found.sample.example
    return {
        "example": example.example_id,
        "context": [{"role": turn.role, "text": turn.slots} for turn in example.context],
        "response": found.sample.response,
        "reference": example.target or None,
        "emotions": {"labels": list(found.emotions), "given": found.given},
        "total": found.total,
        "components": found.rows,
        "left_out": found.missing,
    }


def _show_turn(console: Console, found: Breakdown) -> None:
    """The dialogue, the response and what it answers, long texts wrapped beside their labels."""
    example = found.sample.example
    drawn = Table.grid(padding=(0, 2, 0, 0))
    drawn.add_column(style="dim", no_wrap=True)
    drawn.add_column(overflow="fold")
    for turn in example.context:
        drawn.add_row(str(turn.role), Text(_printable(turn.slots)))
    drawn.add_row("response", Text(_printable(found.sample.response), "bold"))
    drawn.add_row("reference", Text(_printable(example.target) or NO_VALUE))
    drawn.add_row("emotions", f"{', '.join(found.emotions)} ({'given' if found.given else 'recognised'})")
    console.print(drawn)


def _printable(text: str) -> str:
    """A text without what could move the cursor."""
    return "".join(c if c.isprintable() else "�" for c in text.replace("\n", " ").replace("\t", " "))


def _show_rows(console: Console, found: Breakdown) -> None:
    """The table; its reasons in a column of their own where that is wide enough, or else below."""
    bar = (_BAR if console.width >= _NARROW else _NARROW_BAR) if console.is_terminal else 0
    names = max(map(cell_len, (_REWARD, *(row.component for row in found.rows))))
    beside = console.width - names - bar - _NUMBERS >= _REASON
    columns = {
        "component": Column("component"),
        "score": Column("score", right=True),
        "bar": Column("", spare=1),
        "weight": Column("weight", right=True),
        "adds": Column("adds", right=True),
        "why": Column("why", folds=True),
    }
    kept = [name for name in columns if (bar or name != "bar") and (beside or name != "why")]
    total: dict[str, str | Text] = {"component": Text(_REWARD, "bold"), "adds": Text(fixed(found.total), "bold")}
    rows = [*(_cells(row, bar) for row in found.rows), total]
    show(console, [columns[name] for name in kept], [[row.get(name, "") for name in kept] for row in rows])
    if not beside:
        _show_reasons(console, found.rows)


def _cells(row: Reason, bar: int) -> dict[str, str | Text]:
    return {
        "component": row.component,
        "score": NO_VALUE if row.score is None else fixed(row.score),
        "bar": _bar(row, bar),
        "weight": f"{row.weight:g}",
        "adds": signed(row.contribution),
        "why": _why(row),
    }


def _why(row: Reason) -> str:
    return _printable(row.reason) or ("does not apply" if row.score is None else "")


def _bar(row: Reason, width: int) -> Text:
    """How far a score is from its least, or a penalty from none."""
    if row.score is None:
        return Text()
    if row.high <= 0:
        return Text(bar_of(row.score / row.low, width), "red")
    return Text(bar_of((row.score - row.low) / (row.high - row.low), width), "green")


def _show_reasons(console: Console, rows: Sequence[Reason]) -> None:
    """The reasons one below the other, wrapped."""
    console.print()
    drawn = Table.grid(padding=(0, 1, 0, 0))
    drawn.add_column(style="dim", no_wrap=True)
    drawn.add_column(overflow="fold")
    for row in rows:
        if why := _why(row):
            drawn.add_row(row.component, Text(why))
    console.print(drawn)
