"""`@last`, as `--resume last` says it, is `@latest`."""

from __future__ import annotations

import pytest

from ecr_engine.errors import DataError
from ecr_engine.runs.addresses import resolve_checkpoint, resolve_evaluation, usual_name
from ecr_engine.runs.checkpoints import save_checkpoint
from ecr_engine.runs.folder import RunFolder
from ecr_engine.runs.record import RunRecord


@pytest.fixture
def demo(tmp_path) -> RunFolder:
    """A run whose policy has steps 10 (the best) and 20, the latter evaluated."""
    run = RunFolder(tmp_path / "demo")
    run.create()
    run.write_record(RunRecord(("ecrctl",), 0, None, {}, {}, None, (), 0.0))
    for step in (10, 20):
        save_checkpoint(
            run.stage("policy"),
            step,
            lambda folder: (folder / "a.json").write_text("{}"),
            metrics={},
            best=step == 10,
            keep_last=9,
        )
    run.evaluation("policy@latest").mkdir(parents=True)
    (run.evaluation("policy@latest") / "results.json").write_text("{}")
    return run


def test_a_checkpoint(demo) -> None:
    assert resolve_checkpoint(f"{demo.root}:policy@last").name == "step-000020"


def test_an_evaluation(demo) -> None:
    assert resolve_evaluation(f"{demo.root}:policy@last") == demo.evaluation("policy@latest")


def test_a_stage_that_is_not_there_is_still_named(demo) -> None:
    with pytest.raises(DataError, match="has no critic"):
        resolve_checkpoint(f"{demo.root}:critic@last")


@pytest.mark.parametrize(
    ("typed", "usual"),
    [("policy@last", "policy@latest"), ("policy@latest", "policy@latest"), ("last", "last"), ("a@lasts", "a@lasts")],
)
def test_only_the_word_behind_the_at_is_another(typed, usual) -> None:
    assert usual_name(typed) == usual
