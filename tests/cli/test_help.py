"""Help: every command explains itself with examples, and none of it loads anything heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from ecrctl.app import app

HEAVY = ("torch", "transformers", "matplotlib", "peft", "scipy", "wandb", "numpy", "accelerate", "pydantic_settings")
COMMANDS = {
    "run": (),
    "data": ("sample", "fetch", "process", "annotate", "validate", "stats", "show", "export"),
    "train": ("baseline", "critic", "emotion", "empathy"),
    "score": ("run", "merge", "agree", "report"),
    "rl": ("train", "rewards", "critic"),
    "eval": ("run", "generate", "rescore", "judge"),
    "compare": (),
    "runs": ("list", "show", "watch", "report", "remove"),
    "checkpoint": ("list", "show", "verify", "diff", "prune", "export", "import"),
    "chat": (),
    "profile": ("list", "show", "diff", "validate", "create"),
    "model": ("list", "info", "pull"),
    "init": (),
    "doctor": (),
}
LEAVES = [(group, name) for group, names in COMMANDS.items() for name in names or ("",)]
LEAVES = [tuple(word for word in leaf if word) for leaf in LEAVES]
COMMON = ("--json", "--quiet", "--verbose")
STAGE_FLAGS = (
    "--profile",
    "--config",
    "--set",
    "--run",
    "--seed",
    "--device",
    "--dry-run",
    "--smoke",
    "--limit",
    "--data",
    "--backbone",
    "--skip-bad",
)


def test_the_tree_in_the_order_of_the_work() -> None:
    root = get_command(app)
    assert isinstance(root, TyperGroup)
    assert {name: tuple(getattr(command, "commands", {})) for name, command in root.commands.items()} == COMMANDS
    assert root.list_commands(None) == list(ORDER)


ORDER = (
    *("run", "data", "train", "score", "rl", "eval", "compare", "runs", "checkpoint", "chat"),
    *("profile", "model", "init", "doctor"),
)


@pytest.mark.parametrize("command", LEAVES, ids=" ".join)
def test_every_command_has_examples_and_the_common_flags(ecrctl, command) -> None:
    shown = ecrctl(*command, "--help")
    assert shown.code == 0
    assert "Examples:" in shown.out
    assert f"ecrctl {' '.join(command)}" in shown.out.partition("Examples:")[2]
    assert [flag for flag in COMMON if flag not in shown.out.split()] == []


@pytest.mark.parametrize(
    "command", [("run",), ("train", "baseline"), ("train", "critic"), ("rl", "train")], ids=" ".join
)
def test_whatever_spends_time_has_the_flags_of_a_job(ecrctl, command) -> None:
    words = ecrctl(*command, "--help").out.split()
    assert [flag for flag in STAGE_FLAGS if flag not in words] == []


def test_no_flag_is_cut_short_on_an_80_column_terminal(ecrctl, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    words = ecrctl("rl", "train", "--help").out.split()
    assert "--per-device-train-batch-size" in words
    assert "--recommendation-weight" in words


def test_no_arguments_show_the_help(ecrctl) -> None:
    shown = ecrctl()
    assert shown.code == 0
    assert "The whole job" in shown.out


def test_a_group_alone_shows_its_commands_and_is_wrong_usage(ecrctl) -> None:
    shown = ecrctl("rl")
    assert (shown.code, shown.err) == (2, "")
    assert {"train", "rewards"} <= set(shown.out.split())


def test_no_help_imports_anything_heavy() -> None:
    code = (
        "import sys\nfrom ecrctl.__main__ import invoke\n"
        f"for command in {LEAVES!r}:\n"
        "    try:\n        invoke([*command, '--help'])\n    except SystemExit:\n        pass\n"
        f"    print(command, [m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines() == [f"{command} []" for command in LEAVES]


def test_a_dry_run_imports_no_torch(tmp_path) -> None:
    code = (
        "import sys\nfrom ecrctl.__main__ import invoke\nassert invoke(['run', '--dry-run']) == 0\n"
        "print([m for m in ('torch', 'transformers', 'matplotlib') if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stderr == "[]\n"


def test_version(ecrctl) -> None:
    assert ecrctl("--version").out == "ecrctl 0.1.0\n"
