"""`ecrctl eval generate`, `rescore` and `judge`: saved answers, measured and judged without their model."""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path

import pytest

from ecr_engine.data.schema import Example, Role, Sample, Turn
from ecr_engine.evaluation.store import SCHEMA, EvaluationResult, write_evaluation
from ecr_engine.runs.checkpoints import save_checkpoint
from ecr_engine.runs.folder import RunFolder
from ecr_engine.runs.record import RunRecord

TEXTS = ("You should see <movie>!", "I'm sorry to hear that.")


def saved(folder: Path) -> Path:
    """An evaluation without metrics."""
    context = (Turn(Role.SEEKER, "I feel sad today", "I feel sad today"),)
    samples = [
        Sample(
            Example(f"{n}:1", str(n), 1, context, "You should see <movie>!", (), (), ("negative",), "test", n + 1),
            text,
            finished=True,
            tokens=8,
        )
        for n, text in enumerate(TEXTS)
    ]
    result = EvaluationResult(SCHEMA, "policy", "step-1", "test", "s", "p", 2, {"sample": True}, 3, {}, 1.5)
    write_evaluation(folder, result, samples, {})
    return folder


@pytest.fixture
def answers(tmp_path) -> Path:
    return saved(tmp_path / "answers")


def written(folder: Path) -> dict:
    return json.loads((folder / "results.json").read_text(encoding="utf-8"))


def test_answers_are_measured_without_their_model(ecrctl, answers) -> None:
    finished = ecrctl("eval", "rescore", "answers", "--metric", "bleu@1", "--metric", "length")
    assert finished.code == 0, finished.err
    assert [line.split()[:2] for line in finished.out.splitlines()[1:3]] == [["bleu@1", "0.5000"], ["length", "5.500"]]
    assert list(written(answers)["metrics"]) == ["bleu@1", "length"]


def test_without_names_the_reward_and_the_default_metrics_are_measured(ecrctl, answers) -> None:
    options = ["--set", "rewards.relevance=0", "--output_dir", "again", "--json"]
    finished = ecrctl("eval", "rescore", "answers", *options)
    assert finished.code == 0, finished.err
    metrics = json.loads(finished.out)["result"]["metrics"]
    assert {"reward", "reward/empathy", "bleu@4", "chrf", "empathy", "self_bleu"} <= metrics.keys()
    assert "similarity" not in metrics
    assert written(answers)["metrics"] == {}
    assert written(Path("again"))["metrics"].keys() == metrics.keys()


def test_a_metric_that_fails_is_named_and_the_others_are_printed(ecrctl, answers, monkeypatch) -> None:
    from ecr_engine.evaluation.metrics.length import Length

    def compute(self, samples):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(Length, "compute", compute)
    finished = ecrctl("eval", "rescore", "answers", "--metric", "length", "--metric", "bleu_1")
    assert finished.code == 1
    assert "bleu@1" in finished.out and "length" not in finished.out
    what, at, fix = finished.err.splitlines()
    assert what.startswith("error: metric 'length' failed: ZeroDivisionError: division by zero (test_eval_answers.py:")
    assert at == f"  at   {answers}/results.json"
    assert fix == (
        f"  fix  the other metrics are written; to measure it again: ecrctl eval rescore {answers} --metric length"
    )
    assert written(answers)["failed"].keys() == {"length"}
    monkeypatch.undo()


@pytest.mark.parametrize(
    ("name", "code", "err"),
    [
        (
            "blue_1",
            2,
            "error: unknown metric 'blue_1'\n  at   evaluation.metrics\n  fix  did you mean 'bleu_1'?\n",
        ),
        (
            "perplexity",
            2,
            "error: metric 'perplexity' needs the losses of the references, which only the model can say\n"
            "  at   evaluation.perplexity\n"
            "  fix  generate again with them: ecrctl eval run RUN --perplexity\n",
        ),
    ],
)
def test_a_metric_that_can_not_be_measured(ecrctl, answers, name, code, err) -> None:
    finished = ecrctl("eval", "rescore", "answers", "--metric", name)
    assert (finished.code, finished.out, finished.err) == (code, "", err)


def test_a_torn_line(ecrctl, answers) -> None:
    path = answers / "samples.jsonl"
    path.write_bytes(path.read_bytes()[:-9])
    finished = ecrctl("eval", "rescore", "answers")
    assert finished.code == 3
    what, at, fix = finished.err.splitlines()
    assert what.startswith("error: a torn line, not JSON: ")
    assert (at, fix) == (f"  at   {path}:2", "  fix  evaluate again: ecrctl eval run RUN")


def test_a_judge_adds_its_scores(ecrctl, answers) -> None:
    ecrctl("eval", "rescore", "answers", "--metric", "length")
    finished = ecrctl("eval", "judge", "answers", "--quiet")
    assert finished.code == 0, finished.err
    document = written(answers)
    assert list(document["metrics"])[:2] == ["length", "judge/empathy"]
    assert (document["judge"]["name"], document["judge"]["turns"], document["judge"]["failed"]) == ("rubric", 2, 0)


def test_only_the_answers_are_generated(ecrctl, tmp_path, monkeypatch) -> None:
    asked = []

    def generate_checkpoint(checkpoint, turns, output, settings, **options):
        asked.append((checkpoint.name, turns.name, settings.evaluation, options["limit"]))
        return EvaluationResult(SCHEMA, "policy", "step-1", "test", "s", "p", 2, {}, 3, {}, 61.0)

    module = types.ModuleType("ecr_engine.pipeline.stages.evaluate")
    module.generate_checkpoint = generate_checkpoint
    monkeypatch.setitem(sys.modules, module.__name__, module)
    run = RunFolder(tmp_path / "demo")
    run.create()
    run.write_record(RunRecord(("ecrctl", "run"), 0, None, {}, {}, None, (), started=1.0))
    run.resolved_config.write_text("[evaluation]\ntop_p = 0.9\n", encoding="utf-8")
    save_checkpoint(
        run.stage("policy"), 10, lambda folder: (folder / "w.json").write_text("[]"), metrics={}, best=True, keep_last=2
    )
    finished = ecrctl("eval", "generate", "demo", "--perplexity", "--limit", "2", "--per_device_eval_batch_size", "8")
    assert finished.code == 0, finished.err
    [(checkpoint, turns, evaluation, limit)] = asked
    assert (checkpoint, turns, limit) == ("step-000010", "test.jsonl", 2)
    assert (evaluation.perplexity, evaluation.batch_size, evaluation.top_p) == (True, 8, 0.9)
    assert finished.out.splitlines()[-1] == "measure  ecrctl eval rescore demo/evaluation/policy-2"


def test_generate_without_a_checkpoint(ecrctl) -> None:
    finished = ecrctl("eval", "generate")
    assert (finished.code, finished.err) == (
        2,
        "error: no checkpoint is named\n"
        "  at   ecrctl eval generate\n"
        "  fix  name a run: ecrctl eval generate runs/demo\n",
    )
