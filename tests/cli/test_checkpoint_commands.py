"""`ecrctl checkpoint` on a run with three small checkpoints."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from ecr_engine.runs.checkpoints import save_checkpoint
from ecr_engine.runs.folder import RunFolder
from ecr_engine.runs.manifest import FileEntry, load_manifest, write_manifest
from ecr_engine.runs.record import RunRecord
from ecrctl.ui.checkpoint_view import age


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
    assert rows[0] == ["stage", "step", "is", "health", "size", "age", "metrics"]
    assert [row[:3] for row in rows[1:]] == [
        ["baseline", "40", "latest,"],
        ["policy", "10", "best"],
        ["policy", "20", "latest"],
    ]
    assert rows[1][-2:] == ["eval/loss", "3.250"]
    # "[1, 2, 3]" is 9 bytes; it was saved seconds ago.
    assert rows[2][3:6] == ["whole", "9", "B"]
    assert rows[2][7] == "s"


def test_a_damaged_checkpoint_hides_no_other(ecrctl, run) -> None:
    (run.stage("policy") / "checkpoints" / "step-000010" / "manifest.json").unlink()
    rows = [line.split() for line in ecrctl("checkpoint", "list", "demo").out.splitlines()]
    assert [row[:3] for row in rows[1:]] == [
        ["baseline", "40", "latest,"],
        ["policy", "10", "best"],
        ["policy", "20", "latest"],
    ]
    assert [row[3] for row in rows[2:]] == ["damaged", "whole"]
    found = json.loads(ecrctl("checkpoint", "list", "demo", "--json").out)["policy"]
    assert [entry["health"] for entry in found] == ["damaged", "whole"]


def test_a_file_of_another_size_shows_in_the_list(ecrctl, run) -> None:
    (run.stage("policy") / "checkpoints" / "step-000010" / "weights.json").write_text("[]", encoding="utf-8")
    row = ecrctl("checkpoint", "list", "demo").out.splitlines()[2]
    assert "damaged" in row
    assert row.rstrip().endswith("the file 'weights.json' has 2 bytes, not 9")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0 s"), (59, "59 s"), (61, "1 min"), (3_599, "59 min"), (7_300, "2 h"), (90_000, "1 d")],
)
def test_ages(seconds, text) -> None:
    assert age(seconds) == text


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


def test_show_of_what_it_was_made_from_and_with(ecrctl, run) -> None:
    run.resolved_config.write_text('[backbone]\nname = "tiny"\n[ppo]\nepochs = 7\ngamma = 1.0\n', encoding="utf-8")
    shown = ecrctl("checkpoint", "show", "demo").out
    assert [line.split(maxsplit=3) for line in shown.splitlines() if line.startswith("made from")] == [
        ["made", "from", "baseline", "step-000040"]
    ]
    # gamma has its built-in value.
    assert [line for line in shown.splitlines() if line.startswith("ppo.")] == ["ppo.epochs  7"]
    document = json.loads(ecrctl("checkpoint", "show", "demo", "--json").out)
    assert document["settings"]["ppo"] == {"epochs": 7, "gamma": 1.0}
    assert document["changed"] == {"ppo.epochs": 7}
    assert (document["lineage"]["backbone"], document["lineage"]["seed"]) == ("tiny", 0)
    assert document["lineage"]["parents"] == {"baseline": "demo/baseline/checkpoints/step-000040"}


def test_show_counts_the_weights_of_each_file(ecrctl, run) -> None:
    def tensors(folder: Path) -> None:
        save_file({"a": np.zeros((3, 5), np.float32), "b": np.zeros(4, np.float16)}, folder / "model.safetensors")
        (folder / "trainer").mkdir()
        save_file({"moments": np.zeros(99, np.float32)}, folder / "trainer" / "optimizer.safetensors")

    save_checkpoint(run.stage("policy"), 30, tensors, metrics={}, best=True, keep_last=9)
    shown = ecrctl("checkpoint", "show", "demo").out
    assert "parameters  19\n" in shown
    document = json.loads(ecrctl("checkpoint", "show", "demo", "--json").out)
    assert document["parameters"] == 19
    assert document["weights"] == {
        "model.safetensors": {"tensors": 2, "parameters": 19, "dtypes": {"F32": 1, "F16": 1}}
    }


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


def test_verify_names_a_lost_manifest_and_a_link_to_nothing(ecrctl, run) -> None:
    stage = run.stage("policy")
    (stage / "checkpoints" / "step-000010" / "manifest.json").unlink()
    shutil.rmtree(stage / "checkpoints" / "step-000020")
    finished = ecrctl("checkpoint", "verify", "demo")
    assert finished.code == 4
    assert finished.err == (
        "error: there is no checkpoint manifest 'manifest.json' in demo/policy/checkpoints/step-000010\n"
        "  at   demo/policy/checkpoints/step-000010/manifest.json\n"
        "  fix  use another checkpoint: `ecrctl checkpoint list RUN`\n"
        "error: the link 'latest' leads to nothing\n"
        "  at   demo/policy/latest\n"
        "  fix  it is mended when training goes on: --resume auto\n"
    )
    assert ecrctl("checkpoint", "verify", stage / "checkpoints" / "step-000010").code == 4


def test_verify_deep_finds_what_hashes_do_not(ecrctl, run, tmp_path) -> None:
    values = np.ones(4, np.float32)
    save_file({"a": values}, tmp_path / "whole.safetensors")
    values[2] = np.nan
    save_file({"a": values}, tmp_path / "broken.safetensors")

    def tensors(folder: Path) -> None:
        shutil.copyfile(tmp_path / "whole.safetensors", folder / "model.safetensors")

    path = save_checkpoint(run.stage("policy"), 30, tensors, metrics={}, best=False, keep_last=9)
    shutil.copyfile(tmp_path / "broken.safetensors", path / "model.safetensors")
    manifest = load_manifest(path)
    content = (path / "model.safetensors").read_bytes()
    files = {"model.safetensors": FileEntry(len(content), hashlib.sha256(content).hexdigest())}
    write_manifest(path, replace(manifest, files=files))
    assert ecrctl("checkpoint", "verify", "demo:policy@step-000030").code == 0
    finished = ecrctl("checkpoint", "verify", "demo:policy@step-000030", "--deep")
    assert (finished.code, finished.err.splitlines()[0]) == (
        4,
        "error: the tensor 'a' in 'model.safetensors' is not finite",
    )


def test_verify_as_json(ecrctl, run) -> None:
    (run.stage("baseline") / "checkpoints" / "step-000040" / "weights.json").unlink()
    document = json.loads(ecrctl("checkpoint", "verify", "demo", "--json").out)
    assert (document["whole"], document["links"]) == (False, [])
    wrong = {Path(name).name: [fault["what"] for fault in found] for name, found in document["checkpoints"].items()}
    assert wrong == {"step-000040": ["the file 'weights.json' is missing"], "step-000010": [], "step-000020": []}


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
