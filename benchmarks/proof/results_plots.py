"""The plots of the results, as SVG on white that is the same on every run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import measured
from results_folder import POLICIES, Reading, reading, tests
from results_text import missing
from steps import TEMPERATURES, decoding_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TRADE = "results/bleu-distinct.svg"
TRAINING = "results/training.svg"
X, Y = "distinct@1", "bleu@1"


def trade_off(out: Path, to: Path) -> str:
    """Writes bleu@1 against distinct@1; the Markdown that shows it."""
    names = [decoding_name(temperature) for temperature in (None, *TEMPERATURES)]
    lines = {
        "baseline": present({name: reading(out / "decoding" / name) for name in names}),
        "policy-0": present({name: reading(out / "decoding" / f"policy-0-{name}") for name in names}),
    }
    sides = present(dict(tests(out)))
    gaps = [f"decodings of {name} on validation" for name, line in lines.items() if not line]
    if not any(lines.values()) and not sides:
        return missing([*gaps, "any side on the test split"])
    figure, (left, right) = panels()
    for name, line in lines.items():
        if line:
            points(left, line, name)
    for name, side in sides.items():
        points(right, {name: side}, name)
    label(left, "validation: each decoding", X, Y)
    label(right, "test: each side", X, Y)
    if any(lines.values()):
        left.legend(frameon=False)
    save(figure, to / TRADE)
    alt = (
        f"{Y} against {X}: on the left each decoding of the baseline and of policy-0 on validation turns, on the right "
        "each side on test turns"
    )
    said = (
        "Decoding alone trades likeness to the references against variety, along the baseline's line; a gain lies "
        "above and to the right of it. The panels differ in turns, and distinct@1 falls with their number."
    )
    return "\n\n".join(filter(None, [f"![{alt}]({TRADE})", said, missing(gaps)]))


def present(sides: Mapping[str, Reading | None]) -> dict[str, Reading]:
    """Those that are there and have both metrics."""
    return {name: side for name, side in sides.items() if side is not None and {X, Y} <= side.values.keys()}


def points(axes: Axes, sides: Mapping[str, Reading], name: str) -> None:
    """Draws sides as a line of named points."""
    xs, ys = [side.values[X] for side in sides.values()], [side.values[Y] for side in sides.values()]
    axes.plot(xs, ys, marker="s" if name.startswith("policy") else "o", label=name)
    for text, x, y in zip(sides, xs, ys, strict=True):
        axes.annotate(text, (x, y), textcoords="offset points", xytext=(5, 4), fontsize=8)


def training(out: Path, to: Path) -> str:
    """Writes reward and KL against updates by seed; the Markdown that shows it."""
    told = {name: measured.numbered_steps(out / name, "rl") for name in POLICIES}
    gaps = missing([name for name, steps in told.items() if not steps])
    if not any(told.values()):
        return gaps
    figure, (left, right) = panels()
    for name, steps in told.items():
        if steps:
            left.plot(list(steps), [values["objective/score"] for values in steps.values()], label=name)
            right.plot(list(steps), [values["objective/kl"] for values in steps.values()], label=name)
    label(left, "reward of the rollouts", "update", "reward")
    label(right, "distance from the baseline", "update", "KL (nats a response)")
    left.legend(frameon=False)
    save(figure, to / TRAINING)
    alt = "Reward of the rollouts and KL from the baseline against updates, a line a seed"
    return "\n\n".join(filter(None, [f"![{alt}]({TRAINING})", gaps]))


def panels() -> tuple[Figure, Any]:
    """Two plots side by side on white."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.2), layout="constrained", facecolor="white")
    return figure, figure.subplots(1, 2)


def label(axes: Axes, title: str, x: str, y: str) -> None:
    """Names a plot and its axes."""
    axes.set_title(title)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.margins(0.12)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)


def save(figure: Figure, path: Path) -> None:
    """Writes a figure without date and random names."""
    import matplotlib

    path.parent.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context({"svg.hashsalt": "results", "svg.fonttype": "none"}):
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
    text = path.read_text(encoding="utf-8")
    path.write_text("".join(f"{line.rstrip()}\n" for line in text.splitlines()), encoding="utf-8")
