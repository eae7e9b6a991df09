"""What to type next, as the end of a stage that somebody runs alone says it: a command that can be pasted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ecr_engine.evaluation.statistics import Interval
from ecr_engine.evaluation.store import EvaluationResult
from ecr_engine.evaluation.values import MetricValue
from ecr_engine.scoring.tally import JobSummary
from ecrctl.ui.evaluation_view import show_evaluation, show_generation
from ecrctl.ui.score_view import show_summary

METRIC = MetricValue(0.25, Interval(0.125, 0.5), True, 0.0, 1.0, True, "")
RESULT = EvaluationResult(1, "policy", "c", "test", "", "", 24, {}, 0, {"reward": METRIC}, 61.0)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")


def last_fact(capsys) -> list[str]:
    return capsys.readouterr().out.splitlines()[-1].split(maxsplit=1)


def evaluated(name: str) -> Path:
    folder = Path("my runs/demo/evaluation") / name
    folder.mkdir(parents=True)
    (folder / "results.json").write_text("{}")
    return folder


def test_an_evaluation_is_compared_with_the_baseline_of_its_run(capsys) -> None:
    evaluated("baseline")
    show_evaluation(evaluated("policy"), RESULT, as_json=False)
    command = "ecrctl compare 'my runs/demo/evaluation/baseline' 'my runs/demo/evaluation/policy'"
    assert last_fact(capsys) == ["next", command]


@pytest.mark.parametrize("name", ["baseline", "policy"])
def test_what_has_nothing_to_be_compared_with_names_nothing(capsys, name) -> None:
    show_evaluation(evaluated(name), RESULT, as_json=False)
    assert last_fact(capsys) == ["written", f"my runs/demo/evaluation/{name}"]


def test_answers_are_measured(capsys) -> None:
    show_generation(Path("my answers"), RESULT, as_json=False)
    assert last_fact(capsys) == ["measure", "ecrctl eval rescore 'my answers'"]


@pytest.mark.parametrize("failed", [0, 2])
def test_scores_are_looked_at_and_failures_judged_again(capsys, failed) -> None:
    kinds = {"no answer": failed} if failed else {}
    counts = {"rows": 5, "scored": 5 - failed, "failed": failed, "kept": 0, "cached": 0, "asked": 5}
    summary = JobSummary(
        Path("my scores.jsonl"), "rubric", "guide", means={"empathy": 0.5}, failures=kinds, turns_cut=0,
        seconds=1.0, rows_per_s=5.0, **counts,
    )  # fmt: skip
    show_summary(summary, {}, as_json=False)
    lines = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    assert lines[-1] == ["next", "ecrctl score report 'my scores.jsonl'"]
    again = ["again", "ecrctl score run … --output 'my scores.jsonl' --retry-failures"]
    assert (again in lines) == bool(failed)


@pytest.mark.parametrize(
    ("content", "mode"),
    [("machine api.wandb.ai login user password 0123\n", "online"), ("api.wandb.ai 0123\n", "offline")],
    ids=["key", "not-a-netrc"],
)
def test_use_wandb_looks_where_wandb_itself_looks(ecrctl, monkeypatch, tmp_path, content, mode) -> None:
    (tmp_path / "elsewhere").write_text(content, encoding="utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE", "WANDB_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    found = ecrctl("rl", "train", "--use-wandb", "--dry-run", "--json")
    assert json.loads(found.out)["settings"]["tracking"]["wandb"] == mode


@pytest.mark.parametrize("name", ["../policy", "a/b", ".."])
def test_the_name_of_an_evaluation_is_no_path(ecrctl, tmp_path, name) -> None:
    from ecr_engine.runs.checkpoints import save_checkpoint
    from ecr_engine.runs.folder import RunFolder
    from ecr_engine.runs.record import RunRecord

    run = RunFolder(tmp_path / "demo")
    run.create()
    run.resolved_config.write_text("seed = 7\n", encoding="utf-8")
    run.write_record(RunRecord(("ecrctl", "run"), 7, None, {}, {}, None, (), started=1.0))
    save_checkpoint(
        run.stage("policy"), 10, lambda folder: (folder / "w.json").write_text("[]"), metrics={}, best=True, keep_last=1
    )
    found = ecrctl("eval", "run", "demo", "--name", name)
    assert (found.code, found.err) == (
        2,
        f"error: the name of an evaluation is that of its folder, and no path\n  at   --name {name}\n"
        "  fix  leave the slashes out, or say where it goes: --output-dir DIR\n",
    )
