"""Plots: the pictures and the numbers beside them."""

from __future__ import annotations

import csv

import pytest
from PIL import Image

from ecr_engine.evaluation.compare import compare
from ecr_engine.evaluation.plots import draw_plots
from ecr_engine.evaluation.plots.series import series, smooth, window
from ecr_engine.runs.events import Event


def event(step, *, stage="rl", kind="step", **values):
    return Event(0.0, stage, step, kind, {key.replace("__", "/"): value for key, value in values.items()})


def rows(path):
    with path.open(encoding="utf-8") as handle:
        return list(csv.reader(handle))


@pytest.fixture
def training():
    return [
        event(0, stage="baseline", train__loss=5.0),
        event(1, stage="baseline", train__loss=4.0),
        event(1, stage="baseline", kind="validation", eval__loss=4.5),
        event(0, objective__reward=0.1, objective__reward_std=0.05, objective__kl=0.0, rewards__bleu__mean=0.2),
        event(1, objective__reward=0.3, objective__reward_std=0.04, objective__kl=0.5, rewards__bleu__mean=0.25),
    ]


def test_curves_are_drawn_with_their_numbers(training, tmp_path):
    plots = {plot.name: plot for plot in draw_plots(tmp_path / "plots", training, None, kl_target=3.0)}
    assert list(plots) == ["reward", "components", "kl", "loss"]
    assert rows(plots["reward"].csv) == [
        ["step", "reward", "reward_smoothed", "reward_std"],
        ["0", "0.1", "0.1", "0.05"],
        ["1", "0.3", "0.3", "0.04"],
    ]
    assert rows(plots["kl"].csv)[1] == ["0", "0.0", "0.0", "3.0"]
    assert rows(plots["components"].csv) == [["step", "bleu"], ["0", "0.2"], ["1", "0.25"]]
    assert rows(plots["loss"].csv) == [
        ["step", "train_loss", "validation_loss"],
        ["0", "5.0", ""],
        ["1", "4.0", "4.5"],
    ]
    assert plots["kl"].alt == (
        "Line plot: KL from the reference policy, in nats, goes from 0.000 at step 0 to 0.500 at step 1, "
        "against a target of 3."
    )


def test_pictures_are_wide_enough_for_print_and_not_blank(training, tmp_path):
    for plot in draw_plots(tmp_path / "plots", training, None):
        with Image.open(plot.png) as picture:
            assert picture.width == 1440
            assert len(picture.convert("RGB").getcolors(1_000_000)) > 20


def test_a_comparison_is_drawn_with_its_numbers(noisy_pair, evaluation, tmp_path):
    comparison = compare(*noisy_pair, resamples=500, confidence=0.95, seed=0)
    (forest,) = draw_plots(tmp_path / "plots", [], comparison)
    assert forest.name == "comparison"
    header, reward, *_ = rows(forest.csv)
    numbers = dict(zip(header, reward, strict=True))
    assert numbers["metric"] == "reward"
    assert float(numbers["difference"]) == comparison.metrics["reward"].difference
    assert float(numbers["low"]) == comparison.metrics["reward"].interval.low
    assert ["dist@1", "0.4", "0.5"] in [row[:3] for row in rows(forest.csv)]

    part = {"reward/bleu": [0.1, 0.2, 0.3, 0.4]}
    a, b = evaluation("a", [0.1] * 4, outside=part), evaluation("b", [0.2] * 4, outside=part)
    with_parts = compare(a, b, resamples=500, confidence=0.95, seed=0)
    before_after = draw_plots(tmp_path / "plots", [], with_parts)[0]
    assert before_after.name == "before_after"
    assert before_after.alt == "Dot plot of the reward components before and after: bleu from 0.250 to 0.250."
    assert [row[0] for row in rows(before_after.csv)] == ["metric", "reward/bleu"]


def test_a_plot_without_data_is_not_left_from_before(training, tmp_path):
    draw_plots(tmp_path, training, None)
    assert draw_plots(tmp_path, [], None) == ()
    assert list(tmp_path.iterdir()) == []


def test_a_resumed_stage_supersedes_what_it_repeats():
    events = [event(step, objective__reward=float(step)) for step in range(5)]
    events += [event(step, objective__reward=10.0 + step) for step in (3, 4)]
    found = series(events, "rl", "step", "objective/reward")
    assert found.steps == (0, 1, 2, 3, 4)
    assert found.values == (0.0, 1.0, 2.0, 13.0, 14.0)
    again = [*events, event(0, objective__reward=7.0)]
    assert series(again, "rl", "step", "objective/reward").values == (7.0,)


def test_what_is_not_finite_is_left_out():
    events = [event(0, objective__reward=1.0), event(1, objective__reward=float("nan"))]
    assert series(events, "rl", "step", "objective/reward").steps == (0,)


def test_smoothing_by_hand():
    assert smooth([0.0, 3.0, 6.0, 0.0], 3) == [1.5, 3.0, 3.0, 3.0]
    assert smooth([1.0, 5.0], 1) == [1.0, 5.0]
    assert [window(points) for points in (1, 19, 20, 39, 40, 80)] == [1, 1, 3, 3, 5, 9]
