"""Plots: the pictures and the numbers beside them."""

from __future__ import annotations

import csv

import pytest
from PIL import Image

from ecr_engine.evaluation.compare import compare
from ecr_engine.evaluation.plots import draw_plots
from ecr_engine.evaluation.plots.divergence import frontier, kl_curve
from ecr_engine.evaluation.plots.forest import forest
from ecr_engine.evaluation.plots.series import series, smooth, window
from ecr_engine.evaluation.plots.style import short, styled
from ecr_engine.evaluation.turn_values import TurnValues
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
    assert list(plots) == ["reward", "components", "kl", "frontier", "loss"]
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
            assert picture.width == 1040
            assert len(picture.convert("RGB").getcolors(1_000_000)) > 20


def test_a_comparison_is_drawn_with_its_numbers(noisy_pair, evaluation, tmp_path):
    comparison = compare(*noisy_pair, resamples=500, confidence=0.95, seed=0)
    (plot,) = draw_plots(tmp_path / "plots", [], comparison)
    assert plot.name == "comparison"
    header, reward, *_ = rows(plot.csv)
    numbers = dict(zip(header, reward, strict=True))
    assert numbers["metric"] == "reward"
    assert float(numbers["difference"]) == comparison.metrics["reward"].difference
    assert float(numbers["low"]) == comparison.metrics["reward"].interval.low
    assert ["dist@1", "0.4", "0.5"] in [row[:3] for row in rows(plot.csv)]

    part = {"reward/bleu": [0.1, 0.2, 0.3, 0.4]}
    a, b = evaluation("a", [0.1] * 4, outside=part), evaluation("b", [0.2] * 4, outside=part)
    with_parts = compare(a, b, resamples=500, confidence=0.95, seed=0)
    before_after = draw_plots(tmp_path / "plots", [], with_parts)[1]
    assert before_after.name == "before_after"
    assert before_after.alt == "Dot plot of the reward components before and after: bleu from 0.250 to 0.250."
    assert [row[0] for row in rows(before_after.csv)] == ["metric", "reward/bleu"]


def test_the_forest_tells_held_out_from_paid_for_by_shape_and_in_words(evaluation):
    """The policy is 25 % better everywhere; the reward pays for `reward` alone."""
    before, after = [0.4, 0.5, 0.6, 0.5] * 6, [0.5, 0.625, 0.75, 0.625] * 6
    a, b = evaluation("a", before, outside={"rouge_l": before}), evaluation("b", after, outside={"rouge_l": after})
    with styled():
        drawing = forest(compare(a, b, resamples=500, confidence=0.95, seed=0))
    assert drawing.alt == (
        "Forest plot of relative differences with 95% intervals: reward +25.0%, paid for; rouge_l +25.0%, held out."
    )
    (axes,) = drawing.figure.axes
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["Objective", "reward *", "Held out from the reward", "rouge_l"]
    marks = {line.get_ydata()[0]: line for line in axes.lines if line.get_marker() in ("o", "D")}
    assert {row: (line.get_marker(), line.get_markerfacecolor() == "white") for row, line in marks.items()} == {
        1: ("D", True),
        3: ("o", False),
    }
    assert [text.get_text() for text in axes.texts] == ["+25.0%", "+25.0%"]


def test_one_wild_interval_does_not_flatten_the_others(evaluation):
    """Around a first value of 0.001 the interval is hundreds of times the value: its row is cut, and marked so."""
    quiet, wild = [0.4, 0.5, 0.6, 0.5] * 6, [0.001] * 24
    outside_a = {"rouge_l": quiet, "chrf": quiet, "wild": wild}
    outside_b = {"rouge_l": [v + 0.01 for v in quiet], "chrf": quiet[::-1], "wild": [0.5, 0.3] * 12}
    a = evaluation("a", quiet, outside=outside_a)
    b = evaluation("b", [v + 0.05 for v in quiet], outside=outside_b)
    with styled():
        drawing = forest(compare(a, b, resamples=500, confidence=0.95, seed=0))
    (axes,) = drawing.figure.axes
    assert axes.get_xlim()[1] < 1.0
    arrows = [(line.get_marker(), line.get_ydata()[0]) for line in axes.lines if line.get_marker() in ("<", ">")]
    row = [label.get_text() for label in axes.get_yticklabels()].index("wild")
    assert set(arrows) == {(">", row)}
    assert "+39900.0%" in [text.get_text() for text in axes.texts]


def test_the_kl_has_its_target_and_its_weight():
    events = [
        event(step, objective__kl=kl, objective__kl_coefficient=weight)
        for step, kl, weight in ((1, 1.0, 0.1), (2, 2.0, 0.2), (3, 4.0, 0.4))
    ]
    with styled():
        moving, still = kl_curve(events, 3.0), kl_curve(events[:1], None)
    assert moving.alt == (
        "Line plot: KL from the reference policy, in nats, goes from 1.000 at step 1 to 4.000 at step 3, against a "
        "target of 3; the weight of the KL penalty goes from 0.1 to 0.4."
    )
    assert moving.rows[0] == ["step", "kl", "kl_smoothed", "kl_target", "kl_coefficient"]
    assert moving.rows[3] == [3, 4.0, 4.0, 3.0, 0.4]
    upper, lower = moving.figure.axes
    assert "target 3" in [text.get_text() for text in upper.texts]
    assert list(lower.lines[0].get_ydata()) == [0.1, 0.2, 0.4]
    assert len(still.figure.axes) == 1
    assert still.note == "The weight of the KL penalty is 0.1 throughout."


def test_the_frontier_leads_from_the_first_update_to_the_last():
    events = [
        event(step, objective__kl=kl, objective__reward=reward)
        for step, kl, reward in ((1, 0.0, 0.3), (2, 1.0, 0.5), (3, 2.0, 0.4))
    ]
    events.append(event(4, objective__kl=9.0))
    with styled():
        drawing = frontier(events)
    assert drawing.alt == (
        "Path of the smoothed reward over the KL: from reward 0.300 at KL 0.000 in update 1 to reward 0.400 at KL "
        "2.000 in update 3; the greatest smoothed reward is 0.500, at KL 1.000 in update 2."
    )
    assert drawing.rows == [
        ["step", "kl", "reward", "kl_smoothed", "reward_smoothed"],
        [1, 0.0, 0.3, 0.0, 0.3],
        [2, 1.0, 0.5, 1.0, 0.5],
        [3, 2.0, 0.4, 2.0, 0.4],
    ]
    assert frontier(events[:1]) is None


def test_validations_stand_beside_the_rollouts(tmp_path):
    events = [event(0, kind="validation", eval__reward=0.2), event(1, objective__reward=0.3)]
    events += [event(2, objective__reward=0.4), event(2, kind="validation", eval__reward=0.25)]
    plot = draw_plots(tmp_path, events, None)[0]
    assert plot.alt == (
        "Line plot: reward of the rollouts goes from 0.300 at step 1 to 0.400 at step 2; reward on the validation "
        "turns goes from 0.200 at step 0 to 0.250 at step 2."
    )
    assert rows(plot.csv)[1:] == [
        ["0", "", "", "", "0.2"],
        ["1", "0.3", "0.3", "", ""],
        ["2", "0.4", "0.4", "", "0.25"],
    ]


def turn_values(reward_a, reward_b, words_a, words_b):
    return TurnValues("old", "new", reward_a, reward_b, words_a, words_b, {})


def test_the_turns_are_drawn_before_and_after(tmp_path):
    turns = turn_values((0.0, 0.2, 0.4, 0.6), (0.1, 0.2, 0.3, 3.0), (0, 1, 2, 2), (2, 2, 2, 4))
    reward, lengths = draw_plots(tmp_path, [], None, turns=turns)
    assert (reward.name, lengths.name) == ("reward_turns", "lengths")
    # Quartiles by linear interpolation between the values in order.
    assert reward.alt == (
        "Two histograms of the reward over 4 turns: old mean 0.300, median 0.300, middle half 0.150 to 0.450; new mean "
        "0.900, median 0.250, middle half 0.175 to 0.975; it rose on 50% of the turns and fell on 25%."
    )
    table = rows(reward.csv)
    assert table[0] == ["from", "to", "old", "new"]
    assert [float(edge) for edge in (table[1][0], table[-1][1])] == [0.0, 3.0]
    # 30 classes of 0.1: 0.3 and 0.6 may lie on either side of an edge, their counts in two neighbours do not.
    assert sum(int(row[2]) for row in table[1:]) == sum(int(row[3]) for row in table[1:]) == 4
    assert (table[1][2], table[-1][3]) == ("1", "1")
    assert rows(lengths.csv)[1:] == [
        ["-0.5", "0.5", "1", "0"],
        ["0.5", "1.5", "1", "0"],
        ["1.5", "2.5", "2", "3"],
        ["2.5", "3.5", "0", "0"],
        ["3.5", "4.5", "0", "1"],
    ]
    assert lengths.alt.endswith("; empty responses 1 and 0.")


def test_turns_that_all_have_one_reward_are_drawn_too(tmp_path):
    turns = turn_values((0.5, 0.5), (0.5, 0.5), (0, 0), (0, 0))
    reward, lengths = draw_plots(tmp_path, [], None, turns=turns)
    assert "it rose on 0% of the turns and fell on 0%." in reward.alt
    assert rows(lengths.csv)[1] == ["-0.5", "0.5", "2", "2"]
    nothing = turn_values((), (), (), ())
    assert draw_plots(tmp_path, [], None, turns=nothing) == ()


def test_the_health_of_the_updates(tmp_path):
    events = [event(step, objective__entropy=3.0 - step, policy__clip_fraction=0.1) for step in (0, 1)]
    (plot,) = draw_plots(tmp_path, events, None)
    assert plot.alt == (
        "Small line plots of the health of the updates: entropy (nats) from 3.00 to 2.00, clipped ratios from 0.10 to "
        "0.10."
    )


def test_small_numbers_do_not_vanish():
    assert [short(value) for value in (0.0, 0.125, -1.5, -0.0023, 0.004)] == [
        "0.00",
        "0.12",
        "−1.50",
        "−0.002",
        "0.004",
    ]


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
