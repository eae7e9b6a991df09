"""Comparing evaluations: what is found, what is refused, what is said."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace

import pytest

from ecr_engine.errors import DataError, ExitCode, UsageError
from ecr_engine.evaluation.compare import (
    compare,
    comparison_from_json,
    read_comparison,
    verdict,
    write_comparison,
)
from ecr_engine.evaluation.statistics import Interval

SETTINGS = {"resamples": 2000, "confidence": 0.95, "seed": 0}


def test_a_planted_difference_is_found_with_its_size(noisy_pair):
    reward = compare(*noisy_pair, **SETTINGS).metrics["reward"]
    assert reward.difference == pytest.approx(0.1, abs=0.01)
    assert reward.interval.low < 0.1 < reward.interval.high
    assert reward.interval.high - reward.interval.low < 0.03
    assert reward.p == pytest.approx(1 / 2001)
    assert reward.relative == pytest.approx(reward.difference / reward.a)
    assert reward.n == 200
    assert reward.in_reward


def test_of_itself_it_finds_exactly_nothing(noisy_pair):
    comparison = compare(noisy_pair[0], noisy_pair[0], **SETTINGS)
    for metric in comparison.metrics.values():
        assert metric.difference == 0.0
        assert metric.relative == 0.0
    assert comparison.metrics["reward"].interval.low == comparison.metrics["reward"].interval.high == 0.0
    assert comparison.metrics["reward"].p == comparison.metrics["reward"].p_holm == 1.0
    assert comparison.improved == comparison.harmed == ()
    assert verdict(comparison).startswith("Baseline and baseline score exactly the same at the objective on 200")


def test_wins_ties_and_losses_by_turn(evaluation):
    a = evaluation("a", [0.1, 0.2, 0.3, 0.4])
    b = evaluation("b", [0.2, 0.2, 0.2, 0.9])
    reward = compare(a, b, **SETTINGS).metrics["reward"]
    assert (reward.wins, reward.ties, reward.losses) == (2, 1, 1)


def test_a_metric_over_the_corpus_has_a_difference_and_no_interval(noisy_pair):
    dist = compare(*noisy_pair, **SETTINGS).metrics["dist@1"]
    assert (dist.a, dist.b) == (0.4, 0.5)
    assert dist.difference == pytest.approx(0.1)
    assert dist.relative == pytest.approx(0.25)
    assert dist.interval is dist.p is dist.p_holm is dist.n is None


def test_a_metric_that_is_not_the_mean_of_its_turns_has_no_interval(evaluation):
    agreement = {"slot_f1": [1.0, 1.0, 0.0, 1.0]}
    a = evaluation("a", [0.1, 0.2, 0.3, 0.4], outside=agreement)
    path = a / "results.json"
    results = json.loads(path.read_text())
    results["metrics"]["slot_f1"]["value"] = 0.5  # F1 0.5, agreement 0.75
    results["metrics"]["slot_f1"]["interval"] = None
    path.write_text(json.dumps(results))
    metric = compare(a, a, **SETTINGS).metrics["slot_f1"]
    assert (metric.a, metric.interval, metric.p) == (0.5, None, None)
    assert metric.ties == 4


def test_relative_is_none_where_the_first_side_is_zero(evaluation):
    metric = compare(evaluation("a", [0.0, 0.0]), evaluation("b", [0.5, 0.5]), **SETTINGS).metrics["reward"]
    assert metric.relative is None
    assert metric.difference == 0.5


def test_relative_to_a_negative_value_has_the_sign_of_the_difference(evaluation):
    metric = compare(evaluation("a", [-0.5, -0.5]), evaluation("b", [-0.25, -0.25]), **SETTINGS).metrics["reward"]
    assert metric.relative == 0.5


def test_holm_corrects_over_the_metrics_that_have_a_p(noisy_pair):
    comparison = compare(*noisy_pair, **SETTINGS)
    assert comparison.metrics["reward"].p_holm == pytest.approx(2 / 2001)  # the smaller of two


def test_a_turn_without_a_value_is_left_out_on_both_sides(evaluation):
    a = evaluation("a", [0.1, None, 0.3, 0.5])
    b = evaluation("b", [0.2, 0.9, None, 0.7])
    reward = compare(a, b, **SETTINGS).metrics["reward"]
    assert (reward.n, reward.a, reward.b) == (2, pytest.approx(0.3), pytest.approx(0.45))
    assert reward.difference == pytest.approx(0.15)


def test_one_turn_has_no_interval_and_no_conclusion(evaluation):
    comparison = compare(evaluation("a", [0.1]), evaluation("b", [0.2]), **SETTINGS)
    assert comparison.metrics["reward"].interval is None
    assert verdict(comparison).startswith(
        "Nothing can be concluded on 1 held-out test turns of 1 dialogues: reward 0.200 against 0.100, difference "
        "+0.100, and 1 are too few dialogues: at least 10 are needed; "
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            {"split_fingerprint": "other"},
            "they answer different turns (test, 4 turns; test, 4 turns)",
        ),
        ({"prompt_fingerprint": "other"}, "their prompts differ"),
        ({"decoding": {"decoding": "greedy"}}, "decoding.decoding is sample and greedy; decoding.temperature is 0.7"),
    ],
)
def test_what_can_not_be_compared_is_refused_unless_forced(evaluation, change, reason):
    a, b = evaluation("a", [0.1, 0.2, 0.3, 0.4]), evaluation("b", [0.1, 0.2, 0.3, 0.5], **change)
    with pytest.raises(UsageError) as error:
        compare(a, b, **SETTINGS)
    problem = error.value.problems[0]
    assert problem.what.startswith(f"these evaluations can't be compared: {reason}")
    assert problem.at == f"{a} and {b}"
    assert problem.fix == "evaluate both with the same settings, or compare the turns they share with --force"
    assert error.value.exit_code == ExitCode.USAGE
    forced = compare(a, b, force=True, **SETTINGS)
    assert "; ".join(forced.forced).startswith(reason)


def test_force_compares_the_shared_turns_alone(evaluation):
    a = evaluation("a", [0.1, 0.2, 0.3, 0.4], corpus={"dist@1": 0.5})
    b = evaluation("b", [0.7, 0.8], corpus={"dist@1": 0.9}, split_fingerprint="other", first_dialogue=1)
    comparison = compare(a, b, force=True, **SETTINGS)
    assert (comparison.turns, comparison.dialogues) == (2, 1)
    assert comparison.metrics["reward"].a == pytest.approx(0.35)
    assert comparison.metrics["reward"].b == 0.75
    assert comparison.skipped == {"dist@1": "it exists only over a whole split"}


def test_no_shared_turn_is_an_error_even_by_force(evaluation):
    a, b = evaluation("a", [0.1]), evaluation("b", [0.1], split_fingerprint="other", first_dialogue=5)
    with pytest.raises(DataError) as error:
        compare(a, b, force=True, **SETTINGS)
    assert error.value.problems[0].what == "no turn is in both evaluations"


def test_a_metric_of_one_side_is_named_as_skipped(evaluation):
    a, b = evaluation("a", [0.1, 0.2], corpus={"dist@2": 0.5}), evaluation("b", [0.1, 0.2])
    assert compare(a, b, **SETTINGS).skipped == {"dist@2": "only one side has it"}


def test_dialogues_most_improved_and_most_harmed(evaluation):
    a = evaluation("a", [0.5] * 14)
    b = evaluation("b", [0.5, 0.9, 0.8, 0.7, 0.65, 0.6, 0.55, 0.5, 0.1, 0.2, 0.3, 0.5, 0.5, 0.5])
    comparison = compare(a, b, names=("before", "after"), **SETTINGS)
    assert [d.b for d in comparison.improved] == [f"b says {n}" for n in (1, 2, 3, 4, 5)]
    assert [d.b for d in comparison.harmed] == [f"b says {n}" for n in (8, 9, 10)]
    assert len({d.example_id for d in comparison.random}) == 5
    shown = comparison.improved[0]
    assert (shown.a, shown.reward_a, shown.reward_b) == ("a says 1", 0.5, 0.9)
    assert shown.context[0].text == "I feel low & like Heat (1995)"
    assert (comparison.a.name, comparison.b.name) == ("before", "after")


def test_json_holds_the_documented_keys_and_comes_back(noisy_pair, tmp_path):
    comparison = compare(*noisy_pair, **SETTINGS)
    document = json.loads(json.dumps(comparison.to_json()))
    assert {"a", "b", "difference", "relative", "interval", "p"} <= document["metrics"]["reward"].keys()
    low, high = document["metrics"]["reward"]["interval"]
    assert low < document["metrics"]["reward"]["difference"] < high
    assert document["metrics"]["dist@1"]["interval"] is None
    assert comparison_from_json(document) == comparison
    path = tmp_path / "comparison.json"
    write_comparison(path, comparison)
    assert read_comparison(path) == comparison


@pytest.mark.parametrize(
    ("text", "what", "line"),
    [
        ('{\n"schema":', "not JSON: Expecting value", 2),
        ('{"schema": 9}', "the comparison is of schema 9; this version reads schema 1", 1),
        ('{"schema": 1}', "a comparison with a wrong or missing field: 'a'", 1),
    ],
)
def test_a_damaged_comparison(tmp_path, text, what, line):
    path = tmp_path / "comparison.json"
    path.write_text(text)
    with pytest.raises(DataError) as error:
        read_comparison(path)
    problem = error.value.problems[0]
    assert (problem.what, problem.at) == (what, f"{path}:{line}")
    assert problem.fix == "remove the file, and type `ecrctl run` again with the same settings"


def test_a_missing_comparison(tmp_path):
    with pytest.raises(DataError, match="there is no comparison here"):
        read_comparison(tmp_path / "comparison.json")


def test_verdicts_say_what_the_interval_says(evaluation):
    low = evaluation("low", [0.1, 0.2] * 10, outside={"other": [0.0, 0.1] * 10})
    high = evaluation("high", [0.4, 0.6] * 10, outside={"other": [0.5, 0.7] * 10})
    alike = evaluation("alike", [0.2, 0.2] * 5 + [0.1, 0.1] * 5)
    better = verdict(compare(low, high, **SETTINGS))
    assert better.startswith("High is better than low at the objective on 20 held-out test turns of 10 dialogues")
    assert "reward 0.500 against 0.150, difference +0.350, 95% interval +0.350 to +0.350, p 0.00" in better
    assert better.endswith("of 1 tested metrics outside the reward: other better.")
    worse = verdict(compare(high, low, **SETTINGS))
    assert worse.startswith("Low is worse than high at the objective")
    assert worse.endswith("of 1 tested metrics outside the reward: other worse.")
    unclear = verdict(compare(low, alike, **SETTINGS))
    assert unclear.startswith("No difference between alike and low is shown at the objective on 20 held-out")
    assert unclear.endswith("no tested metric outside the reward speaks for or against it.")


def with_objective(comparison, **changes):
    """The comparison with other numbers for its objective."""
    reward = replace(comparison.metrics["reward"], **changes)
    return replace(comparison, metrics={**comparison.metrics, "reward": reward})


@pytest.mark.parametrize(
    ("interval", "p", "claim"),
    [
        (Interval(0.001, 0.02), 0.049, "Policy is better than baseline at"),
        (Interval(-0.02, -0.001), 0.049, "Policy is worse than baseline at"),
        (Interval(-0.001, 0.02), 0.2, "No difference between policy and baseline is shown at"),
        (
            Interval(0.001, 0.02),
            0.251,
            "No difference between policy and baseline is shown, since the interval excludes 0 but the p value does "
            "not confirm it, at",
        ),
        (
            Interval(-0.02, -0.001),
            0.06,
            "No difference between policy and baseline is shown, since the interval excludes 0 but the p value does "
            "not confirm it, at",
        ),
        (
            Interval(-0.001, 0.02),
            0.03,
            "No difference between policy and baseline is shown, since the p value is small but the interval includes "
            "0, at",
        ),
    ],
)
def test_a_difference_is_claimed_only_where_interval_and_p_agree(noisy_pair, interval, p, claim):
    comparison = with_objective(compare(*noisy_pair, **SETTINGS), interval=interval, p=p)
    text = verdict(comparison)
    assert text.startswith(f"{claim} the objective on 200 held-out test turns of 100 dialogues (reward ")
    assert f"interval {interval.low:+.3f} to {interval.high:+.3f}, p {p:.3f});" in text


def test_with_nine_dialogues_nothing_is_concluded(evaluation):
    nine = compare(evaluation("a", [0.1, 0.2] * 9), evaluation("b", [0.5, 0.6] * 9), **SETTINGS)
    assert nine.metrics["reward"].p < 0.05 and nine.metrics["reward"].interval.low > 0
    assert verdict(nine).startswith("Nothing can be concluded on 18 held-out test turns of 9 dialogues: ")
    assert "difference +0.400, and 9 are too few dialogues: at least 10 are needed; " in verdict(nine)


def test_too_few_dialogues_are_blamed_only_where_they_are_to_blame(noisy_pair):
    comparison = with_objective(compare(*noisy_pair, **SETTINGS), interval=None, p=None, n=None)
    text = verdict(comparison)
    assert text.startswith("Nothing can be concluded on 200 held-out test turns of 100 dialogues: ")
    assert ", and no interval can be drawn from the turns that have it on both sides; " in text
    assert "too few" not in text


def test_a_metric_whose_interval_includes_zero_has_not_changed(noisy_pair):
    comparison = compare(*noisy_pair, **SETTINGS)
    length = replace(comparison.metrics["length"], p_holm=0.01, difference=0.1)
    for interval, outcome in ((Interval(0.05, 0.2), "length better"), (Interval(-0.05, 0.2), "none changed")):
        metrics = {**comparison.metrics, "length": replace(length, interval=interval)}
        assert f"of 1 tested metrics outside the reward: {outcome}" in verdict(replace(comparison, metrics=metrics))


@pytest.mark.parametrize(
    ("field", "value", "what"),
    [
        ("a", None, "reward: null is not a number"),
        ("difference", "nan", 'reward: "nan" is not a number'),
        ("p", "inf", 'reward: "inf" is not a number'),
        ("interval", [0.1, None], "reward: null is not a number"),
        ("interval", [0.1], "reward: list index out of range"),
    ],
)
def test_a_comparison_with_a_value_that_is_no_number(noisy_pair, tmp_path, field, value, what):
    path = tmp_path / "comparison.json"
    write_comparison(path, compare(*noisy_pair, **SETTINGS))
    raw = json.loads(path.read_text())
    raw["metrics"]["reward"][field] = value
    path.write_text(json.dumps(raw, indent=2))
    line = path.read_text().splitlines().index('    "reward": {') + 1
    with pytest.raises(DataError) as error:
        read_comparison(path)
    problem = error.value.problems[0]
    assert (problem.what, problem.at) == (f"a comparison with a wrong or missing field: {what}", f"{path}:{line}")


def test_a_comparison_with_nan(noisy_pair, tmp_path):
    path = tmp_path / "comparison.json"
    write_comparison(path, compare(*noisy_pair, **SETTINGS))
    path.write_text(path.read_text().replace('"confidence": 0.95', '"confidence": NaN'))
    line = path.read_text().splitlines().index('  "confidence": NaN,') + 1
    with pytest.raises(DataError) as error:
        read_comparison(path)
    assert (error.value.problems[0].what, error.value.problems[0].at) == (
        "NaN is not a finite number",
        f"{path}:{line}",
    )


@pytest.mark.parametrize("sides", [(1e308, 1.2e308), (-1.7e308, 1.7e308), (5e-324, 1.0), (0.1, 1e200)])
def test_extreme_values_warn_nobody_and_come_back_from_the_disk(evaluation, tmp_path, sides):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        a, b = (
            evaluation(name, [value, 0.5] * 12, outside={"other": [0.5, value] * 12})
            for name, value in zip("ab", sides, strict=True)
        )
        comparison = compare(a, b, **SETTINGS)
        verdict(comparison)
        write_comparison(tmp_path / "comparison.json", comparison)
        assert read_comparison(tmp_path / "comparison.json") == comparison
