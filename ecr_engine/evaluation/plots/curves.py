"""Curves of the training: the reward of the rollouts, and the loss of the baseline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ecr_engine.evaluation.plots.series import Series, series, smooth, window
from ecr_engine.evaluation.plots.style import BLUE, GREY, INK, PALE, VERMILION, canvas, label_at_edge, short
from ecr_engine.evaluation.plots.table import Drawing, aligned
from ecr_engine.runs.events import Event

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RL = "rl"


def reward_curve(events: Sequence[Event]) -> Drawing | None:
    """The reward of the rollouts by update, raw and smoothed, with the spread of the responses and the validations."""
    reward = series(events, RL, "step", "objective/reward")
    if not reward:
        return None
    valid = series(events, RL, "validation", "eval/reward")
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
    raw_and_smooth(axes, reward, smoothed, anchor="top")
    axes.set_title("Reward of the rollouts")
    axes.set_xlabel("PPO update")
    columns = {"reward": reward, "reward_smoothed": Series(reward.steps, tuple(smoothed))}
    columns["reward_std"] = series(events, RL, "step", "objective/reward_std")
    told, note = course("reward of the rollouts", reward, smoothed), _smoothing(reward)
    if valid:
        axes.plot(valid.steps, valid.values, color=VERMILION, marker="D", markersize=5, linewidth=0)
        columns["validation_reward"] = valid
        told += f"; {course('reward on the validation turns', valid, valid.values)}"
        note += " Diamonds: reward on validation turns."
    title = "Reward of the rollouts, update by update"
    return Drawing("reward", title, f"Line plot: {told}.", figure, aligned("step", columns), note.strip())


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
        told.append(course("training loss", train, smoothed))
    if valid:
        told.append(_validation(axes, valid))
    _name_losses(axes, smoothed, valid.values)
    axes.set_title("Loss of the baseline")
    axes.set_xlabel("optimizer step")
    axes.set_ylabel("cross-entropy (nats per token)")
    rows = aligned("step", {"train_loss": train, "validation_loss": valid})
    alt = f"Line plot: {'; '.join(told)}."
    return Drawing("loss", "Training and validation loss of the baseline", alt, figure, rows, _smoothing(train))


def raw_and_smooth(axes: Axes, curve: Series, smoothed: Sequence[float], *, anchor: str) -> None:
    """Draws the raw curve as a thin pale line, the smoothed one on it, and its last value beside it.

    Args:
        axes: where to.
        curve: the raw curve.
        smoothed: one value for each of the curve's.
        anchor: how the last value stands to the line's end, see `label_at_edge`.
    """
    axes.plot(curve.steps, curve.values, color=PALE, linewidth=0.9)
    axes.plot(curve.steps, smoothed, color=BLUE, linewidth=2.2)
    label_at_edge(axes, smoothed[-1], short(smoothed[-1]), BLUE, anchor=anchor)


def course(what: str, curve: Series, smoothed: Sequence[float]) -> str:
    """Where a curve begins and ends, in words."""
    return (
        f"{what} goes from {smoothed[0]:.3f} at step {curve.steps[0]} to {smoothed[-1]:.3f} at step {curve.steps[-1]}"
    )


def _smoothing(curve: Series) -> str:
    width = window(len(curve.values))
    return f"Thin: each step. Thick: mean of {width} steps." if width > 1 else ""


def _validation(axes: Axes, valid: Series) -> str:
    """Draws the validation loss with its best point marked; says what it shows."""
    step, best = min(_points(valid), key=lambda point: point[1])
    axes.plot(valid.steps, valid.values, color=VERMILION, linewidth=1.6, marker="o", markersize=4)
    axes.plot(step, best, marker="o", markersize=9, markerfacecolor="none", markeredgecolor=INK)
    axes.annotate(f"best {best:.3f}", (step, best), xytext=(0, 10), textcoords="offset points", ha="center", fontsize=9)
    return f"the best validation loss is {best:.3f} at step {step}"


def _name_losses(axes: Axes, train: Sequence[float], valid: Sequence[float]) -> None:
    """Labels both curves at their ends: the upper label stands, the lower one hangs, so that they never meet."""
    above = not (train and valid) or valid[-1] >= train[-1]
    if train:
        label_at_edge(axes, train[-1], "training", BLUE, anchor="top" if above and valid else "bottom")
    if valid:
        label_at_edge(axes, valid[-1], "validation", VERMILION, anchor="bottom" if above else "top")


def _points(curve: Series) -> list[tuple[int, float]]:
    return list(zip(curve.steps, curve.values, strict=True))
