"""`RUN:policy@last` answers under the name that `RUN:policy@latest` has."""

from __future__ import annotations

import sys
import types
from pathlib import Path

from ecr_engine.evaluation.store import SCHEMA, EvaluationResult
from ecr_engine.runs.checkpoints import save_checkpoint
from ecr_engine.runs.folder import RunFolder
from ecr_engine.runs.record import RunRecord


def test_the_last_checkpoint_is_the_latest_one(ecrctl, monkeypatch) -> None:
    asked = []

    def generate_checkpoint(checkpoint, turns, output, settings, **options):
        asked.append((checkpoint.name, str(output), options["name"]))
        return EvaluationResult(SCHEMA, "policy", "step-1", "test", "s", "p", 2, {}, 3, {}, 61.0)

    module = types.ModuleType("ecr_engine.pipeline.stages.evaluate")
    module.generate_checkpoint = generate_checkpoint
    monkeypatch.setitem(sys.modules, module.__name__, module)
    run = RunFolder(Path("demo"))
    run.create()
    run.write_record(RunRecord(("ecrctl", "run"), 0, None, {}, {}, None, (), started=1.0))
    run.resolved_config.write_text("", encoding="utf-8")
    for step in (10, 20):
        save_checkpoint(
            run.stage("policy"),
            step,
            lambda folder: (folder / "w.json").write_text("[]"),
            metrics={},
            best=step == 10,
            keep_last=2,
        )
    finished = ecrctl("eval", "generate", "demo:policy@last")
    assert finished.code == 0, finished.err
    assert asked == [("step-000020", "demo/evaluation/policy@latest", "policy@latest")]
    assert finished.out.splitlines()[-1] == "measure  ecrctl eval rescore demo/evaluation/policy@latest"
