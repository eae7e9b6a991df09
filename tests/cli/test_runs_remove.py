"""`ecrctl runs remove`: what goes, what is refused, and that nothing is there in half."""

from __future__ import annotations

import json
import os
import shutil
import socket
from pathlib import Path

import pytest

from ecr_engine.runs.checkpoints import save_checkpoint
from ecr_engine.runs.folder import RunFolder
from ecr_engine.runs.record import RunRecord


@pytest.fixture
def runs(tmp_path) -> Path:
    """Two runs, the first with data and a checkpoint, and something else beside them."""
    for name in ("a", "b"):
        folder = RunFolder(tmp_path / "runs" / name)
        folder.create()
        folder.write_record(RunRecord(("ecrctl", "run"), 0, None, {}, {}, None, (), started=1.0, status="done"))
    (tmp_path / "runs" / "a" / "data" / "train.jsonl").write_bytes(b"x" * 2048)

    def write(place: Path) -> None:
        (place / "weights").write_bytes(b"y")

    save_checkpoint(tmp_path / "runs" / "a" / "policy", 3, write, metrics={}, best=False, keep_last=2)
    (tmp_path / "runs" / "kept.txt").write_text("kept")
    return tmp_path / "runs"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_without_yes_it_names_what_would_go_and_how_to_say_yes(ecrctl, runs) -> None:
    finished = ecrctl("runs", "remove", "runs/a", "runs/b")
    assert finished.code == 2
    rows = [line.split() for line in finished.out.splitlines()]
    assert [row[0] for row in rows[1:3]] == ["runs/a", "runs/b"]
    assert rows[1][-3:] == ["1", "of", "policy"]
    assert finished.err == (
        "error: nothing was removed\n  at   ecrctl runs remove\n  fix  ecrctl runs remove runs/a runs/b --yes\n"
    )
    assert names(runs) == ["a", "b", "kept.txt"]


def test_a_dry_run_removes_nothing_even_with_yes(ecrctl, runs) -> None:
    finished = ecrctl("runs", "remove", "runs/a", "--yes", "--dry-run")
    assert (finished.code, finished.err) == (0, "")
    assert "would go: " in finished.out
    assert names(runs) == ["a", "b", "kept.txt"]


def test_yes_removes_them_and_nothing_else(ecrctl, runs) -> None:
    size = sum(path.stat().st_size for path in (runs / "a").rglob("*") if path.is_file() and not path.is_symlink())
    finished = ecrctl("runs", "remove", "runs/a", "runs/b", "runs/a/", "--yes", "--json")
    document = json.loads(finished.out)
    assert (finished.code, finished.err, document["removed"]) == (0, "", True)
    assert [entry["run"] for entry in document["runs"]] == ["runs/a", "runs/b"]
    assert document["runs"][0]["bytes"] == size
    assert document["runs"][0]["checkpoints"] == {"policy": 1}
    assert names(runs) == ["kept.txt"]


def test_a_run_that_is_being_written_is_refused_and_no_other_removed(ecrctl, runs) -> None:
    with RunFolder(runs / "b").lock():
        finished = ecrctl("runs", "remove", "runs/a", "runs/b", "--yes")
    assert (finished.code, finished.out) == (1, "")
    assert finished.err == (
        f"error: the run runs/b is being written by process {os.getpid()} on {socket.gethostname()}\n"
        "  at   runs/b/.lock\n"
        f"  fix  see how far it is: ecrctl runs watch runs/b; or end it: kill {os.getpid()}\n"
    )
    assert names(runs) == ["a", "b", "kept.txt"]


def test_what_is_no_run_is_refused(ecrctl, runs) -> None:
    finished = ecrctl("runs", "remove", "runs/c", "--yes")
    assert (finished.code, finished.err.splitlines()[0]) == (3, "error: there is no run in 'runs/c'")


def test_a_link_is_refused(ecrctl, runs) -> None:
    (runs / "link").symlink_to("a")
    finished = ecrctl("runs", "remove", "runs/link", "--yes")
    assert (finished.code, finished.err) == (
        2,
        f"error: 'runs/link' is a link to {runs / 'a'}\n"
        "  at   runs/link\n"
        f"  fix  name the run itself: ecrctl runs remove {runs / 'a'}\n",
    )
    assert names(runs) == ["a", "b", "kept.txt", "link"]


def test_what_cannot_be_deleted_is_no_run_any_more(ecrctl, runs, monkeypatch) -> None:
    def fail(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path / "data"))

    monkeypatch.setattr(shutil, "rmtree", fail)
    finished = ecrctl("runs", "remove", "runs/a", "--yes")
    monkeypatch.undo()
    (left,) = [path for path in runs.iterdir() if path.name.startswith(".")]
    assert finished.code == 1
    assert finished.err == (
        "error: a part of the run can't be deleted: Permission denied\n"
        f"  at   {left / 'data'}\n"
        f"  fix  rm -rf '{left}'\n"
    )
    assert not (runs / "a").exists()
    assert not (left / "run.json").exists()
