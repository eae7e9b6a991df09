"""What a dashboard is made of: lines that know how much they matter, and the columns that they share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from ecrctl.ui.numbers import clip

CYAN = "cyan"

NARROW = 60
"""Under so many columns labels and headings are short."""

_FULL, _HALF, _EMPTY = "━", "╸", "─"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a dashboard.

    Attributes:
        text: what is drawn.
        rank: how soon it is left out where lines are short: greater goes first.
        goes_on: whether the next line is the rest of its text.
    """

    text: Text
    rank: int
    goes_on: bool = False


Section = tuple[Line, ...]
"""Lines that belong together. The first may be a head, which goes with the last of the others."""


def laid_out(sections: Iterable[Section], room: int) -> list[Text]:
    """The lines that fit into `room`, a blank one between two sections; what matters least is left out first."""
    kept = [list(section) for section in sections if section]
    while kept and _height(kept) > room:
        section, place = max(
            ((section, place) for section in kept for place in range(len(section))),
            key=lambda found: (found[0][found[1]].rank, found[1]),
        )
        if place and section[place - 1].goes_on:
            section[place - 1] = _cut(section[place - 1])
        del section[place]
        kept = [each for each in kept if each]
    lines: list[Text] = []
    for section in kept:
        lines += [Text()] if lines else []
        lines += [line.text for line in section]
    return lines


def _cut(line: Line) -> Line:
    """A line whose rest is left out."""
    return Line(line.text.copy().append("…"), line.rank)


def _height(sections: Sequence[Sequence[Line]]) -> int:
    return sum(len(section) + 1 for section in sections) - 1


def alarm(value: float) -> str:
    """The style of a value: one that is not finite stands out."""
    return "" if math.isfinite(value) else "bold red"


def bar(share: float, width: int, style: str = CYAN) -> Text:
    """A bar of `width` cells, of which a share in [0, 1] is full; what lies outside counts as its end."""
    cells = width * (min(1.0, max(0.0, share)) if math.isfinite(share) else 0.0)
    full = int(cells)
    half = _HALF if cells - full >= 0.5 and full < width else ""
    return Text.assemble((_FULL * full + half, style), (_EMPTY * (width - full - len(half)), "bright_black"))


def folded(text: str, width: int, lines: int | None = None) -> list[str]:
    """`text` in lines of at most `width` cells, broken between words; the last of `lines` is cut where more follows.

    A word that is wider than a line is broken; nothing is lost where `lines` is None.
    """
    whole = clip(text, 2 * len(text))
    out: list[str] = []
    while whole and (lines is None or len(out) < lines):
        if cell_len(whole) <= width:
            return [*out, whole]
        if len(out) + 1 == lines:
            return [*out, _broken_off(whole, width)]
        # With a sign more it is cut off even where it is wider than the line by a single cell.
        head = clip(f"{whole}…", width + 1).removesuffix("…")
        cut = len(head) if whole[len(head)] == " " else head.rfind(" ")
        cut = len(head) if cut <= 0 else cut
        out.append(whole[:cut].rstrip())
        whole = whole[cut:].lstrip()
    return out


def _broken_off(text: str, width: int) -> str:
    """The start of a text that goes on, cut between two words where one is near."""
    cut = clip(text, width)
    head, _, last = cut.rpartition(" ")
    return head.rstrip(" ·,;") + "…" if head and len(last) < width // 3 else cut


def label_cells(width: int) -> int:
    """Cells of the labels at the left of a dashboard of `width` columns."""
    return 20 if width >= NARROW else 16


def labelled(label: str, text: str, width: int, ranks: Sequence[int], style: str = "") -> Section:
    """A label and a text beside it, in as many lines at most as there are ranks."""
    cells = label_cells(width)
    # One cell is left for the mark of a rest that finds no room.
    rows = folded(text, width - cells - 1, len(ranks)) or [""]
    return tuple(
        Line(
            Text.assemble((f"{label if not place else '':<{cells}}", "dim"), (row, style)),
            ranks[place],
            place + 1 < len(rows),
        )
        for place, row in enumerate(rows)
    )
