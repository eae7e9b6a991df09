"""Every file of a checkpoint, damaged in every way: `verify` names it, and training goes on from the one before.

The control is what a loader notices by itself, which trusts the bytes that it is given.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from reliable_jobs import settings
from safetensors import SafetensorError
from safetensors.torch import load_file
from tiny_models import tiny_backbone

from ecr_engine.models.adapters import Lora, lora_of
from ecr_engine.models.checking import verify_deeply
from ecr_engine.models.policies import adapt
from ecr_engine.models.tensors import save_optimizer
from ecr_engine.pipeline.resuming import newest_whole
from ecr_engine.runs.checkpoints import list_checkpoints, save_checkpoint
from ecr_engine.runs.events import read_events
from ecr_engine.runs.folder import RunFolder
from ecr_engine.runs.manifest import Depth, verify
from ecr_engine.runs.record import RunRecord
from ecrctl.__main__ import invoke

STEPS = (1, 2, 3)
NEWEST, OTHER = "step-000003", "step-000002"


def write(step):
    """A policy with an adapter and the state of its training; every file differs from step to step."""

    def fill(folder):
        backbone = tiny_backbone(seed=step)
        adapt(backbone, Lora(2, 4.0, 0.0, lora_of(1, 1.0, 0.0, "all").targets), seed=step)
        optimizer = torch.optim.AdamW(backbone.trained(), lr=0.01 * step)
        for weight in backbone.trained():
            weight.grad = torch.full_like(weight, float(step))
        optimizer.step()
        backbone.save(folder)
        for name in ("config.json", "generation_config.json", "adapter_config.json", "tokenizer_config.json"):
            content = json.loads((folder / name).read_text(encoding="utf-8"))
            (folder / name).write_text(json.dumps({**content, "saved_at": step}), encoding="utf-8")
        vocabulary = (folder / "tokenizer.json").read_text(encoding="utf-8")
        (folder / "tokenizer.json").write_text(vocabulary + "\n" * step, encoding="utf-8")
        (folder / "trainer").mkdir()
        save_optimizer(optimizer, folder / "trainer" / "policy_optimizer.safetensors")
        (folder / "trainer" / "state.json").write_text(json.dumps({"step": step}), encoding="utf-8")

    return fill


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("runs") / "run"
    run = RunFolder(root)
    run.create()
    run.write_record(RunRecord(("ecrctl", "run"), 0, None, {}, {}, None, (), started=1.0))
    for step in STEPS:
        save_checkpoint(run.stage("policy"), step, write(step), metrics={"loss": step}, best=step == 1, keep_last=9)
    return root


@pytest.fixture(scope="module")
def damaged(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("damaged") / "run"


def files(root):
    folder = root / "policy" / "checkpoints" / NEWEST
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def cut(length):
    return lambda path, other: os.truncate(path, length(path.stat().st_size))


def flip(place):
    def damage(path, other):
        content = bytearray(path.read_bytes())
        content[place(len(content))] ^= 0x10
        path.write_bytes(content)

    return damage


WAYS = {
    "deleted": lambda path, other: path.unlink(),
    "cut to nothing": cut(lambda size: 0),
    "cut to a half": cut(lambda size: size // 2),
    "cut by a byte": cut(lambda size: size - 1),
    "first byte flipped": flip(lambda size: 0),
    "a byte in the middle flipped": flip(lambda size: size // 2),
    "last byte flipped": flip(lambda size: size - 1),
    "that of another step": lambda path, other: shutil.copyfile(other, path),
}


def loads(folder):
    """The naive control: whether every file can be read as what it is."""
    try:
        for path in folder.rglob("*"):
            if path.suffix == ".safetensors":
                load_file(path)
            elif path.suffix == ".json":
                json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, SafetensorError):
        return False
    return True


def spoil(whole, damaged, name, way):
    """A copy of the run in which one file of the newest checkpoint is damaged."""
    shutil.rmtree(damaged, ignore_errors=True)
    shutil.copytree(whole, damaged, symlinks=True)
    folder = damaged / "policy" / "checkpoints" / NEWEST
    WAYS[way](folder / name, folder.parent / OTHER / name)
    return folder


def test_whole_checkpoints_are_whole(whole):
    assert [verify(info.path, Depth.NUMBERS) for info in list_checkpoints(whole / "policy")] == [[], [], []]
    newest = whole / "policy" / "checkpoints" / NEWEST
    for name in files(whole):
        assert (newest / name).read_bytes() != (newest.parent / OTHER / name).read_bytes(), name
    assert len(files(whole)) == 10


@pytest.mark.parametrize("way", WAYS)
def test_every_damage_is_found_with_its_file_and_passed_over(whole, damaged, way):
    for name in files(whole):
        folder = spoil(whole, damaged, name, way)
        problems = verify(folder)
        assert problems, name
        if name == "manifest.json":
            assert str(folder / name) in problems[0].at
        else:
            assert [problem.at for problem in problems] == [str(folder / name)]
            assert f"'{name}'" in problems[0].what
        assert verify_deeply(folder)
        found = newest_whole(damaged / "policy")
        assert found.checkpoint == folder.parent / OTHER
        assert [path.name for path, _ in found.damaged] == [NEWEST]


@pytest.mark.parametrize("way", ["a byte in the middle flipped", "that of another step"])
def test_a_loader_by_itself_notices_hardly_any_of_it(whole, damaged, way):
    unnoticed = [name for name in files(whole) if loads(spoil(whole, damaged, name, way))]
    assert {"model.safetensors", "adapter_model.safetensors", "trainer/policy_optimizer.safetensors"} <= set(unnoticed)


def test_several_damages_are_told_at_once_and_the_command_exits_with_4(whole, damaged, capsys):
    folder = spoil(whole, damaged, "config.json", "deleted")
    WAYS["cut by a byte"](folder / "tokenizer.json", None)
    WAYS["last byte flipped"](folder / "model.safetensors", None)
    (folder / "left over").write_text("x", encoding="utf-8")
    shutil.rmtree(folder.parent / OTHER)
    assert invoke(["checkpoint", "verify", str(damaged)]) == 4
    told = capsys.readouterr().err
    size = (folder / "tokenizer.json").stat().st_size
    assert [line.removeprefix("error: ") for line in told.splitlines() if line.startswith("error: ")] == [
        "the file 'config.json' is missing",
        "the file 'left over' is not in the manifest",
        f"the file 'tokenizer.json' has {size} bytes, not {size + 1}",
        "the file 'model.safetensors' has another SHA-256 than the manifest says",
    ]
    assert [line.removeprefix("  at   ") for line in told.splitlines() if line.startswith("  at ")] == [
        f"{folder}/{name}" for name in ("config.json", "left over", "tokenizer.json", "model.safetensors")
    ]


def test_resume_auto_takes_the_one_before_and_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    command = ["train", "baseline", "--run", "run", "--config", str(settings(tmp_path, steps=6, every=2)), "--quiet"]
    assert invoke(command) == 0, capsys.readouterr().err
    stage = tmp_path / "run" / "baseline"
    *_, former, newest = list_checkpoints(stage)
    assert newest.step == 6
    weights = (newest.path / "model.safetensors").read_bytes()
    record = tmp_path / "run" / "run.json"
    raw = json.loads(record.read_text(encoding="utf-8"))
    raw["stages"]["baseline"]["status"] = "interrupted"
    record.write_text(json.dumps(raw), encoding="utf-8")
    WAYS["a byte in the middle flipped"](newest.path / "model.safetensors", None)
    assert invoke([*command, "--resume", "auto"]) == 0, capsys.readouterr().err
    told = [event.values for event in read_events(tmp_path / "run" / "events.jsonl") if event.kind == "warning"]
    assert told == [
        {
            "what": "step-000006 is damaged and was set aside as damaged-step-000006: "
            "the file 'model.safetensors' has another SHA-256 than the manifest says"
        }
    ]
    # What was trained again from the one before is what had been there.
    assert former.step < 6
    assert (stage / "latest" / "model.safetensors").read_bytes() == weights
    assert verify(stage / "latest") == []
