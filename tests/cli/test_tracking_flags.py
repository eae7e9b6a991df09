"""What a command line that asks for trackers says."""

from __future__ import annotations

import importlib.util


def test_a_missing_tensorboard_is_three_lines_before_any_work(ecrctl, tmp_path, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name, *more: find(name, *more) if name != "tensorboard" else None
    )
    finished = ecrctl("run", "--set", "tracking.tensorboard=true")
    assert finished.code == 5
    assert finished.err == (
        "error: tensorboard is not installed\n"
        "  at   tracking.tensorboard\n"
        "  fix  pip install 'ecrctl[tensorboard]', or --set tracking.tensorboard=false\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_what_wandb_kept_offline_is_named_at_the_end(ecrctl, tmp_path):
    data = ("train", "baseline", "--smoke", "1", "--run", "demo", "--set", "data.sample_dialogues=60")
    finished = ecrctl(*data, "--set", "tracking.wandb=offline")
    assert finished.code == 0, finished.err
    [folder] = (tmp_path / "demo" / "wandb").glob("offline-run-*")
    [said] = [line for line in finished.err.splitlines() if "wandb" in line]
    assert said == f"wandb was kept offline; to send it: wandb sync demo/wandb/{folder.name}"
