"""Curves of the training: reward, KL, reward components, loss."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ecr_engine.evaluation.plots.series import Series, keys_of, series, smooth, window
from ecr_engine.evaluation.plots.style import BLUE, GREY, INK, PALE, VERMILION, canvas, label_at_edge, signed
from ecr_engine.evaluation.plots.table import Drawing, aligned
from ecr_engine.runs.events import Event

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RL = "rl"
COLUMNS = 3
"""Small multiples in a row."""


def reward_curve(events: Sequence[Event]) -> Drawing | None:
    """The reward of the rollouts by update, raw and smoothed, with the spread of the responses."""
    reward = series(events, RL, "step", "objective/reward")
    if not reward:
        return None
    spread = dict(_points(series(events, RL, "step", "objective/reward_std")))
    figure = canvas(3.4)
    axes = figure.subplots()
    smoothed = smooth(reward.values, window(len(reward.values)))
    if all(step in spread for step in reward.steps):
        deviation = smooth([spread[step] for step in reward.steps], window(len(reward.values)))
        low = [mean - sd for mean, sd in zip(smoothed, deviation, strict=True)]
        high = [mean + sd for mean, sd in zip(smoothed, deviation, strict=True)]
        axes.fill_between(reward.steps, low, high, color=BLUE, alpha=0.10, linewidth=0)
        label_at_edge(axes, high[-1], "± 1 sd of\nresponses", GREY, anchor="bottom")
    _raw_and_smooth(axes, reward, smoothed, anchor="top")
    axes.set_title("Reward of the rollouts")
    axes.set_xlabel("PPO update")
    rows = aligned(
        "step",
        {"reward": reward, "reward_smoothed": Series(reward.steps, tuple(smoothed))}
        | {"reward_std": series(events, RL, "step", "objective/reward_std")},
    )
    alt = f"Line plot: {_course('reward of the rollouts', reward, smoothed)}."
    return Drawing("reward", "Reward of the rollouts, update by update", alt, figure, rows)


def kl_curve(events: Sequence[Event], target: float | None) -> Drawing | None:
    """The divergence from the reference policy by update, with its target where there is one."""
    kl = series(events, RL, "step", "objective/kl")
    if not kl:
        return None
    figure = canvas(3.0)
    axes = figure.subplots()
    smoothed = smooth(kl.values, window(len(kl.values)))
    above = target is None or smoothed[-1] >= target
    _raw_and_smooth(axes, kl, smoothed, anchor="bottom" if above else "top")
    if target is not None:
        axes.axhline(target, color=VERMILION, linewidth=1.2, linestyle=(0, (5, 3)))
        label_at_edge(axes, target, f"target {target:g}", VERMILION, anchor="top" if above else "bottom")
    axes.axhline(0.0, color=GREY, linewidth=0.8)
    axes.set_title("Divergence from the reference policy")
    axes.set_xlabel("PPO update")
    axes.set_ylabel("KL of a response (nats)")
    columns = {"kl": kl, "kl_smoothed": Series(kl.steps, tuple(smoothed))}
    if target is not None:
        columns["kl_target"] = Series(kl.steps, (target,) * len(kl.steps))
    aim = f", against a target of {target:g}" if target is not None else ""
    alt = f"Line plot: {_course('KL from the reference policy, in nats,', kl, smoothed)}{aim}."
    return Drawing("kl", "How far the policy moved from the reference policy", alt, figure, aligned("step", columns))


def component_curves(events: Sequence[Event]) -> Drawing | None:
    """One small plot for each reward component."""
    names = keys_of(events, RL, "rewards/", "/mean")
    found = {name: series(events, RL, "step", f"rewards/{name}/mean") for name in names}
    found = {name: curve for name, curve in found.items() if curve}
    if not found:
        return None
    rows_of_plots = math.ceil(len(found) / COLUMNS)
    figure = canvas(0.7 + 1.6 * rows_of_plots)
    grid = figure.subplots(rows_of_plots, COLUMNS, squeeze=False)
    told = []
    for axes, (name, curve) in zip(grid.flat, found.items(), strict=False):
        smoothed = smooth(curve.values, window(len(curve.values)))
        axes.plot(curve.steps, curve.values, color=PALE, linewidth=0.8, alpha=0.8)
        axes.plot(curve.steps, smoothed, color=BLUE, linewidth=2.0)
        label_at_edge(axes, smoothed[-1], signed(f"{smoothed[-1]:.2f}"), BLUE)
        axes.set_title(name, fontsize=9.5, fontweight="normal")
        axes.tick_params(labelsize=8)
        axes.margins(y=0.15)
        told.append(f"{name} from {smoothed[0]:.2f} to {smoothed[-1]:.2f}")
    for axes in grid.flat[len(found) :]:
        axes.set_visible(False)
    figure.suptitle("Reward components of the rollouts", x=0.01, ha="left", fontsize=10.5, fontweight="bold")
    figure.supxlabel("PPO update", fontsize=9)
    alt = f"Small line plots of the mean of each reward component by update: {', '.join(told)}."
    return Drawing("components", "Reward components of the rollouts", alt, figure, aligned("step", found))


def loss_curve(events: Sequence[Event]) -> Drawing | None:
    """The baseline's training and validation loss."""
    train = series(events, "baseline", "step", "train/loss")
    valid = series(events, "baseline", "validation", "eval/loss")
    if not train and not valid:
        return None
    figure = canvas(3.2)
    axes = figure.subplots()
    smoothed = smooth(train.values, window(len(train.values)))
    told = []
    if train:
        axes.plot(train.steps, train.values, color=PALE, linewidth=0.8, alpha=0.8)
        axes.plot(train.steps, smoothed, color=BLUE, linewidth=2.0)
        told.append(_course("training loss", train, smoothed))
    if valid:
        told.append(_validation(axes, valid))
    _name_losses(axes, smoothed, valid.values)
    axes.set_title("Loss of the baseline")
    axes.set_xlabel("optimizer step")
    axes.set_ylabel("cross-entropy (nats per token)")
    rows = aligned("step", {"train_loss": train, "validation_loss": valid})
    return Drawing(
        "loss", "Training and validation loss of the baseline", f"Line plot: {'; '.join(told)}.", figure, rows
    )


def _validation(axes: Axes, valid: Series) -> str:
    """Draws the validation loss with its best point marked; says what it shows."""
    step, best = min(_points(valid), key=lambda point: point[1])
    axes.plot(valid.steps, valid.values, color=VERMILION, linewidth=1.6, marker="o", markersize=4)
    axes.plot(step, best, marker="o", markersize=9, markerfacecolor="none", markeredgecolor=INK)
    axes.annotate(
        f"best {best:.3f}", (step, best), xytext=(0, 10), textcoords="offset points", ha="center", fontsize=8.5
    )
    return f"the best validation loss is {best:.3f} at step {step}"


def _name_losses(axes: Axes, train: Sequence[float], valid: Sequence[float]) -> None:
    """Labels both curves at their ends: the upper label stands, the lower one hangs, so that they never meet."""
    above = not (train and valid) or valid[-1] >= train[-1]
    if train:
        label_at_edge(axes, train[-1], "training", BLUE, anchor="top" if above and valid else "bottom")
    if valid:
        label_at_edge(axes, valid[-1], "validation", VERMILION, anchor="bottom" if above else "top")


def _raw_and_smooth(axes: Axes, curve: Series, smoothed: Sequence[float], *, anchor: str) -> None:
    """The raw curve as a thin pale line, the smoothed one on it, and its last value beside it."""
    axes.plot(curve.steps, curve.values, color=PALE, linewidth=0.9)
    axes.plot(curve.steps, smoothed, color=BLUE, linewidth=2.2)
    width = window(len(curve.values))
    means = f"\nmean of {width}\nupdates" if width > 1 else ""
    label_at_edge(axes, smoothed[-1], signed(f"{smoothed[-1]:.2f}") + means, BLUE, anchor=anchor)


def _course(what: str, curve: Series, smoothed: Sequence[float]) -> str:
    return (
        f"{what} goes from {smoothed[0]:.3f} at step {curve.steps[0]} to {smoothed[-1]:.3f} at step {curve.steps[-1]}"
    )


def _points(curve: Series) -> list[tuple[int, float]]:
    return list(zip(curve.steps, curve.values, strict=True))
