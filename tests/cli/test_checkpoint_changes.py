"""`ecrctl checkpoint diff` and `prune`."""

from __future__ import annotations

import json
import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from ecr_engine.errors import DataError
from ecr_engine.runs import differences
from ecr_engine.runs.checkpoints import save_checkpoint
from ecr_engine.runs.differences import compare_tensors
from ecr_engine.runs.folder import RunFolder
from ecr_engine.runs.lock import locked
from ecr_engine.runs.record import RunRecord

STAYS = np.arange(6, dtype=np.float32)
BEFORE = np.array([3.0, 4.0, 0.0], np.float32)
AFTER = np.array([3.0, 4.0, 1.0], np.float32)


def tensors(**arrays):
    return lambda folder: save_file(arrays, folder / "model.safetensors")


@pytest.fixture
def run(tmp_path) -> RunFolder:
    folder = RunFolder(tmp_path / "demo")
    folder.create()
    folder.write_record(RunRecord(("ecrctl", "run"), 0, None, {}, {}, None, (), started=1.0))
    for step in (10, 20, 30):
        write = tensors(stays=STAYS, moves=AFTER if step > 10 else BEFORE)
        save_checkpoint(folder.stage("policy"), step, write, metrics={}, best=step == 10, keep_last=9)
    save_checkpoint(folder.stage("baseline"), 40, tensors(stays=STAYS), metrics={}, best=True, keep_last=9)
    return folder


def steps(run: RunFolder) -> list[str]:
    return sorted(path.name for path in (run.stage("policy") / "checkpoints").iterdir())


def test_diff_says_which_tensors_moved_and_by_how_much(ecrctl, run) -> None:
    finished = ecrctl("checkpoint", "diff", "demo:policy@best", "demo:policy@latest")
    lines = [line.split() for line in finished.out.splitlines()]
    assert lines[2] == ["tensors", "1", "moved,", "1", "same"]
    # (3, 4, 0) is 5 long and moved by 1; the squares of 0 to 5 add up to 55: 1 / sqrt(25 + 55).
    assert lines[3] == ["relative", "change", "0.1118"]
    assert lines[-1] == ["moves", "moved", "0.2000", "1.0000", "1", "of", "3"]
    document = json.loads(ecrctl("checkpoint", "diff", "demo:policy@best", "demo:policy@latest", "--json").out)
    assert document["counts"] == {"moved": 1, "same": 1, "another shape": 0, "only in A": 0, "only in B": 0}
    assert document["tensors"][0] == {
        "name": "moves",
        "change": "moved",
        "elements": 3,
        "moved": 1,
        "largest": 1.0,
        "relative": 0.2,
    }


def test_diff_of_two_that_are_the_same(ecrctl, run) -> None:
    finished = ecrctl("checkpoint", "diff", "demo:policy@step-000020", "demo:policy@step-000030")
    assert [line.split() for line in finished.out.splitlines()][2:] == [
        ["tensors", "2", "same"],
        ["relative", "change", "0"],
    ]


def test_diff_of_models_of_other_shapes(ecrctl, run) -> None:
    lines = ecrctl("checkpoint", "diff", "demo:baseline", "demo:policy@best").out.splitlines()
    assert lines[2].split(maxsplit=1) == ["tensors", "1 same, 1 only in B"]
    assert lines[-1].split() == ["moves", "only", "in", "B"]


def test_diff_shows_so_many_and_says_how_to_see_the_rest(ecrctl, run) -> None:
    stage = run.stage("policy")
    for step, value in ((40, 0.0), (50, 1.0)):
        many = {f"t{number}": np.full(2, value * number, np.float32) for number in range(1, 4)}
        save_checkpoint(stage, step, tensors(**many), metrics={}, best=False, keep_last=9)
    finished = ecrctl("checkpoint", "diff", "demo:policy@step-000050", "demo:policy@step-000040", "--limit", 1)
    assert finished.err == "and 2 more: --limit 3 shows all\n"
    assert finished.out.splitlines()[-1].split() == ["t1", "moved", "1.0000", "1.0000", "2", "of", "2"]


def save_bf16(path: Path, *numbers: float) -> None:
    """The upper halves of float32 numbers are bfloat16 numbers."""
    body = np.array(numbers, np.float32).view(np.uint32) >> 16
    header = f'{{"a":{{"dtype":"BF16","shape":[{len(numbers)}],"data_offsets":[0,{2 * len(numbers)}]}}}}'.encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + body.astype("<u2").tobytes())


def test_diff_across_precisions_and_shards(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(differences, "BLOCK", 2)
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    save_bf16(one / "model.safetensors", 1.0, -2.0, 0.5)
    save_file({"a": np.array([1.0, -2.0, 0.25], np.float16)}, other / "model-00001-of-00002.safetensors")
    save_file({"b": np.ones(1, np.float32)}, other / "model-00002-of-00002.safetensors")
    found = compare_tensors(one, other)
    assert [(tensor.name, tensor.change, tensor.largest) for tensor in found.tensors] == [
        ("a", "moved", 0.25),
        ("b", "only in B", 0.0),
    ]
    assert found.relative == pytest.approx(0.25 / 5.25**0.5)


def test_diff_of_the_trainer_only_where_it_is_asked_for(tmp_path) -> None:
    for name, value in (("one", 0.0), ("other", 1.0)):
        (tmp_path / name / "trainer").mkdir(parents=True)
        save_file({"w": np.ones(2, np.float32)}, tmp_path / name / "model.safetensors")
        save_file({"0.exp_avg": np.full(3, value, np.float32)}, tmp_path / name / "trainer" / "optimizer.safetensors")
    one, other = tmp_path / "one", tmp_path / "other"
    assert [tensor.name for tensor in compare_tensors(one, other).tensors] == ["w"]
    first = compare_tensors(one, other, everything=True).tensors[0]
    assert (first.name, first.moved, first.relative) == ("trainer/optimizer/0.exp_avg", 3, float("inf"))


def test_diff_of_folders_without_tensors(tmp_path) -> None:
    with pytest.raises(DataError, match=f"there are no safetensors files in {tmp_path}"):
        compare_tensors(tmp_path, tmp_path)


def test_diff_holds_blocks_and_not_models(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(differences, "BLOCK", 1 << 14)
    for name, value in (("one", 1.0), ("other", 2.0)):
        (tmp_path / name).mkdir()
        save_file({"a": np.full(4_000_000, value, np.float32)}, tmp_path / name / "model.safetensors")
    tracemalloc.start()
    found = compare_tensors(tmp_path / "one", tmp_path / "other")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.relative == 1.0
    # Each side has 16 MB; a block of both as float64 has 256 KiB.
    assert peak < 4_000_000


def test_prune_tells_and_touches_nothing(ecrctl, run) -> None:
    finished = ecrctl("checkpoint", "prune", "demo")
    assert [line.split(maxsplit=5)[-1].strip() for line in finished.out.splitlines()[1:5]] == [
        "kept: latest",
        "kept: best",
        "would go",
        "kept: latest",
    ]
    assert "would remove  1 of 4 checkpoints" in finished.out
    assert finished.err == "nothing was touched: the same command with --yes removes them\n"
    assert (finished.code, steps(run)) == (0, ["step-000010", "step-000020", "step-000030"])


def test_prune_removes_all_but_the_best_and_the_latest(ecrctl, run) -> None:
    size = sum(path.stat().st_size for path in (run.stage("policy") / "checkpoints" / "step-000020").iterdir())
    document = json.loads(ecrctl("checkpoint", "prune", "demo", "--yes", "--json").out)
    assert (document["removed"], document["frees"], document["done"]) == (1, size, True)
    assert steps(run) == ["step-000010", "step-000030"]
    assert ecrctl("checkpoint", "verify", "demo").code == 0
    assert ecrctl("checkpoint", "prune", "demo", "--yes").out.splitlines()[-2:] == [
        "removed  0 of 3 checkpoints",
        "freed    0 B",
    ]


def test_prune_keeps_as_many_as_it_is_told(ecrctl, run) -> None:
    assert ecrctl("checkpoint", "prune", "demo", "--keep-last", 2, "--yes").code == 0
    assert steps(run) == ["step-000010", "step-000020", "step-000030"]


def test_prune_keeps_off_a_run_that_is_at_work(ecrctl, run) -> None:
    with locked(run.root / ".lock", "the run folder demo"):
        finished = ecrctl("checkpoint", "prune", "demo", "--yes")
    assert finished.code == 1
    assert finished.err.startswith(f"error: the run folder demo is in use by process {os.getpid()} on ")
    assert len(steps(run)) == 3
