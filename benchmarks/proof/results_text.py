"""Numbers, tables and gaps as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

DASH = "–"


def number(value: float | None) -> str:
    """Three significant places at least: 0.0123, 1.23, 14.2; a dash for nothing."""
    if value is None:
        return DASH
    size = abs(value)
    return f"{value:.1f}" if size >= 10 else f"{value:.2f}" if size >= 1 else f"{value:.4f}"


def percent(share: float | None) -> str:
    """A share with its sign: `+20.4 %`; a dash for nothing."""
    return DASH if share is None else f"{share * 100:+.1f} %"


def relative_interval(entry: dict[str, object]) -> str:
    """The interval of a row of a comparison as shares of its first side; a dash where there is none.

    Args:
        entry: `a` and `interval`, as `ecrctl compare --json` prints them.
    """
    a, interval = entry["a"], entry["interval"]
    if not isinstance(interval, list) or not isinstance(a, float) or a == 0:
        return DASH
    return f"{percent(interval[0] / abs(a))} to {percent(interval[1] / abs(a))}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first column is text, the others are aligned to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def missing(names: Sequence[str]) -> str:
    """What is not there yet, by name; empty if nothing is."""
    return f"*Not run yet: {', '.join(names)}.*" if names else ""


def verdict(held: bool | None) -> str:
    """`met`, `not met`, or that nobody can say yet."""
    return "unknown" if held is None else "met" if held else "**not met**"


def section(title: str, *parts: str) -> str:
    """A section of its parts, without the empty ones."""
    return "\n\n".join([f"## {title}", *(part for part in parts if part)])
