"""`ecrctl compare`: which evaluations, with whose settings, where the result goes; no number is ever cut."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from synthetic import comparison

from ecr_engine.evaluation.compare import Resampling
from ecr_engine.evaluation.comparison import Line, SideBySide, SideRun
from ecr_engine.evaluation.setting_changes import SettingChange
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

    def address(folder: Path) -> str:
        return f"{folder.parent.parent.name}:{folder.name}"

    def compare_all(sides, resampling, *, names, force):
        folders = ["+".join(map(address, side)) for side in sides]
        found.append({"sides": folders, "resampling": resampling, "force": force})
        first, *others = (
            name or default for name, default in zip(names, ("baseline", "policy", "third"), strict=False)
        )
        return tuple(comparison(first, other) for other in others)

    monkeypatch.setattr("ecr_engine.evaluation.compare.compare_all", compare_all)
    return found


OF_ONE, DEFAULT = (1234, 0.9, 7), (10_000, 0.95, 0)


@pytest.mark.parametrize(
    ("arguments", "sides", "statistics"),
    [
        (["one"], ["one:baseline", "one:policy"], OF_ONE),
        (["one:policy", "one:baseline"], ["one:policy", "one:baseline"], OF_ONE),
        (["one", "--set", "compare.resamples=500"], ["one:baseline", "one:policy"], (500, 0.9, 7)),
        (["one", "--profile", "empathy"], ["one:baseline", "one:policy"], DEFAULT),
        # Of two runs neither has more of a say.
        (["one", "two"], ["one:policy", "two:policy"], DEFAULT),
        (["one/evaluation/baseline", "one"], ["one:baseline", "one:policy"], OF_ONE),
        # Each of the others against the first.
        (["one:baseline", "one", "two"], ["one:baseline", "one:policy", "two:policy"], DEFAULT),
        # Several seeds of a side.
        (["one+two", "two:baseline"], ["one:policy+two:policy", "two:baseline"], DEFAULT),
        (["one:baseline+one", "one"], ["one:baseline+one:policy", "one:policy"], OF_ONE),
        (["one+two"], ["one:baseline+two:baseline", "one:policy+two:policy"], DEFAULT),
        # A plus in the name of a folder is one.
        (["a+b", "one"], ["a+b:policy", "one:policy"], DEFAULT),
    ],
)
def test_what_is_compared_and_with_whose_statistics(ecrctl, runs, asked, arguments, sides, statistics) -> None:
    make_run(runs / "a+b", "policy")
    finished = ecrctl("compare", *arguments)
    assert finished.code == 0, finished.err
    [request] = asked
    assert request["sides"] == sides
    assert request["resampling"] == Resampling(*statistics)
    assert request["force"] is False


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
            ["one+two:policy"],
            2,
            "error: one evaluation alone can't be compared\n"
            "  at   two:policy\n"
            "  fix  ecrctl compare two:baseline two:policy\n",
        ),
        (
            ["one", "two", "three"],
            3,
            "error: there is no run or evaluation 'three'\n  at   three\n  fix  `ecrctl runs list` shows the runs\n",
        ),
        (
            ["one", "--require", "reward"],
            2,
            "error: 'reward' is no gate\n"
            "  at   --require 'reward'\n"
            "  fix  write METRIC[.FIELD]>=NUMBER[%], as in 'bleu@1>=+20%' or 'empathy.p<0.05'\n",
        ),
        (
            ["one", "--json", "--md", "-"],
            2,
            "error: one document at a time fits on stdout\n  at   --json and --md\n  fix  give the others a file\n",
        ),
        (
            ["one", "--csv", "-", "--html", "-"],
            2,
            "error: one document at a time fits on stdout\n  at   --csv and --html\n  fix  give the others a file\n",
        ),
        (
            ["one", "--html", "out/page.html"],
            2,
            "error: there is no folder 'out'\n  at   --html\n  fix  mkdir -p out\n",
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


def test_where_even_that_is_too_wide_columns_go(ecrctl, runs, asked, monkeypatch) -> None:
    shown = {}
    # All numbers are 6, 6 and 7 wide, and a name that folds keeps 8: with 3 gaps that makes 30, without the first 23.
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
        ["metric", "policy", "change"],
        ["reward", "*", "0.7500", "+0.2500"],
        ["slot_f1", "0.2500", "0"],
        ["dist@2", "1.500", "+1.500"],
    ]
    assert shown[27] == shown[28]
    assert shown[20][:2] == [["metric", "change"], ["reward", "*", "+0.2500"]]


def test_a_gate_that_is_not_met_ends_with_4_after_the_result(ecrctl, runs, asked) -> None:
    gates = ("--require", "reward>=0.7", "--require", "slot_f1>=+5%", "--require", "dist@2.p<0.05")
    finished = ecrctl("compare", "one", *gates)
    assert finished.code == 4
    assert finished.err == (
        "error: the relative difference of slot_f1 is +0 %, and at least +5 % is required\n"
        "  at   --require 'slot_f1>=+5%'\n"
        "  fix  see which turns got worse with --dialogues, or ask for less\n"
        "error: there is no p of dist@2\n"
        "  at   --require 'dist@2.p<0.05'\n"
        "  fix  see which turns got worse with --dialogues, or ask for less\n"
    )
    assert finished.out.splitlines()[-1] == "met: reward>=0.7 (reward of policy is 0.75, and at least 0.7 is required)"
    document = json.loads(ecrctl("compare", "one", "--json", *gates).out)
    assert [(gate["gate"], gate["met"], gate["value"]) for gate in document["gates"]] == [
        ("reward>=0.7", True, 0.75),
        ("slot_f1>=+5%", False, 0.0),
        ("dist@2.p<0.05", False, None),
    ]


def test_gates_that_are_met_end_with_0(ecrctl, runs, asked) -> None:
    assert ecrctl("compare", "one", "--require", "reward>=+50%", "--require", "reward.holm<0.01").code == 0


def test_a_wrong_metric_in_a_gate(ecrctl, runs, asked) -> None:
    finished = ecrctl("compare", "one", "--require", "slot_f>=0.1")
    assert (finished.code, finished.out) == (2, "")
    assert finished.err == (
        "error: unknown metric 'slot_f'\n  at   --require 'slot_f>=0.1'\n  fix  did you mean 'slot_f1'?\n"
    )


def test_where_documents_go(ecrctl, runs, asked, tmp_path) -> None:
    finished = ecrctl("compare", "one", "--md", "a.md", "--csv", "a.csv", "--html", "a.html")
    assert finished.code == 0, finished.err
    assert finished.out.startswith("metric")
    assert (tmp_path / "a.md").read_text().startswith("# policy against baseline\n")
    assert (tmp_path / "a.csv").read_text().splitlines()[1].startswith("baseline,policy,reward,0.5,0.75,0.25,0.5,")
    assert (tmp_path / "a.html").read_text().startswith("<!DOCTYPE html>")
    for flag, suffix in (("--md", "md"), ("--csv", "csv"), ("--html", "html")):
        assert ecrctl("compare", "one", flag, "-").out == (tmp_path / f"a.{suffix}").read_text()
    both = ecrctl("compare", "one", "--json", "--md", "b.md")
    assert json.loads(both.out)["metrics"]["reward"]["difference"] == 0.25
    assert (tmp_path / "b.md").read_text() == (tmp_path / "a.md").read_text()


def test_json_of_more_than_two_sides_holds_them_all(ecrctl, runs, asked) -> None:
    two = json.loads(ecrctl("compare", "one:baseline", "one", "--json").out)
    assert "comparisons" not in two and "gates" not in two
    three = json.loads(ecrctl("compare", "one:baseline", "one", "two", "--json").out)
    assert three["metrics"] == two["metrics"]
    assert [(each["a"]["name"], each["b"]["name"]) for each in three["comparisons"]] == [
        ("one:baseline", "one"),
        ("one:baseline", "two"),
    ]


def test_more_than_two_sides_have_a_table_each(ecrctl, runs, asked) -> None:
    lines = ecrctl("compare", "one:baseline", "one", "two").out.splitlines()
    heads = [line for line in lines if line.endswith(" against one:baseline")]
    assert heads == ["one against one:baseline", "two against one:baseline"]
    assert sum(line.startswith("metric") for line in lines) == 2


def test_what_stands_under_the_table(ecrctl, runs, monkeypatch) -> None:
    line = Line("seeker", "I feel\nlow")
    shown = SideBySide("7:3", (line,), "Oh no.", "Hi.", "", 0.25, 0.5)
    made = comparison()
    runs_of = (SideRun("x", "c", 1), SideRun("y", "c", 2))
    metrics = {
        "bleu@1": replace(made.metrics["reward"], metric="bleu@1", expected=0.2, runs_a=(0.4, 0.6), runs_b=(0.75,)),
    }
    made = replace(
        made,
        a=replace(made.a, runs=runs_of),
        metrics=metrics,
        improved=(shown,),
        settings=tuple(SettingChange(f"ppo.s{n}", "4", "2") for n in range(14)),
    )
    monkeypatch.setattr("ecr_engine.evaluation.compare.compare_all", lambda *_, **__: (made,))
    lines = ecrctl("compare", "one", "--dialogues").out.splitlines()
    assert "the guide expects bleu@1 +20 % (got +50.0 %)" in lines
    assert "length: not compared, only one side has it" in lines
    assert ["by", "seed", "baseline", "policy"] in [line.split() for line in lines]
    assert ["bleu@1", "0.4000", "0.6000", "0.7500"] in [line.split() for line in lines]
    assert ["ppo.s11", "4", "2"] in [line.split() for line in lines]
    assert "and 2 more, which --json and --md name" in lines
    place = lines.index("most improved: 7:3")
    assert lines[place + 1 :] == [
        "seeker    I feel low",
        "human     Oh no.",
        "baseline  [0.2500] Hi.",
        "policy    [0.5000]",
    ]
    assert "most improved: 7:3" not in ecrctl("compare", "one").out.splitlines()
