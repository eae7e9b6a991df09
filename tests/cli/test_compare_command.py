"""`ecrctl compare`: which two evaluations, with whose settings, and a table that never cuts a number."""

from __future__ import annotations

from pathlib import Path

import pytest
from synthetic import comparison

from ecr_engine.runs.checkpoints import save_checkpoint
from ecr_engine.runs.folder import RunFolder
from ecr_engine.runs.record import RunRecord


def write(folder: Path) -> None:
    (folder / "weights.json").write_text("[]", encoding="utf-8")


def make_run(root: Path, *evaluations: str) -> RunFolder:
    """A run whose policy has a checkpoint, with settings of its own."""
    run = RunFolder(root)
    run.create()
    run.resolved_config.write_text("seed = 7\n[compare]\nresamples = 1234\nconfidence = 0.9\n", encoding="utf-8")
    run.write_record(RunRecord(("ecrctl", "run"), 7, None, {}, {}, None, (), started=1.0))
    for stage in ("policy", "critic"):
        save_checkpoint(run.stage(stage), 10, write, metrics={}, best=True, keep_last=2)
    for name in evaluations:
        run.evaluation(name).mkdir()
        (run.evaluation(name) / "results.json").write_text("{}", encoding="utf-8")
    return run


@pytest.fixture
def runs(tmp_path) -> Path:
    """Two runs that were evaluated."""
    make_run(tmp_path / "one", "baseline", "policy")
    make_run(tmp_path / "two", "baseline", "policy")
    return tmp_path


@pytest.fixture
def asked(monkeypatch) -> list[dict]:
    """What the engine is asked for."""
    found: list[dict] = []

    def compare(a, b, **options):
        found.append({"a": a.parent.parent.name + ":" + a.name, "b": b.parent.parent.name + ":" + b.name, **options})
        return comparison(*(options["names"] or ("baseline", "policy")))

    monkeypatch.setattr("ecr_engine.evaluation.compare.compare", compare)
    return found


@pytest.mark.parametrize(
    ("arguments", "a", "b", "statistics"),
    [
        (["one"], "one:baseline", "one:policy", (1234, 0.9, 7)),
        (["one:policy", "one:baseline"], "one:policy", "one:baseline", (1234, 0.9, 7)),
        (["one", "--set", "compare.resamples=500"], "one:baseline", "one:policy", (500, 0.9, 7)),
        (["one", "--profile", "empathy"], "one:baseline", "one:policy", (10_000, 0.95, 0)),
        # Of two runs neither has more of a say.
        (["one", "two"], "one:policy", "two:policy", (10_000, 0.95, 0)),
        (["one/evaluation/baseline", "one"], "one:baseline", "one:policy", (1234, 0.9, 7)),
    ],
)
def test_what_is_compared_and_with_whose_statistics(ecrctl, runs, asked, arguments, a, b, statistics) -> None:
    finished = ecrctl("compare", *arguments)
    assert finished.code == 0, finished.err
    [request] = asked
    assert (request["a"], request["b"]) == (a, b)
    assert (request["resamples"], request["confidence"], request["seed"]) == statistics


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (
            ["one:policy@best"],
            3,
            "error: one has no evaluation 'policy@best'\n"
            "  at   one:policy@best\n"
            "  fix  it has: baseline, policy; make this one: ecrctl eval run one:policy@best\n",
        ),
        (
            ["one:baseline", "one:policy@step-000010"],
            3,
            "error: one has no evaluation 'policy@step-000010'\n"
            "  at   one:policy@step-000010\n"
            "  fix  it has: baseline, policy; make this one: ecrctl eval run one:policy@step-000010\n",
        ),
        # A critic answers nothing, and there is no such stage as "polisy": neither can be evaluated.
        (
            ["one:critic"],
            3,
            "error: one has no evaluation 'critic'\n  at   one:critic\n  fix  it has: baseline, policy\n",
        ),
        (
            ["one:polisy"],
            3,
            "error: one has no evaluation 'polisy'\n  at   one:polisy\n  fix  it has: baseline, policy\n",
        ),
        (
            ["one:baseline"],
            2,
            "error: one evaluation alone can't be compared\n"
            "  at   one:baseline\n"
            "  fix  ecrctl compare one:policy one:baseline\n",
        ),
        (
            ["one:policy"],
            2,
            "error: one evaluation alone can't be compared\n"
            "  at   one:policy\n"
            "  fix  ecrctl compare one:baseline one:policy\n",
        ),
        (
            ["one", "two", "three"],
            2,
            "error: 3 results are named, and two are compared at a time\n"
            "  at   ecrctl compare one two three\n"
            "  fix  ecrctl compare one two\n",
        ),
    ],
)
def test_what_can_not_be_compared(ecrctl, runs, asked, arguments, code, text) -> None:
    finished = ecrctl("compare", *arguments)
    assert (finished.code, finished.err, finished.out) == (code, text, "")
    assert asked == []


def test_a_narrow_table_cuts_names_with_a_mark_and_no_number(ecrctl, runs, asked, monkeypatch) -> None:
    for name in ("a-rather-long-name", "another-long-name"):
        make_run(runs / name, "policy")
    monkeypatch.setenv("COLUMNS", "40")
    lines = ecrctl("compare", "a-rather-long-name", "another-long-name").out.splitlines()
    assert [line.split() for line in lines[:4]] == [
        ["metric", "a-rat…", "anoth…", "change"],
        ["reward", "*", "0.5000", "0.7500", "+0.2500"],
        ["slot_f1", "0.2500", "0.2500", "0"],
        ["dist@2", "0", "1.500", "+1.500"],
    ]


def test_where_even_that_is_too_wide_the_name_folds_and_then_columns_go(ecrctl, runs, asked, monkeypatch) -> None:
    shown = {}
    # All numbers are 6, 6 and 7 wide: with "metric" over a folded name and 3 gaps that makes 28, without the first 21.
    for columns in (30, 28, 27, 20):
        monkeypatch.setenv("COLUMNS", str(columns))
        lines = ecrctl("compare", "one").out.splitlines()
        table = lines[: next(n for n, line in enumerate(lines) if "the reward" in line)]
        assert max(len(line.rstrip()) for line in table) <= columns
        shown[columns] = [line.split() for line in table]
    assert shown[30] == [
        ["metric", "basel…", "policy", "change"],
        ["reward", "*", "0.5000", "0.7500", "+0.2500"],
        ["slot_f1", "0.2500", "0.2500", "0"],
        ["dist@2", "0", "1.500", "+1.500"],
    ]
    assert shown[28] == [
        ["metric", "basel…", "policy", "change"],
        ["reward", "0.5000", "0.7500", "+0.2500"],
        ["*"],
        ["slot_f", "0.2500", "0.2500", "0"],
        ["1"],
        ["dist@2", "0", "1.500", "+1.500"],
    ]
    assert shown[27][:2] == [["metric", "policy", "change"], ["reward", "*", "0.7500", "+0.2500"]]
    assert shown[20][:2] == [["metric", "change"], ["reward", "*", "+0.2500"]]
