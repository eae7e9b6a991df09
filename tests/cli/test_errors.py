"""Errors as they are printed: what, where, fix, and the exit code."""

from __future__ import annotations

import pytest

from ecr_engine.errors import EcrError
from ecrctl.errors import show_unexpected

CASES = {
    "a misspelt setting": (
        ["rl", "train", "--dry-run", "--set", "ppo.clip_epsilom=0.1"],
        2,
        "error: unknown setting 'ppo.clip_epsilom'\n"
        "  at   --set ppo.clip_epsilom=0.1\n"
        "  fix  did you mean 'ppo.clip_epsilon'?\n",
    ),
    "a misspelt profile": (
        ["rl", "train", "--dry-run", "--profile", "agressive"],
        2,
        "error: unknown profile 'agressive'\n  at   --profile agressive\n  fix  did you mean 'aggressive'?\n",
    ),
    "a misspelt flag": (
        ["rl", "train", "--ppo_clip_epsilom", "0.1"],
        2,
        "error: no such option: --ppo-clip-epsilom\n"
        "  at   ecrctl rl train\n"
        "  fix  did you mean '--ppo-clip-epsilon'?\n",
    ),
    "a flag like no other": (
        ["run", "--zzzzzz"],
        2,
        "error: no such option: --zzzzzz\n  at   ecrctl run\n  fix  ecrctl run --help\n",
    ),
    "a misspelt command": (
        ["rl", "trian"],
        2,
        "error: no such command 'trian'\n  at   ecrctl rl\n  fix  did you mean 'train'?\n",
    ),
    "a missing argument": (
        ["data", "stats"],
        2,
        "error: missing argument 'SOURCE'\n  at   ecrctl data stats\n  fix  ecrctl data stats --help\n",
    ),
    "a value of another kind": (
        ["run", "--seed", "x"],
        2,
        "error: input should be a valid integer, unable to parse string as an integer\n"
        "  at   ecrctl run --seed\n"
        "  fix  ecrctl run --help\n",
    ),
    "a value out of range": (
        ["rl", "train", "--dry-run", "--ppo_clip_epsilon", "3"],
        2,
        "error: ppo.clip_epsilon must be a number above 0 and below 1, not 3.0\n"
        "  at   --ppo-clip-epsilon\n"
        "  fix  for example the default: --ppo-clip-epsilon 0.2\n",
    ),
    "another data set": (
        ["train", "baseline", "--dataset", "inspired"],
        2,
        "error: unknown dataset 'inspired'\n"
        "  at   --dataset\n"
        "  fix  choose redial; files of your own go with --data DIR\n",
    ),
    "two run folders": (
        ["rl", "train", "--run", "a", "--output_dir", "b"],
        2,
        "error: two run folders: a and b\n  at   --run and --output-dir\n  fix  name one of them\n",
    ),
    "an unknown model": (
        ["model", "info", "tinny"],
        2,
        "error: unknown model 'tinny'\n  at   ecrctl model info\n  fix  did you mean 'tiny'?\n",
    ),
    "no such run": (
        ["runs", "show", "nowhere/demo"],
        3,
        "error: there is no run in 'nowhere/demo'\n"
        "  at   nowhere/demo/run.json\n"
        "  fix  see what there is: ecrctl runs list nowhere\n",
    ),
    "eval run without a checkpoint": (
        ["eval", "run"],
        2,
        "error: no checkpoint is named\n  at   ecrctl eval run\n  fix  name a run: ecrctl eval run runs/demo\n",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_error_text_and_exit_code(ecrctl, name) -> None:
    arguments, code, text = CASES[name]
    finished = ecrctl(*arguments)
    assert (finished.err, finished.code, finished.out) == (text, code, "")


def test_all_mistakes_at_once(ecrctl, monkeypatch) -> None:
    monkeypatch.setenv("ECR_PPO__CLIP_EPSILOM", "0.1")
    finished = ecrctl("run", "--dry-run", "--profile", "agressive", "--set", "ppo.epochs=0", "--device", "gpu")
    assert finished.code == 2
    assert [line for line in finished.err.splitlines() if line.startswith("error:")] == [
        "error: unknown profile 'agressive'",
        finished.err.splitlines()[3],
        "error: ppo.epochs must be a whole number of at least 1, not 0",
        "error: device must be one of auto, cpu, cuda, not 'gpu'",
    ]
    assert "clip_epsilon" in finished.err.lower()


@pytest.mark.parametrize("command", [("train", "baseline"), ("run",), ("rl", "train")])
def test_another_architecture_is_refused_even_in_a_dry_run(ecrctl, command) -> None:
    finished = ecrctl(*command, "--dry-run", "--backbone", "microsoft/DialoGPT-small")
    assert finished.code == 2
    assert "microsoft/DialoGPT-small" in finished.err
    assert "LlamaForCausalLM" in finished.err


def fail(error: Exception):
    def command(*arguments: object, **options: object) -> None:
        raise error

    return command


def test_an_engine_error_brings_its_traceback_only_under_verbose(ecrctl, monkeypatch) -> None:
    monkeypatch.setattr("ecrctl.jobs.start", fail(EcrError("it broke", at="here:1", fix="mend it")))
    short = ecrctl("run")
    assert (short.code, short.err) == (1, "error: it broke\n  at   here:1\n  fix  mend it\n")
    long = ecrctl("run", "--verbose")
    assert long.code == 1
    assert "Traceback" in long.err
    assert long.err.endswith("error: it broke\n  at   here:1\n  fix  mend it\n")


@pytest.mark.parametrize(("arguments", "has_traceback"), [([], False), (["--verbose"], True), (["--debug"], True)])
def test_a_fault_of_ours_is_one_line(monkeypatch, capsys, arguments, has_traceback) -> None:
    monkeypatch.setattr("sys.argv", ["ecrctl", "run", *arguments])
    error = ZeroDivisionError("division by zero")
    show_unexpected(type(error), error, None)
    text = capsys.readouterr().err
    if has_traceback:
        assert text.splitlines()[-1] == "ZeroDivisionError: division by zero"
    else:
        assert text == (
            "error: ZeroDivisionError: division by zero\n"
            "  fix  run again with --verbose for the traceback, and report it\n"
        )


def test_ctrl_c_is_130_and_says_how_to_go_on(ecrctl, monkeypatch) -> None:
    monkeypatch.setattr("ecr_engine.pipeline.job.run_job", fail(KeyboardInterrupt()))
    finished = ecrctl("run", "--run", "runs/x")
    assert finished.code == 130
    assert finished.err == (
        "interrupted; what is finished is kept in runs/x\n  fix  type the same command again to go on with it\n"
    )
