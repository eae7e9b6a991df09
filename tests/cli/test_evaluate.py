"""`ecrctl eval run`: which checkpoint, which turns, where to; the engine's part is stood in for."""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path

import pytest

from ecr_engine.evaluation.statistics import Interval
from ecr_engine.evaluation.store import EvaluationResult
from ecr_engine.evaluation.values import MetricValue
from ecr_engine.runs.checkpoints import save_checkpoint
from ecr_engine.runs.folder import RunFolder
from ecr_engine.runs.record import RunRecord

RESULT = EvaluationResult(
    schema=1,
    name="policy",
    checkpoint="policy/checkpoints/step-000010",
    split="test",
    split_fingerprint="",
    prompt_fingerprint="",
    turns=24,
    decoding={},
    seed=0,
    metrics={
        "reward": MetricValue(0.25, Interval(0.125, 0.5), True, 0.0, 1.0, True, ""),
        "length": MetricValue(12.5, None, None, 0.0, 99.0, False, ""),
    },
    seconds=61.0,
)


@pytest.fixture
def asked(monkeypatch) -> list[dict]:
    """What the engine is asked for."""
    found: list[dict] = []

    def evaluate_checkpoint(checkpoint, turns, output, settings, **options):
        found.append({"checkpoint": checkpoint, "turns": turns, "output": output, "settings": settings, **options})
        options["emit"]("evaluate", "progress", done=24, total=24, what="turns")
        return RESULT

    module = types.ModuleType("ecr_engine.pipeline.stages.evaluate")
    module.evaluate_checkpoint = evaluate_checkpoint
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return found


def write(folder: Path) -> None:
    (folder / "weights.json").write_text("[]", encoding="utf-8")


@pytest.fixture
def run(tmp_path) -> RunFolder:
    folder = RunFolder(tmp_path / "demo")
    folder.create()
    folder.resolved_config.write_text("[evaluation]\nlimit = 30\ntop_p = 0.9\n", encoding="utf-8")
    folder.write_record(RunRecord(("ecrctl", "run"), 0, None, {}, {}, None, (), started=1.0))
    save_checkpoint(folder.stage("baseline"), 40, write, metrics={}, best=True, keep_last=2)
    save_checkpoint(folder.stage("policy"), 10, write, metrics={}, best=True, keep_last=2)
    return folder


def test_a_run_with_its_own_settings_turns_and_place(ecrctl, run, asked) -> None:
    finished = ecrctl("eval", "run", "demo")
    assert finished.code == 0, finished.err
    [request] = asked
    assert request["checkpoint"].resolve() == (run.stage("policy") / "checkpoints" / "step-000010").resolve()
    assert request["turns"].resolve() == (run.data / "test.jsonl").resolve()
    assert request["output"].resolve() == run.evaluation("policy").resolve()
    assert (request["name"], request["limit"], request["settings"].evaluation.top_p) == ("policy", 30, 0.9)
    assert [line.split() for line in finished.out.splitlines()[:4]] == [
        ["metric", "value", "interval", "better"],
        ["reward", "*", "0.2500", "0.1250", "…", "0.5000", "higher"],
        ["length", "12.50", "–", "–"],
        ["*", "the", "reward", "pays", "for", "it"],
    ]
    assert finished.err == "stage=evaluate event=progress done=24 total=24 what=turns\n"


@pytest.mark.parametrize(
    ("arguments", "name", "split"),
    [
        (["demo:baseline"], "baseline", "test"),
        (["demo:policy@best"], "policy@best", "test"),
        (["demo", "--split", "valid"], "policy-valid", "valid"),
        (["demo", "--limit", "5"], "policy-5", "test"),
        (["demo:baseline", "--split", "valid", "--limit", "5"], "baseline-valid-5", "valid"),
        (["demo", "--name", "mine", "--limit", "5"], "mine", "test"),
    ],
)
def test_the_name_of_the_evaluation(ecrctl, run, asked, arguments, name, split) -> None:
    assert ecrctl("eval", "run", *arguments, "--quiet").code == 0
    [request] = asked
    assert (request["name"], request["output"].name, request["turns"].name) == (name, name, f"{split}.jsonl")


def test_the_guides_own_command_line(ecrctl, run, asked) -> None:
    words = (
        "eval run --dataset redial --model_path demo --use_rl_eval --output_dir evaluation_results --split test "
        "--per_device_eval_batch_size 8 --context_max_length 120 --resp_max_length 50 --json"
    )
    finished = ecrctl(*words.split())
    assert finished.code == 0, finished.err
    [request] = asked
    settings = request["settings"]
    assert request["output"] == Path("evaluation_results")
    assert (settings.evaluation.batch_size, settings.prompt.context_max_length, settings.prompt.resp_max_length) == (
        8,
        120,
        50,
    )
    assert json.loads(finished.out)["result"]["metrics"]["reward"]["value"] == 0.25


def test_a_checkpoint_outside_of_a_run_needs_its_turns(ecrctl, run, asked, tmp_path) -> None:
    save_checkpoint(tmp_path / "elsewhere" / "policy", 1, write, metrics={}, best=False, keep_last=1)
    folder = tmp_path / "elsewhere" / "policy" / "checkpoints" / "step-000001"
    finished = ecrctl("eval", "run", folder)
    assert (finished.code, finished.err) == (
        3,
        f"error: the checkpoint lies in no run\n  at   {folder}\n  fix  say where: --data DIR\n",
    )
    assert ecrctl("eval", "run", folder, "--data", "demo", "--output_dir", "out", "--quiet").code == 0
    assert asked[0]["turns"] == Path("demo/data/test.jsonl")
