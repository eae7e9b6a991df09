"""Plots of the distance from the reference policy: by update, and what reward it bought."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ecr_engine.evaluation.plots.curves import course, raw_and_smooth
from ecr_engine.evaluation.plots.series import Series, series, shared, smooth, window
from ecr_engine.evaluation.plots.style import BLUE, GREY, INK, PALE, VERMILION, canvas, label_at_edge
from ecr_engine.evaluation.plots.table import Drawing, aligned
from ecr_engine.runs.events import Event

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RL = "rl"

LEAST = 2
"""One point is no course."""


def kl_curve(events: Sequence[Event], target: float | None) -> Drawing | None:
    """The divergence from the reference policy by update, with its target and its weight in the reward.

    Args:
        events: the run's events.
        target: target of the KL of a response in nats; None where the weight is fixed.
    """
    kl = series(events, RL, "step", "objective/kl")
    if not kl:
        return None
    weight = series(events, RL, "step", "objective/kl_coefficient")
    moves = len(set(weight.values)) > 1
    figure = canvas(4.3 if moves else 3.0)
    upper, *lower = figure.subplots(2 if moves else 1, sharex=True, squeeze=False, height_ratios=[2, 1][: 1 + moves])
    smoothed = smooth(kl.values, window(len(kl.values)))
    _kl_axes(upper[0], kl, smoothed, target)
    for axes in lower:
        _weight_axes(axes[0], weight)
    (lower[0][0] if lower else upper[0]).set_xlabel("PPO update")
    columns = {"kl": kl, "kl_smoothed": Series(kl.steps, tuple(smoothed))}
    if target is not None:
        columns["kl_target"] = Series(kl.steps, (target,) * len(kl.steps))
    if weight:
        columns["kl_coefficient"] = weight
    aim = f", against a target of {target:g}" if target is not None else ""
    paid = _weight_in_words(weight)
    alt = f"Line plot: {course('KL from the reference policy, in nats,', kl, smoothed)}{aim}{paid and '; ' + paid}."
    title = "How far the policy moved from the reference policy"
    return Drawing("kl", title, alt, figure, aligned("step", columns), _sentence(paid))


def frontier(events: Sequence[Event]) -> Drawing | None:
    """The reward of the rollouts over the divergence that it cost, from the first update to the last."""
    steps, kl, reward = shared(*(series(events, RL, "step", f"objective/{name}") for name in ("kl", "reward")))
    if len(steps) < LEAST:
        return None
    width = window(len(steps))
    far, high = smooth(kl, width), smooth(reward, width)
    figure = canvas(3.6)
    axes = figure.subplots()
    axes.grid(axis="both")
    axes.plot(kl, reward, color=PALE, marker="o", markersize=3, linewidth=0)
    axes.plot(far, high, color=BLUE, linewidth=2.0)
    _ends(axes, steps, far, high)
    axes.margins(x=0.08, y=0.12)
    axes.set_title("Reward against KL")
    axes.set_xlabel("KL of a response from the reference policy (nats)")
    axes.set_ylabel("reward of the rollouts")
    best = max(range(len(steps)), key=lambda place: high[place])
    alt = (
        f"Path of the smoothed reward over the KL: from reward {high[0]:.3f} at KL {far[0]:.3f} in update {steps[0]} "
        f"to reward {high[-1]:.3f} at KL {far[-1]:.3f} in update {steps[-1]}; the greatest smoothed reward is "
        f"{high[best]:.3f}, at KL {far[best]:.3f} in update {steps[best]}."
    )
    columns = {
        name: Series(steps, tuple(values))
        for name, values in {"kl": kl, "reward": reward, "kl_smoothed": far, "reward_smoothed": high}.items()
    }
    note = "A point for each update; the line is their moving mean, from the open square to the full one."
    return Drawing("frontier", "What reward the divergence bought", alt, figure, aligned("step", columns), note)


def _kl_axes(axes: Axes, kl: Series, smoothed: Sequence[float], target: float | None) -> None:
    above = target is None or smoothed[-1] >= target
    raw_and_smooth(axes, kl, smoothed, anchor="bottom" if above else "top")
    if target is not None:
        axes.axhline(target, color=VERMILION, linewidth=1.2, linestyle=(0, (5, 3)))
        label_at_edge(axes, target, f"target {target:g}", VERMILION, anchor="top" if above else "bottom")
    axes.axhline(0.0, color=GREY, linewidth=0.8)
    axes.set_title("Divergence from the reference policy")
    axes.set_ylabel("KL (nats)")


def _weight_axes(axes: Axes, weight: Series) -> None:
    """The weight of the KL penalty, as the controller set it."""
    axes.step(weight.steps, weight.values, where="post", color=INK, linewidth=1.4)
    label_at_edge(axes, weight.values[-1], f"{weight.values[-1]:.3g}", INK)
    axes.set_ylabel("weight of the\nKL penalty", fontsize=9)
    axes.margins(y=0.2)


def _weight_in_words(weight: Series) -> str:
    if not weight:
        return ""
    first, last = weight.values[0], weight.values[-1]
    if len(set(weight.values)) == 1:
        return f"the weight of the KL penalty is {first:.3g} throughout"
    return f"the weight of the KL penalty goes from {first:.3g} to {last:.3g}"


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}." if words else ""


def _ends(axes: Axes, steps: Sequence[int], far: Sequence[float], high: Sequence[float]) -> None:
    """Marks the first and the last point, by shape and in words."""
    for place, face, side, offset in ((0, "white", "left", (8, -4)), (-1, BLUE, "center", (0, 9))):
        axes.plot(far[place], high[place], marker="s", markersize=7, color=BLUE, markerfacecolor=face)
        axes.annotate(
            f"update {steps[place]}",
            (far[place], high[place]),
            xytext=offset,
            textcoords="offset points",
            ha=side,
            fontsize=9,
            color=INK,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1.0},
        )
