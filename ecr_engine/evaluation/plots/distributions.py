"""Plots of single turns before and after: a mean can rise while a part of the turns gets worse."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ecr_engine.evaluation.plots.style import BLUE, GREY, canvas, signed
from ecr_engine.evaluation.plots.table import Cell, Drawing
from ecr_engine.evaluation.turn_values import TurnValues
from ecr_engine.evaluation.values import column

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ecr_engine.evaluation.statistics import Matrix

BINS = 30
"""At most so many classes of a histogram."""


def reward_distribution(turns: TurnValues) -> Drawing | None:
    """How the composite reward is spread over the turns, on both sides."""
    if not turns.reward_a:
        return None
    before, after = column(turns.reward_a), column(turns.reward_b)
    figure = canvas(3.2)
    axes = figure.subplots()
    rows = _histogram(axes, before, after, _edges(before, after), turns)
    axes.set_title("Reward of each held-out turn")
    axes.set_xlabel("reward of a turn")
    rose = np.mean(after > before)
    fell = np.mean(after < before)
    alt = (
        f"Two histograms of the reward over {len(before):,} turns: {_spread(before, after, turns, '.3f')}; "
        f"it rose on {rose:.0%} of the turns and fell on {fell:.0%}."
    )
    return Drawing("reward_turns", "Reward of a turn, before and after", alt, figure, rows, _note(turns))


def length_distribution(turns: TurnValues) -> Drawing | None:
    """How long the responses are, on both sides."""
    if not turns.words_a:
        return None
    before, after = column(turns.words_a), column(turns.words_b)
    figure = canvas(3.2)
    axes = figure.subplots()
    rows = _histogram(axes, before, after, _whole_edges(before, after), turns)
    axes.set_title("Length of each held-out response")
    axes.set_xlabel("words of a response")
    empty = f"empty responses {np.sum(before == 0):,} and {np.sum(after == 0):,}"
    alt = f"Two histograms of the words of a response: {_spread(before, after, turns, '.1f')}; {empty}."
    return Drawing("lengths", "Length of a response, before and after", alt, figure, rows, _note(turns))


def _edges(before: Matrix, after: Matrix) -> Matrix:
    """Edges of classes of equal width over both sides."""
    low, high = float(min(before.min(), after.min())), float(max(before.max(), after.max()))
    if low == high:
        low, high = low - 0.5, high + 0.5
    edges: Matrix = np.linspace(low, high, BINS + 1)
    return edges


def _whole_edges(before: Matrix, after: Matrix) -> Matrix:
    """Edges between whole numbers, each class as many of them wide."""
    longest = int(max(before.max(), after.max()))
    width = max(1, math.ceil((longest + 1) / BINS))
    edges: Matrix = np.arange(0.0, longest + width + 1.0, width)
    return edges - 0.5


def _histogram(axes: Axes, before: Matrix, after: Matrix, edges: Matrix, turns: TurnValues) -> list[list[Cell]]:
    """Draws both histograms as shares of the turns; gives their counts as rows."""
    counts = [np.histogram(values, bins=edges)[0] for values in (before, after)]
    axes.stairs(counts[1] / len(after), edges, fill=True, color=BLUE, alpha=0.12)
    axes.stairs(counts[0] / len(before), edges, linewidth=1.8, color=GREY, linestyle=(0, (4, 2)), label=turns.a)
    axes.stairs(counts[1] / len(after), edges, linewidth=1.8, color=BLUE, label=turns.b)
    for values, colour in ((before, GREY), (after, BLUE)):
        axes.axvline(float(values.mean()), color=colour, linewidth=1.0, linestyle=":")
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.3g} %")
    axes.set_ylabel("share of the turns")
    axes.legend(frameon=False, fontsize=9, loc="upper right")
    header: list[Cell] = ["from", "to", turns.a, turns.b]
    bins = zip(edges[:-1], edges[1:], *counts, strict=True)
    rows: list[list[Cell]] = [[float(low), float(high), int(a), int(b)] for low, high, a, b in bins]
    return [header, *rows]


def _spread(before: Matrix, after: Matrix, turns: TurnValues, style: str) -> str:
    """Mean and quartiles of both sides in words."""
    return "; ".join(f"{name} {_five(values, style)}" for name, values in ((turns.a, before), (turns.b, after)))


def _five(values: Matrix, style: str) -> str:
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    told = (format(float(value), style) for value in (values.mean(), middle, low, high))
    return signed("mean {}, median {}, middle half {} to {}".format(*told))


def _note(turns: TurnValues) -> str:
    return f"Dashed: {turns.a}. Solid: {turns.b}. Dotted lines: their means."
