"""A checkpoint is complete or does not exist."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ecr_engine.errors import DataError, EcrError
from ecr_engine.runs import checkpoints
from ecr_engine.runs.checkpoints import (
    best,
    discard_after,
    latest,
    list_checkpoints,
    save_checkpoint,
    sweep,
)
from ecr_engine.runs.manifest import load_manifest, verify


def files(folder):
    (folder / "weights").write_bytes(b"abc")
    (folder / "optimizer").mkdir()
    (folder / "optimizer" / "state.json").write_text("{}")


def save(stage, step, *, best=False, keep_last=2, write=files, **metrics):
    return save_checkpoint(stage, step, write, metrics=metrics, best=best, keep_last=keep_last)


def inside(folder):
    return sorted(path.name for path in folder.iterdir())


def names(stage):
    return inside(stage / "checkpoints")


def test_a_checkpoint_and_its_manifest(tmp_path):
    before = time.time()
    path = save(tmp_path / "policy", 100, best=True, loss=0.5, kl=float("nan"))
    assert path == tmp_path / "policy" / "checkpoints" / "step-000100"
    raw = json.loads((path / "manifest.json").read_text())
    assert before <= raw.pop("created") <= time.time()
    seal = raw.pop("seal")
    text = (path / "manifest.json").read_text()
    assert hashlib.sha256(text.replace(seal, "0" * 64).encode()).hexdigest() == seal
    assert raw == {
        "schema": 2,
        "step": 100,
        "metrics": {"loss": 0.5, "kl": "nan"},
        "best": True,
        "origin": {},
        "files": {
            # `printf abc | sha256sum`, `printf '{}' | sha256sum`
            "weights": {
                "size": 3,
                "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            },
            "optimizer/state.json": {
                "size": 2,
                "sha256": "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
            },
        },
    }
    assert verify(path) == []
    assert str(load_manifest(path).metrics["kl"]) == "nan"


def test_links_are_relative_and_follow(tmp_path):
    save(tmp_path, 1, best=True)
    save(tmp_path, 2)
    assert str((tmp_path / "latest").readlink()) == "checkpoints/step-000002"
    assert str((tmp_path / "best").readlink()) == "checkpoints/step-000001"
    assert latest(tmp_path) == tmp_path / "checkpoints" / "step-000002"
    assert best(tmp_path) == tmp_path / "checkpoints" / "step-000001"
    assert inside(tmp_path) == ["best", "checkpoints", "latest"]


def test_pruning_keeps_the_newest_and_the_best(tmp_path):
    for step in range(1, 7):
        save(tmp_path, step, best=step in (1, 2), keep_last=2)
    assert names(tmp_path) == ["step-000002", "step-000005", "step-000006"]


def test_pruning_goes_by_number_and_never_takes_the_latest(tmp_path):
    for step in (999_999, 1_000_000):
        save(tmp_path, step, keep_last=1)
    assert names(tmp_path) == ["step-1000000"]
    save(tmp_path, 5, keep_last=1)
    assert names(tmp_path) == ["step-000005", "step-1000000"]
    assert latest(tmp_path).name == "step-000005"


def test_a_list(tmp_path):
    save(tmp_path, 1, best=True, loss=2.0)
    save(tmp_path, 2, loss=3.0)
    first, second = list_checkpoints(tmp_path)
    assert (first.step, first.metrics, first.size, first.is_latest, first.is_best) == (1, {"loss": 2.0}, 5, False, True)
    assert (second.step, second.is_latest, second.is_best) == (2, True, False)
    assert first.created < second.created
    assert list_checkpoints(tmp_path / "none") == []


def test_a_step_is_never_overwritten(tmp_path):
    path = save(tmp_path, 1)
    with pytest.raises(EcrError, match="there is a checkpoint of step 1 already") as caught:
        save(tmp_path, 1)
    assert caught.value.problems[0].at == str(path)
    assert verify(path) == []


@pytest.mark.parametrize("name", ["optimizer.pt", "pytorch_model.bin", "state.pkl", "deep.PTH"])
def test_pickles_are_refused(tmp_path, name):
    def write(folder):
        files(folder)
        (folder / name).write_bytes(b"x")

    with pytest.raises(EcrError, match=f"a checkpoint can't hold the pickle file '{name}'") as caught:
        save(tmp_path, 1, write=write)
    assert caught.value.problems[0].fix == "save tensors as .safetensors and the rest as .json"
    assert names(tmp_path) == []


def test_links_and_nothing_are_refused(tmp_path):
    with pytest.raises(EcrError, match="a checkpoint can't hold the link 'model'"):
        save(tmp_path, 1, write=lambda folder: (folder / "model").symlink_to(tmp_path))
    with pytest.raises(EcrError, match="a checkpoint can't be empty"):
        save(tmp_path, 1, write=lambda folder: None)
    assert names(tmp_path) == []


def test_a_failed_save_leaves_the_former_state(tmp_path):
    def write(folder):
        files(folder)
        raise KeyboardInterrupt

    save(tmp_path, 1)
    with pytest.raises(KeyboardInterrupt):
        save(tmp_path, 2, write=write)
    assert names(tmp_path) == ["step-000001"]
    assert latest(tmp_path).name == "step-000001"


def test_verify_names_each_fault(tmp_path):
    path = save(tmp_path, 1, write=lambda folder: [(folder / name).write_text(name) for name in "abcd"])
    (path / "a").unlink()
    (path / "b").write_text("bb")
    (path / "c").write_text("C")
    (path / "e").write_text("e")
    assert [(problem.what, problem.at) for problem in verify(path)] == [
        ("the file 'a' is missing", f"{path}/a"),
        ("the file 'e' is not in the manifest", f"{path}/e"),
        ("the file 'b' has 2 bytes, not 1", f"{path}/b"),
        ("the file 'c' has another SHA-256 than the manifest says", f"{path}/c"),
    ]


def test_verify_without_a_manifest(tmp_path):
    (problem,) = verify(tmp_path)
    assert problem.what == f"there is no checkpoint manifest 'manifest.json' in {tmp_path}"
    assert problem.at == f"{tmp_path}/manifest.json"
    assert problem.fix == "use another checkpoint: `ecrctl checkpoint list RUN`"


def test_a_newer_manifest(tmp_path):
    path = save(tmp_path, 1)
    (path / "manifest.json").write_text('{"schema": 9}')
    with pytest.raises(DataError, match="the checkpoint manifest has schema 9, and this version reads up to 2"):
        load_manifest(path)


def test_damaged_checkpoints_are_listed_as_such_among_the_others(tmp_path):
    save(tmp_path, 1, keep_last=9, best=True, loss=0.5)
    for step in (2, 3):
        save(tmp_path, step, keep_last=9)
    folder = tmp_path / "checkpoints"
    (folder / "step-000002" / "manifest.json").unlink()
    (folder / "step-000003" / "manifest.json").write_text("{")
    whole, missing, torn = list_checkpoints(tmp_path)
    assert (whole.step, whole.metrics, whole.size, whole.is_best, whole.damaged) == (1, {"loss": 0.5}, 5, True, None)
    assert (missing.step, missing.metrics, missing.size) == (2, {}, 0)
    assert missing.damaged == f"there is no checkpoint manifest 'manifest.json' in {folder}/step-000002"
    assert (torn.step, torn.is_latest) == (3, True)
    assert torn.damaged.startswith("the checkpoint manifest is not valid JSON: ")


def test_no_checkpoint_yet(tmp_path):
    with pytest.raises(DataError, match=f"{tmp_path} has no latest checkpoint") as caught:
        latest(tmp_path)
    assert caught.value.problems[0].fix == "it has no checkpoints: train it first"
    save(tmp_path, 7)
    with pytest.raises(DataError, match=f"{tmp_path} has no best checkpoint") as caught:
        best(tmp_path)
    assert caught.value.problems[0].fix == "it has: latest, step-000007"


def test_going_on_from_an_earlier_step(tmp_path):
    for step in (1, 2, 3):
        save(tmp_path, step, best=step in (1, 3), keep_last=9)
    assert [path.name for path in discard_after(tmp_path, 1)] == ["step-000002", "step-000003"]
    assert (latest(tmp_path).name, best(tmp_path).name) == ("step-000001", "step-000001")
    save(tmp_path, 2)
    assert names(tmp_path) == ["step-000001", "step-000002"]


def test_sweep_removes_what_was_left_and_mends_the_links(tmp_path):
    save(tmp_path, 1, best=True)
    save(tmp_path, 2, best=True)
    folder = tmp_path / "checkpoints"
    # As after a kill between the rename of step 2 and its links, with other kills before.
    for name in ("latest", "best"):
        (tmp_path / name).unlink()
        (tmp_path / name).symlink_to("checkpoints/step-000001")
    (tmp_path / ".latest.0.tmp").symlink_to("checkpoints/step-000002")
    for name in (".staging-step-000003-x", ".discarded-step-000000-x"):
        (folder / name).mkdir()
        (folder / name / "part").write_text("x")
    assert len(sweep(tmp_path)) == 3
    assert names(tmp_path) == ["step-000001", "step-000002"]
    assert (latest(tmp_path).name, best(tmp_path).name) == ("step-000002", "step-000002")
    assert inside(tmp_path) == ["best", "checkpoints", "latest"]


def test_sweep_of_a_stage_that_was_never_trained(tmp_path):
    assert sweep(tmp_path / "policy") == []
    assert not (tmp_path / "policy").exists()


def test_everything_is_on_the_disk_before_it_gets_its_name(tmp_path, monkeypatch):
    flushed = set()
    fsync = os.fsync

    def note(descriptor):
        flushed.add(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        fsync(descriptor)

    def write(folder):
        files(folder)
        seen["staging"] = folder

    seen = {}
    monkeypatch.setattr(os, "fsync", note)
    rename = checkpoints.Path.rename

    def check(self, target):
        if self == seen.get("staging"):
            seen["before"] = set(flushed)
        return rename(self, target)

    monkeypatch.setattr(checkpoints.Path, "rename", check)
    save(tmp_path, 1, write=write)
    staging = seen["staging"]
    parts = ("", "/weights", "/optimizer", "/optimizer/state.json", "/manifest.json")
    assert {f"{staging}{part}" for part in parts} <= seen["before"]
    assert str(tmp_path / "checkpoints") in flushed


ENDLESS = """
import sys
from pathlib import Path
from ecr_engine.runs.checkpoints import latest, save_checkpoint, sweep
from ecr_engine.runs.links import step_of

stage = Path(sys.argv[1])

def write(folder):
    for number in range(8):
        (folder / f"part{number}").write_bytes(bytes([step % 256]) * 200_000)

sweep(stage)
step = step_of(latest(stage)) if (stage / "latest").exists() else 0
begun = step
while True:
    step += 1
    save_checkpoint(stage, step, write, metrics={"step": step}, best=step % 3 == 0, keep_last=2)
    if step == begun + 1:
        print("ready", flush=True)
"""


def test_no_kill_leaves_an_unreadable_checkpoint(tmp_path):
    moments = random.Random(0)
    steps = [0]
    left_over = 0
    for _ in range(12):
        process = subprocess.Popen([sys.executable, "-c", ENDLESS, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.05 + moments.random() * 0.1)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        for path in (tmp_path / "checkpoints").glob("step-*"):
            assert verify(path) == []
        left_over += len(list((tmp_path / "checkpoints").glob(".*")))
        if (tmp_path / "latest").is_symlink():
            assert verify(latest(tmp_path)) == []
        sweep(tmp_path)
        assert not list((tmp_path / "checkpoints").glob(".*"))
        found = list_checkpoints(tmp_path)
        steps.append(found[-1].step if found else 0)
        assert not found or found[-1].is_latest
    assert steps == sorted(steps) and steps[-1] > 4
    # Else the kills fell between the saves and the test has shown nothing.
    assert left_over > 0


def test_hashes_are_those_of_hashlib(tmp_path):
    content = os.urandom(3_000_000)
    path = save(tmp_path, 1, write=lambda folder: (folder / "big").write_bytes(content))
    assert load_manifest(path).files["big"].sha256 == hashlib.sha256(content).hexdigest()
