"""Flags: the guide's names, both spellings, and what they set."""

from __future__ import annotations

import json

import pytest

GUIDE = {
    ("train", "baseline"): {
        "context_max_length": ("120", "prompt.context_max_length", 120),
        "resp_max_length": ("50", "prompt.resp_max_length", 50),
        "per_device_train_batch_size": ("4", "baseline.micro_batch_size", 4),
        "num_train_epochs": ("3", "baseline.epochs", 3),
        "learning_rate": ("1e-5", "baseline.learning_rate", 1e-5),
        "num_warmup_steps": ("1000", "baseline.warmup_steps", 1000),
    },
    ("rl", "train"): {
        "rl_learning_rate": ("5e-6", "ppo.learning_rate", 5e-6),
        "rl_batch_size": ("4", "ppo.batch_size", 4),
        "rl_max_steps": ("1000", "ppo.max_steps", 1000),
        "bleu_weight": ("1.5", "rewards.bleu", 1.5),
        "empathy_weight": ("3.0", "rewards.empathy", 3.0),
        "recommendation_weight": ("2.5", "rewards.recommendation", 2.5),
        "distinct_weight": ("0.3", "rewards.distinct", 0.3),
        "ppo_clip_epsilon": ("0.13", "ppo.clip_epsilon", 0.13),
        "ppo_epochs": ("2", "ppo.epochs", 2),
        "critic_learning_rate": ("2e-5", "ppo.critic_learning_rate", 2e-5),
        "per_device_train_batch_size": ("1", "ppo.micro_batch_size", 1),
    },
}
CASES = [(command, flag, *rest) for command, flags in GUIDE.items() for flag, rest in flags.items()]
CASES += [(("run",), flag, *rest) for _, flag, *rest in CASES]


def settings_of(finished) -> dict:
    assert finished.code == 0, finished.err
    return json.loads(finished.out)["settings"]


def at(settings: dict, key: str) -> object:
    for part in key.split("."):
        settings = settings[part]
    return settings


@pytest.mark.parametrize(("command", "flag", "typed", "key", "value"), CASES)
def test_each_flag_of_the_guide_sets_its_setting_in_both_spellings(ecrctl, command, flag, typed, key, value) -> None:
    for spelling in (flag, flag.replace("_", "-")):
        shown = ecrctl(*command, "--dry-run", "--json", f"--{spelling}", typed)
        assert at(settings_of(shown), key) == value
        assert json.loads(shown.out)["origins"][key] == {"layer": "flag", "where": "--" + flag.replace("_", "-")}


def test_the_guides_own_rl_command_line(ecrctl) -> None:
    words = (
        "rl train --dataset redial --use_rl --rl_learning_rate 1e-5 --rl_batch_size 4 --rl_max_steps 1000 "
        "--bleu_weight 1.0 --empathy_weight 2.0 --recommendation_weight 1.5 "
        "--output_dir data/saved/emp_conv_rl_test --debug --log_all --dry-run --json"
    )
    shown = ecrctl(*words.split())
    assert settings_of(shown)["ppo"]["batch_size"] == 4
    assert json.loads(shown.out)["run"] == "data/saved/emp_conv_rl_test"


def test_the_whole_job_takes_the_guides_switches_and_its_folder(ecrctl) -> None:
    words = (
        "run --dataset redial --use_rl --output_dir data/saved/x --debug --log_all "
        "--per_device_train_batch_size 2 --dry-run --json"
    )
    shown = ecrctl(*words.split())
    settings = settings_of(shown)
    assert (settings["baseline"]["micro_batch_size"], settings["ppo"]["micro_batch_size"]) == (2, 2)
    assert json.loads(shown.out)["run"] == "data/saved/x"


def test_help_names_both_settings_of_a_flag_that_sets_two(ecrctl, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    shown = ecrctl("run", "--help").out
    line = next(line for line in shown.splitlines() if "--per-device-train-batch-size" in line)
    assert "Sets baseline.micro_batch_size and ppo.micro_batch_size." in line


@pytest.mark.parametrize(("key", "mode"), [("", "offline"), ("abc", "online")])
def test_use_wandb_is_offline_without_a_key(ecrctl, monkeypatch, tmp_path, key, mode) -> None:
    monkeypatch.setenv("WANDB_API_KEY", key)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert settings_of(ecrctl("rl", "train", "--use_wandb", "--dry-run", "--json"))["tracking"]["wandb"] == mode


def test_use_wandb_finds_a_login_in_netrc(ecrctl, monkeypatch, tmp_path) -> None:
    (tmp_path / ".netrc").write_text("machine api.wandb.ai login user password 0123\n", encoding="utf-8")
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert settings_of(ecrctl("rl", "train", "--use-wandb", "--dry-run", "--json"))["tracking"]["wandb"] == "online"


def test_general_flags(ecrctl) -> None:
    shown = settings_of(
        ecrctl(
            "run", "--seed", "7", "--device", "cpu", "--backbone", "smollm2-135m", "--skip_bad", "--dry-run", "--json"
        )
    )
    assert (shown["seed"], shown["device"], shown["backbone"]["name"]) == (7, "cpu", "smollm2-135m")
    assert shown["data"]["skip_bad"] is True


def test_a_switch_that_is_not_typed_leaves_the_file_alone(ecrctl, tmp_path) -> None:
    (tmp_path / "mine.toml").write_text("[data]\nskip_bad = true\n", encoding="utf-8")
    assert settings_of(ecrctl("run", "--config", "mine.toml", "--dry-run", "--json"))["data"]["skip_bad"] is True


def test_layers_in_their_order(ecrctl, tmp_path) -> None:
    (tmp_path / "mine.toml").write_text("[ppo]\nepochs = 5\nclip_epsilon = 0.25\n", encoding="utf-8")
    shown = settings_of(
        ecrctl(
            "run",
            "--profile",
            "conservative",
            "--profile",
            "empathy",
            "--config",
            "mine.toml",
            "--set",
            "ppo.epochs=7",
            "--dry-run",
            "--json",
        )
    )
    assert (shown["ppo"]["epochs"], shown["ppo"]["clip_epsilon"]) == (7, 0.25)
    assert shown["rewards"]["empathy"] == 3.0


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["--smoke"], ["--smoke=2"]),
        (["--smoke", "5"], ["--smoke=5"]),
        (["--smoke=5"], ["--smoke=5"]),
        (["--smoke", "--run", "5"], ["--smoke=2", "--run", "5"]),
        (["--run", "x"], ["--run", "x"]),
    ],
)
def test_smoke_may_stand_without_a_number(typed, expected) -> None:
    from ecrctl.tree import with_smoke_steps

    assert with_smoke_steps(typed) == expected
