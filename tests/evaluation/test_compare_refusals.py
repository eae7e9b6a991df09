"""What can't be compared, what is left out with its reason, and odd evaluations that have a defined result."""

from __future__ import annotations

import json

import pytest
from sides import result, samples, turns, value, write_measured

from ecr_engine.errors import DataError, ExitCode, UsageError
from ecr_engine.evaluation.compare import compare
from ecr_engine.evaluation.store import write_evaluation
from ecr_engine.evaluation.verdict import verdict

SETTINGS = {"resamples": 500, "confidence": 0.95, "seed": 0}
METRICS = ("bleu_1", "dist_1", "distinct_1", "slot_f1", "length")


def change(folder, edit):
    """Rewrites `results.json`."""
    path = folder / "results.json"
    raw = json.loads(path.read_text())
    edit(raw)
    path.write_text(json.dumps(raw, indent=2))


def judged(tmp_path, name, fingerprint):
    said = samples(turns(20), ["hello there"] * 20)
    judge = {"name": "rubric", "fingerprint": fingerprint, "dimensions": "guide", "turns": 20}
    made = result(name, {"judge/overall": value(0.5)}, 20, judge=judge)
    write_evaluation(tmp_path / name, made, said, {"judge/overall": [0.5] * 20})
    return tmp_path / name


def test_scores_of_different_judges_are_refused_unless_forced(tmp_path):
    a, b = judged(tmp_path, "a", "11112222aaaa"), judged(tmp_path, "b", "33334444bbbb")
    with pytest.raises(UsageError) as error:
        compare(a, b, **SETTINGS)
    [problem] = error.value.problems
    assert (
        problem.what == "these evaluations can't be compared: their judges differ (rubric 11112222 and rubric 33334444)"
    )
    assert problem.fix == "evaluate both with the same settings, or compare the turns they share with --force"
    assert compare(a, b, force=True, **SETTINGS).forced == (
        "their judges differ (rubric 11112222 and rubric 33334444)",
    )
    assert compare(a, judged(tmp_path, "c", "11112222aaaa"), **SETTINGS).metrics["judge/overall"].difference == 0.0


def test_a_judge_of_one_side_alone_is_no_reason_to_refuse(tmp_path):
    a = judged(tmp_path, "a", "1")
    b = write_measured(tmp_path / "b", samples(turns(20), ["hello there"] * 20), ["length"])
    assert compare(a, b, **SETTINGS).skipped == {
        "judge/overall": "only one side has it",
        "length": "only one side has it",
    }


def test_layouts_of_another_version_are_refused_unless_forced(evaluation):
    a, b = evaluation("a", [0.1, 0.2]), evaluation("b", [0.2, 0.3])
    change(b, lambda raw: raw.update(schema=2, novelty="what a later version says"))
    with pytest.raises(DataError) as error:
        compare(a, b, **SETTINGS)
    [problem] = error.value.problems
    assert problem.what == "the evaluation is of schema 2; this version reads schema 1"
    assert problem.at == f"{b / 'results.json'}:1"
    assert problem.fix == "evaluate again: ecrctl eval run RUN; `ecrctl compare --force` reads it as far as it can"
    forced = compare(a, b, force=True, **SETTINGS)
    assert forced.forced == ("b is of schema 2, and this version knows schema 1",)
    assert forced.metrics["reward"].difference == pytest.approx(0.1)


def test_a_layout_that_can_not_be_read_even_by_force(evaluation):
    a, b = evaluation("a", [0.1, 0.2]), evaluation("b", [0.2, 0.3])
    change(b, lambda raw: (raw.update(schema=2), raw.pop("metrics")))
    with pytest.raises(DataError) as error:
        compare(a, b, force=True, **SETTINGS)
    assert error.value.problems[0].what == "a results file with a wrong or missing field: 'metrics'"
    change(b, lambda raw: raw.update(schema="two"))
    with pytest.raises(DataError, match="the evaluation is of schema 'two'; this version reads schema 1"):
        compare(a, b, force=True, **SETTINGS)


def test_rewards_with_other_weights_are_not_compared(evaluation):
    a, b = evaluation("a", [0.1, 0.2]), evaluation("b", [0.2, 0.3])
    change(b, lambda raw: raw["metrics"]["reward"].update(explanation="The composite reward; weights: bleu 2."))
    found = compare(a, b, **SETTINGS)
    assert found.skipped == {
        "reward": "the two sides weigh it differently; to measure both alike: ecrctl eval rescore RUN"
    }
    assert verdict(found) == "No verdict: the two evaluations share no objective (reward)."


def test_a_metric_that_failed_says_why_it_is_left_out(evaluation):
    a, b = evaluation("a", [0.1, 0.2], outside={"length": [3.0, 4.0]}), evaluation("b", [0.2, 0.3])
    change(b, lambda raw: raw.update(failed={"length": "ValueError: no ruler"}))
    assert compare(a, b, **SETTINGS).skipped == {"length": "it failed for b: ValueError: no ruler"}
    change(a, lambda raw: (raw["metrics"].pop("length"), raw.update(failed={"length": "KeyError: 'ruler'"})))
    assert compare(a, b, **SETTINGS).skipped == {"length": "it failed for a: KeyError: 'ruler'"}


def test_a_torn_line_is_an_error_with_its_place(evaluation):
    a, b = evaluation("a", [0.1, 0.2, 0.3]), evaluation("b", [0.2, 0.3, 0.4])
    lines = (b / "samples.jsonl").read_bytes().splitlines(keepends=True)
    (b / "samples.jsonl").write_bytes(lines[0] + lines[1] + lines[2][: len(lines[2]) // 2])
    with pytest.raises(DataError) as error:
        compare(a, b, **SETTINGS)
    [problem] = error.value.problems
    assert problem.what.startswith("a torn line, not JSON: ")
    assert (problem.at, problem.fix) == (f"{b / 'samples.jsonl'}:3", "evaluate again: ecrctl eval run RUN")
    assert error.value.exit_code == ExitCode.DATA == 3


def test_responses_that_are_all_empty(tmp_path):
    examples = turns(30)
    a = write_measured(tmp_path / "a", samples(examples, ["you like it"] * 30), METRICS)
    b = write_measured(tmp_path / "b", samples(examples, [""] * 30), METRICS)
    found = compare(a, b, **SETTINGS).metrics
    assert (found["dist@1"].a, found["dist@1"].b) == (pytest.approx(3 / 30), 0.0)
    assert (found["bleu@1"].b, found["length"].b, found["length"].relative) == (0.0, 0.0, -1.0)
    assert (found["length"].interval.low, found["length"].interval.high) == (-3.0, -3.0)
    both = compare(b, b, **SETTINGS).metrics
    assert all((metric.difference, metric.p) == (0.0, 1.0) for metric in both.values())


def test_references_that_are_all_missing(tmp_path):
    from dataclasses import replace

    examples = [replace(example, target="") for example in turns(30)]
    a = write_measured(tmp_path / "a", samples(examples, ["you like it"] * 30), METRICS)
    found = compare(a, a, **SETTINGS)
    reason = "no turn has a value on both sides"
    assert {key: found.skipped.get(key) for key in ("bleu@1", "slot_f1")} == {"bleu@1": reason, "slot_f1": reason}
    assert set(found.metrics) == {"dist@1", "distinct@1", "length"}


def test_scores_that_are_all_equal(evaluation):
    a, b = evaluation("a", [0.5] * 24), evaluation("b", [0.75] * 24)
    reward = compare(a, b, **SETTINGS).metrics["reward"]
    assert (reward.difference, reward.interval.low, reward.interval.high) == (0.25, 0.25, 0.25)
    assert reward.effect is None
    # 12 dialogues that all gained: 2 of 4096 exchanges are as extreme.
    assert reward.p < 0.01
    same = compare(a, a, **SETTINGS).metrics["reward"]
    assert (same.interval.low, same.interval.high, same.p, same.effect) == (0.0, 0.0, 1.0, None)


def test_a_split_with_one_turn(tmp_path):
    examples = turns(1)
    a = write_measured(tmp_path / "a", samples(examples, ["you like it"]), METRICS)
    b = write_measured(tmp_path / "b", samples(examples, ["you"]), METRICS)
    found = compare(a, b, **SETTINGS)
    assert (found.turns, found.dialogues) == (1, 1)
    assert {key: metric.interval for key, metric in found.metrics.items()} == dict.fromkeys(found.metrics)
    assert (found.metrics["length"].difference, found.metrics["dist@1"].difference) == (-2.0, -2.0)
    assert {(metric.method, metric.p) for metric in found.metrics.values()} == {("none", None)}


def test_settings_that_differ_between_the_runs(tmp_path):
    folders = {}
    for name, settings in (
        ("one", 'seed = 1\nquiet = true\n[ppo]\nepochs = 4\nname = "x"\n'),
        ("two", 'seed = 2\nquiet = true\n[ppo]\nepochs = 2\nname = "x"\nextra = 1\n'),
        ("three", 'seed = 3\nquiet = true\n[ppo]\nepochs = 4\nname = "x"\n'),
    ):
        folders[name] = tmp_path / name / "evaluation" / "policy"
        folders[name].parent.mkdir(parents=True)
        write_measured(folders[name], samples(turns(6), ["you like it"] * 6), ["length"])
        (tmp_path / name / "config.resolved.toml").write_text(settings)
    found = compare(folders["one"], folders["two"], **SETTINGS)
    told = [(one.name, one.a, one.b) for one in found.settings]
    assert told == [("seed", "1", "2"), ("ppo.epochs", "4", "2"), ("ppo.extra", "not set", "1")]
    from ecr_engine.evaluation.setting_changes import setting_changes

    seeds = setting_changes([folders["one"], folders["three"]], [folders["two"]])
    assert [(one.name, one.a, one.b) for one in seeds][:2] == [("seed", "1, 3", "2"), ("ppo.epochs", "4", "2")]
    assert compare(folders["one"], folders["one"], **SETTINGS).settings == ()
    (tmp_path / "two" / "config.resolved.toml").write_text("seed = \n")
    with pytest.raises(DataError, match="the settings can't be read: ") as error:
        compare(folders["one"], folders["two"], **SETTINGS)
    assert error.value.problems[0].at == str(tmp_path / "two" / "config.resolved.toml")


def test_what_the_guide_expects_stands_beside_what_was_found(evaluation):
    keys = ("bleu@1", "bleu@2", "dist@1", "reward/empathy", "reward/recommendation", "dist@2", "empathy")
    a, b = (evaluation(name, [0.1, 0.2], corpus=dict.fromkeys(keys, 0.4)) for name in "ab")
    found = compare(a, b, **SETTINGS).metrics
    assert {key: found[key].expected for key in found} == {
        "reward": None,
        "bleu@1": 0.20,
        "bleu@2": 0.37,
        "dist@1": 0.25,
        "reward/empathy": 0.20,
        "reward/recommendation": 0.17,
        "dist@2": None,
        "empathy": None,
    }
