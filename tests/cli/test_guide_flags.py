"""The guide's command lines for PPO, as it types them: its Step 5, its tuning, its debugging and its common issues."""

from __future__ import annotations

import json

import pytest

STEP_5 = (
    "--dataset redial --use_rl --rl_learning_rate 1e-5 --rl_batch_size 4 --rl_max_steps 1000 "
    "--bleu_weight 1.0 --empathy_weight 2.0 --recommendation_weight 1.5 "
    "--output_dir data/saved/emp_conv_rl_test --debug"
)
LINES = {
    "step 5": (
        STEP_5,
        {
            "ppo.learning_rate": 1e-5,
            "ppo.batch_size": 4,
            "ppo.max_steps": 1000,
            "rewards.bleu": 1.0,
            "rewards.empathy": 2.0,
            "rewards.recommendation": 1.5,
        },
    ),
    "empathy-focused": (
        "--empathy_weight 3.0 --bleu_weight 0.5 --distinct_weight 0.3",
        {"rewards.empathy": 3.0, "rewards.bleu": 0.5, "rewards.distinct": 0.3},
    ),
    "recommendation-focused": (
        "--recommendation_weight 2.5 --bleu_weight 1.0 --empathy_weight 1.0",
        {"rewards.recommendation": 2.5, "rewards.bleu": 1.0, "rewards.empathy": 1.0},
    ),
    "balanced": (
        "--bleu_weight 1.0 --empathy_weight 2.0 --recommendation_weight 1.5 --distinct_weight 0.5",
        {"rewards.bleu": 1.0, "rewards.empathy": 2.0, "rewards.recommendation": 1.5, "rewards.distinct": 0.5},
    ),
    "conservative": (
        "--ppo_clip_epsilon 0.1 --ppo_epochs 2 --rl_learning_rate 5e-6",
        {"ppo.clip_epsilon": 0.1, "ppo.epochs": 2, "ppo.learning_rate": 5e-6},
    ),
    "aggressive": (
        "--ppo_clip_epsilon 0.3 --ppo_epochs 6 --rl_learning_rate 2e-5",
        {"ppo.clip_epsilon": 0.3, "ppo.epochs": 6, "ppo.learning_rate": 2e-5},
    ),
    "debug mode": ("--debug --log_all", {}),
    "out of memory": (
        "--rl_batch_size 2 --per_device_train_batch_size 1",
        {"ppo.batch_size": 2, "ppo.micro_batch_size": 1},
    ),
    "instability": (
        "--ppo_clip_epsilon 0.1 --ppo_epochs 2 --rl_learning_rate 5e-6",
        {"ppo.clip_epsilon": 0.1, "ppo.epochs": 2, "ppo.learning_rate": 5e-6},
    ),
    "poor convergence": (
        "--bleu_weight 0.5 --empathy_weight 1.0 --recommendation_weight 0.5",
        {"rewards.bleu": 0.5, "rewards.empathy": 1.0, "rewards.recommendation": 0.5},
    ),
    "critic": ("--critic_learning_rate 2e-5", {"ppo.critic_learning_rate": 2e-5}),
}
FLAGS = {
    "--dataset": "redial",
    "--use_rl": None,
    "--rl_learning_rate": "1e-5",
    "--rl_batch_size": "4",
    "--rl_max_steps": "1000",
    "--bleu_weight": "1.0",
    "--empathy_weight": "2.0",
    "--recommendation_weight": "1.5",
    "--distinct_weight": "0.5",
    "--output_dir": "data/saved/emp_conv_rl_test",
    "--debug": None,
    "--log_all": None,
    "--use_wandb": None,
    "--ppo_clip_epsilon": "0.1",
    "--ppo_epochs": "2",
    "--per_device_train_batch_size": "1",
    "--critic_learning_rate": "2e-5",
}
"""Every flag that the guide types for PPO, with a value as it types one."""


def value_at(settings: dict, key: str) -> object:
    for part in key.split("."):
        settings = settings[part]
    return settings


@pytest.mark.parametrize("command", [("rl", "train"), ("run",)])
@pytest.mark.parametrize("name", LINES)
def test_each_line_of_the_guide(ecrctl, command, name) -> None:
    line, expected = LINES[name]
    for typed in (line.split(), [w.replace("_", "-") if w.startswith("--") else w for w in line.split()]):
        shown = ecrctl(*command, *typed, "--dry-run", "--json")
        assert shown.code == 0, shown.err
        document = json.loads(shown.out)
        assert {key: value_at(document["settings"], key) for key in expected} == expected
        assert all(document["origins"][key]["layer"] == "flag" for key in expected)


def test_the_lines_hold_every_flag_but_the_one_for_wandb() -> None:
    typed = {word for line, _ in LINES.values() for word in line.split() if word.startswith("--")}
    assert typed | {"--use_wandb"} == set(FLAGS)


@pytest.mark.parametrize("flag", FLAGS)
def test_each_flag_by_itself_in_both_spellings(ecrctl, flag) -> None:
    value = [] if FLAGS[flag] is None else [FLAGS[flag]]
    for spelling in (flag, flag.replace("_", "-")):
        shown = ecrctl("rl", "train", spelling, *value, "--dry-run", "--json")
        assert shown.code == 0, shown.err


@pytest.mark.parametrize("flag", FLAGS)
def test_each_flag_is_in_the_help(ecrctl, monkeypatch, flag) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert flag.replace("_", "-") in ecrctl("rl", "train", "--help").out.split()


ALL = ["data", "baseline", "judge", "critic", "rl"]


@pytest.mark.parametrize(
    ("typed", "stages"),
    [
        ([], ALL),
        (["--use_rl"], ALL),
        (["--use_rl", "true"], ALL),
        (["--use-rl=True"], ALL),
        (["--use_rl", "false"], ["data", "baseline"]),
        (["--use-rl=False"], ["data", "baseline"]),
        (["--use_rl", "--dry-run"], ALL),
    ],
)
def test_use_rl_may_have_a_value(ecrctl, typed, stages) -> None:
    shown = ecrctl("rl", "train", *typed, "--dry-run", "--json")
    assert shown.code == 0, shown.err
    assert [stage["stage"] for stage in json.loads(shown.out)["plan"]] == stages


def test_the_whole_job_without_rl_ends_with_the_baseline(ecrctl) -> None:
    shown = ecrctl("run", "--use_rl", "false", "--dry-run", "--json")
    assert [stage["stage"] for stage in json.loads(shown.out)["plan"]] == ["data", "baseline"]


@pytest.mark.parametrize("command", [("rl", "train"), ("run",)])
@pytest.mark.parametrize("flag", ["--on-warning", "--on_warning"])
def test_what_a_warning_does(ecrctl, command, flag) -> None:
    shown = ecrctl(*command, flag, "stop", "--dry-run", "--json")
    assert json.loads(shown.out)["settings"]["health"]["on_warning"] == "stop"


def test_a_warning_stops_or_does_not(ecrctl) -> None:
    shown = ecrctl("rl", "train", "--on-warning", "halt", "--dry-run")
    assert shown.code == 2
    assert shown.err == (
        "error: health.on_warning must be one of stop, continue, not 'halt'\n"
        "  at   --on-warning\n"
        "  fix  choose from: stop, continue\n"
    )


def test_on_warning_of_another_command(ecrctl) -> None:
    shown = ecrctl("train", "critic", "--on-warning", "stop")
    assert shown.err.endswith("  fix  --set health.on_warning=stop\n")


@pytest.mark.parametrize(("flag", "whole"), [("--debug", True), ("--log_all", True), (None, False)])
def test_debug_and_log_all_tell_every_event(flag, whole) -> None:
    from ecrctl.guide import Switches
    from ecrctl.options import Output

    switches = Switches(debug=flag == "--debug", log_all=flag == "--log_all")
    assert switches.speech(Output()).verbose is whole


def test_debug_shows_the_traceback(ecrctl) -> None:
    words = ("rl", "train", "--dry-run", "--rl_batch_size", "0")
    assert "Traceback" not in ecrctl(*words).err
    assert "Traceback" in ecrctl(*words, "--debug").err


def test_the_guides_curriculum_is_shown_with_its_origins(ecrctl, tmp_path) -> None:
    (tmp_path / "mine.toml").write_text("[curriculum.empathy]\nstart = 0.5\nend = 2.0\n", encoding="utf-8")
    shown = ecrctl("profile", "show", "--resolved", "--config", "mine.toml").out.splitlines()
    place = shown.index("[curriculum.empathy]")
    assert [" ".join(line.split()) for line in shown[place + 1 : place + 6]] == [
        "start = 0.5 # --config: mine.toml:2",
        "end = 2.0 # --config: mine.toml:3",
        "from = 0.0",
        "until = 1.0",
        'shape = "linear"',
    ]
