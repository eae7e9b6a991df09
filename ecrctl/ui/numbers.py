"""Numbers, durations and short texts as people read them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from rich.cells import cell_len, set_cell_size

_BARS = "▁▂▃▄▅▆▇█"
_SHRUG = "·"


def number(value: float) -> str:
    """Four significant digits: `0.1234`, `12.34`, `1.23e-05`; `NaN` and `∞` by name."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    size = abs(value)
    if size == 0 or (isinstance(value, int) and size < 1e6):
        return f"{value:.0f}"
    if size < 1e-3 or size >= 1e6:
        return f"{value:.2e}"
    return f"{value:.{_decimals(size)}f}"


def fixed(value: float) -> str:
    """`number` without exponents for what is small: `0.0001`; for columns of values that belong together."""
    return f"{value:.{_decimals(1)}f}" if 0 < abs(value) < 1 else number(value)


def _decimals(size: float) -> int:
    return max(0, 3 - math.floor(math.log10(size))) if size > 1 else 4


def signed(value: float) -> str:
    """`fixed` with its sign."""
    return f"+{fixed(value)}" if value > 0 else fixed(value)


def percent(share: float) -> str:
    """A share as a signed percentage with one digit."""
    return f"{share * 100:+.1f} %" if math.isfinite(share) else number(share)


def duration(seconds: float) -> str:
    """`0.4 s`, `42 s`, `3:07`, `1:02:03`."""
    if not math.isfinite(seconds):
        return "?"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def size(count: float) -> str:
    """Bytes as `812 B`, `1.3 MiB`."""
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"


def sparkline(values: Sequence[float], width: int) -> str:
    """The course of `values` in at most `width` characters, oldest first.

    Several values that share a character are averaged; one that is not finite is a dot; a constant is a middle line.
    """
    if not values or width < 1:
        return ""
    count = min(width, len(values))
    bounds = [len(values) * index // count for index in range(count + 1)]
    means = [_mean(values[low:high]) for low, high in pairwise(bounds)]
    finite = [mean for mean in means if math.isfinite(mean)]
    if not finite:
        return _SHRUG * count
    low, high = min(finite), max(finite)
    return "".join(_bar(mean, low, high) for mean in means)


def _mean(values: Sequence[float]) -> float:
    finite = [value for value in values if math.isfinite(value)]
    return sum(finite) / len(finite) if finite else math.nan


def _bar(value: float, low: float, high: float) -> str:
    if not math.isfinite(value):
        return _SHRUG
    share = (value - low) / (high - low) if high > low else 0.5
    return _BARS[min(len(_BARS) - 1, int(share * len(_BARS)))]


def clip(text: str, width: int) -> str:
    """`text` on one line of at most `width` terminal cells, with an ellipsis where it was cut.

    Control characters, which could move the cursor, become spaces. Wide characters count as two cells.
    """
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if cell_len(line) <= width:
        return line
    return set_cell_size(line, max(0, width - 1)).rstrip() + "…" if width > 0 else ""
