"""`ecrctl checkpoint` on a run with three small checkpoints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ecr_engine.runs.checkpoints import save_checkpoint
from ecr_engine.runs.folder import RunFolder
from ecr_engine.runs.record import RunRecord


def write(folder: Path) -> None:
    (folder / "weights.json").write_text("[1, 2, 3]", encoding="utf-8")


@pytest.fixture
def run(tmp_path) -> RunFolder:
    folder = RunFolder(tmp_path / "demo")
    folder.create()
    folder.write_record(RunRecord(("ecrctl", "run"), 0, None, {}, {}, None, (), started=1.0))
    save_checkpoint(folder.stage("baseline"), 40, write, metrics={"eval/loss": 3.25}, best=True, keep_last=2)
    save_checkpoint(folder.stage("policy"), 10, write, metrics={"eval/reward": 0.5}, best=True, keep_last=2)
    save_checkpoint(folder.stage("policy"), 20, write, metrics={"eval/reward": 0.4}, best=False, keep_last=2)
    return folder


def test_list(ecrctl, run) -> None:
    finished = ecrctl("checkpoint", "list", "demo")
    rows = [line.split() for line in finished.out.splitlines()]
    assert rows[0] == ["stage", "step", "is", "size", "saved", "metrics"]
    assert [row[:3] for row in rows[1:]] == [
        ["baseline", "40", "latest,"],
        ["policy", "10", "best"],
        ["policy", "20", "latest"],
    ]
    assert rows[1][-2:] == ["eval/loss", "3.250"]
    # "[1, 2, 3]" is 9 bytes.
    assert rows[2][3:5] == ["9", "B"]


def test_a_damaged_checkpoint_hides_no_other(ecrctl, run) -> None:
    (run.stage("policy") / "checkpoints" / "step-000010" / "manifest.json").unlink()
    rows = [line.split() for line in ecrctl("checkpoint", "list", "demo").out.splitlines()]
    assert [row[:3] for row in rows[1:]] == [
        ["baseline", "40", "latest,"],
        ["policy", "10", "damaged"],
        ["policy", "20", "latest"],
    ]


def test_list_as_json(ecrctl, run) -> None:
    document = json.loads(ecrctl("checkpoint", "list", "demo", "--json").out)
    assert [entry["step"] for entry in document["policy"]] == [10, 20]
    assert [entry["is_best"] for entry in document["policy"]] == [True, False]


def test_show(ecrctl, run) -> None:
    finished = ecrctl("checkpoint", "show", "demo:policy@best")
    lines = finished.out.splitlines()
    assert lines[1].split() == ["step", "10"]
    assert "eval/reward  0.5000" in finished.out
    # The first digits of the SHA-256 of "[1, 2, 3]", from sha256sum.
    assert lines[-1].split() == ["weights.json", "9", "B", "a36b1f2c3f84"]


def test_verify_of_a_whole_run(ecrctl, run) -> None:
    finished = ecrctl("checkpoint", "verify", "demo")
    assert finished.code == 0, finished.err
    assert [line.split()[-1] for line in finished.out.splitlines()] == ["is", "whole", "whole", "whole"]


def test_verify_finds_a_changed_byte_and_exits_with_4(ecrctl, run) -> None:
    path = run.stage("policy") / "checkpoints" / "step-000020" / "weights.json"
    path.write_text("[1, 2, 4]", encoding="utf-8")
    finished = ecrctl("checkpoint", "verify", "demo")
    assert finished.code == 4
    assert [line.split()[-1] for line in finished.out.splitlines()] == ["is", "whole", "whole", "damaged"]
    assert finished.err.startswith("error: the file 'weights.json' has another SHA-256 than the manifest says\n  at   ")
    assert ecrctl("checkpoint", "verify", "demo:baseline").code == 0


def test_verify_of_a_run_without_checkpoints(ecrctl, tmp_path) -> None:
    folder = RunFolder(tmp_path / "empty")
    folder.create()
    folder.write_record(RunRecord(("ecrctl", "run"), 0, None, {}, {}, None, (), started=1.0))
    finished = ecrctl("checkpoint", "verify", "empty")
    assert (finished.code, finished.err) == (
        3,
        "error: empty has no checkpoints\n  at   empty\n  fix  train it first: ecrctl run --run empty\n",
    )


def test_a_misspelt_run_name(ecrctl, run) -> None:
    finished = ecrctl("checkpoint", "list", "dmeo")
    assert (finished.code, finished.err) == (
        3,
        "error: there is no run in 'dmeo'\n  at   dmeo/run.json\n  fix  did you mean 'demo'?\n",
    )
