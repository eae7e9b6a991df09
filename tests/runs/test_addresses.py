"""Addresses of checkpoints and evaluations."""

import re
import shutil

import pytest

from ecr_engine.errors import DataError, EcrError, UsageError
from ecr_engine.runs.addresses import resolve_checkpoint, resolve_evaluation
from ecr_engine.runs.checkpoints import save_checkpoint
from ecr_engine.runs.folder import RunFolder
from ecr_engine.runs.record import RunRecord

RECORD = RunRecord(("ecrctl",), 0, None, {}, {}, None, (), 0.0)


@pytest.fixture
def demo(tmp_path, monkeypatch):
    """A run at `runs/demo` with a baseline (best: 100) and a policy (best: 300) but no critic, both evaluated."""
    monkeypatch.chdir(tmp_path)
    run = RunFolder(tmp_path / "runs" / "demo")
    run.create()
    run.write_record(RECORD)
    for stage, steps, chosen in (("baseline", (100, 200), 100), ("policy", (200, 300, 400), 300)):
        for step in steps:
            save_checkpoint(
                run.stage(stage),
                step,
                lambda folder: (folder / "a.json").write_text("{}"),
                metrics={},
                best=step == chosen,
                keep_last=9,
            )
        run.evaluation(stage).mkdir(parents=True)
        (run.evaluation(stage) / "results.json").write_text("{}")
    return run


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("runs/demo", "policy/checkpoints/step-000300"),
        ("runs/demo/", "policy/checkpoints/step-000300"),
        ("runs/demo:policy", "policy/checkpoints/step-000300"),
        ("runs/demo:policy@latest", "policy/checkpoints/step-000400"),
        ("runs/demo:policy@best", "policy/checkpoints/step-000300"),
        ("runs/demo:policy@step-000200", "policy/checkpoints/step-000200"),
        ("runs/demo:baseline", "baseline/checkpoints/step-000100"),
        ("runs/demo:baseline@latest", "baseline/checkpoints/step-000200"),
        ("runs/demo/policy/checkpoints/step-000200", "policy/checkpoints/step-000200"),
        ("runs/demo/policy/best", "policy/checkpoints/step-000300"),
    ],
)
def test_checkpoints(demo, address, expected):
    assert resolve_checkpoint(address).resolve() == demo.root / expected


def test_a_lost_link_costs_nothing(demo):
    (demo.root / "baseline" / "best").unlink()
    assert resolve_checkpoint("runs/demo:baseline").name == "step-000100"
    assert resolve_checkpoint("runs/demo:baseline@best").name == "step-000100"


def test_a_baseline_without_a_best_is_its_latest(demo):
    shutil.rmtree(demo.root / "baseline" / "checkpoints" / "step-000100")
    assert resolve_checkpoint("runs/demo:baseline").name == "step-000200"


def test_a_folder_name_with_a_colon(demo):
    demo.root.rename(demo.root.parent / "a:b")
    assert resolve_checkpoint("runs/a:b:baseline").name == "step-000100"
    assert resolve_checkpoint("runs/a:b").name == "step-000300"


@pytest.mark.parametrize(
    ("address", "kind", "what", "fix"),
    [
        ("runs/dmo", DataError, "there is no run or checkpoint 'runs/dmo'", "did you mean 'runs/demo'?"),
        ("dmo", DataError, "there is no run or checkpoint 'dmo'", "did you mean 'runs/demo'?"),
        ("runs/dmo:policy@best", DataError, "there is no run 'runs/dmo'", "did you mean 'runs/demo:policy@best'?"),
        ("runs/other", DataError, "there is no run or checkpoint 'runs/other'", "`ecrctl runs list` shows the runs"),
        (
            "runs/demo@best",
            DataError,
            "there is no run or checkpoint 'runs/demo@best'",
            "did you mean 'runs/demo:policy@best'?",
        ),
        ("", UsageError, "an empty address names nothing", "name a run, such as runs/demo"),
        ("runs/demo:", UsageError, "'runs/demo:' names nothing after ':'", "did you mean 'runs/demo:policy'?"),
        (
            "runs/demo:@best",
            UsageError,
            "'runs/demo:@best' names nothing between ':' and '@'",
            "did you mean 'runs/demo:policy@best'?",
        ),
        (
            "runs/demo/policy/checkpoints",
            DataError,
            "'runs/demo/policy/checkpoints' is neither a run nor a folder of one checkpoint",
            "runs/demo:policy",
        ),
        (
            "runs/demo/policy/checkpoints/lost",
            DataError,
            "'runs/demo/policy/checkpoints/lost' is neither a run nor a folder of one checkpoint",
            "see what is wrong with it: ecrctl checkpoint verify runs/demo/policy/checkpoints/lost",
        ),
        ("runs/demo:critic", DataError, "runs/demo has no critic", "it has: baseline, policy"),
        ("runs/demo:polcy", UsageError, "unknown stage 'polcy'", "did you mean 'policy'?"),
        (
            "runs/demo:baseline@step-000300",
            DataError,
            "runs/demo/baseline has no checkpoint of step 300",
            "it has: latest, best, step-000100, step-000200",
        ),
        (
            "runs/demo:policy@first",
            UsageError,
            "unknown checkpoint '@first'",
            "@latest, @best or a step; it has: latest, best, step-000200, step-000300, step-000400",
        ),
        (
            "runs/demo/policy",
            DataError,
            "'runs/demo/policy' is neither a run nor a folder of one checkpoint",
            "runs/demo:policy",
        ),
        (
            "runs",
            DataError,
            "'runs' is neither a run nor a folder of one checkpoint",
            "`ecrctl runs list` shows the runs",
        ),
    ],
)
def test_what_is_not_there(demo, address, kind, what, fix):
    (demo.stage("policy") / "checkpoints" / "lost").mkdir()
    with pytest.raises(EcrError, match=re.escape(what)) as caught:
        resolve_checkpoint(address)
    assert type(caught.value) is kind
    assert caught.value.problems[0].fix == fix


def test_a_run_before_any_training(tmp_path):
    run = RunFolder(tmp_path)
    run.write_record(RECORD)
    with pytest.raises(DataError, match=f"{tmp_path} has no policy") as caught:
        resolve_checkpoint(str(tmp_path))
    assert caught.value.problems[0].fix == f"nothing is trained in it yet; how it stands: ecrctl runs show {tmp_path}"
    with pytest.raises(DataError, match=f"{tmp_path} has no evaluation 'policy'") as caught:
        resolve_evaluation(str(tmp_path))
    assert caught.value.problems[0].fix == f"nothing is trained in it yet; how it stands: ecrctl runs show {tmp_path}"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("runs/demo", "policy"),
        ("runs/demo:policy", "policy"),
        ("runs/demo:baseline", "baseline"),
        ("runs/demo/evaluation/baseline", "baseline"),
    ],
)
def test_evaluations(demo, address, expected):
    assert resolve_evaluation(address).resolve() == demo.root / "evaluation" / expected


def test_an_evaluation_that_is_not_there(demo):
    with pytest.raises(DataError, match="runs/demo has no evaluation 'human'") as caught:
        resolve_evaluation("runs/demo:human")
    assert caught.value.problems[0].fix == "it has: baseline, policy"
    with pytest.raises(DataError, match="there is no run or evaluation 'nowhere'"):
        resolve_evaluation("nowhere")
