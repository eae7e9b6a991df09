"""What the shell offers for values, asked for as bash asks, and without anything heavy."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ecrctl import completion


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for step in ("step-000010", "step-000020"):
        (tmp_path / "runs" / "demo" / "policy" / "checkpoints" / step).mkdir(parents=True)
    (tmp_path / "runs" / "demo" / "baseline").mkdir()
    (tmp_path / "runs" / "demo" / "run.json").write_text("{}")
    (tmp_path / "runs" / "notes").mkdir()
    (tmp_path / "warm.toml").write_text("")


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("ecrctl run --profile co", ["conservative"]),
        ("ecrctl run --profile wa", ["warm.toml"]),
        ("ecrctl run --set ppo.kl_c", ["ppo.kl_coefficient=", "ppo.kl_controller="]),
        ("ecrctl run --set device=c", ["device=cpu", "device=cuda"]),
        ("ecrctl run --backbone s", ["smollm2-135m"]),
        ("ecrctl runs show ru", ["runs/demo"]),
        ("ecrctl checkpoint show runs/demo:", ["runs/demo:baseline", "runs/demo:policy"]),
        ("ecrctl checkpoint show runs/demo:policy@step", [
            "runs/demo:policy@step-000010", "runs/demo:policy@step-000020"
        ]),
        ("ecrctl eval run --metric bleu_", ["bleu_1", "bleu_2", "bleu_3", "bleu_4"]),
        ("ecrctl rl train --reward emp", ["empathy="]),
        ("ecrctl model pull mini", ["minilm-l6"]),
        ("ecrctl profile diff agg", ["aggressive"]),
    ],
)  # fmt: skip
def test_what_bash_is_offered(line, offered) -> None:
    asked = {
        "_ECRCTL_COMPLETE": "complete_bash",
        "COMP_WORDS": line.replace(" ", "\n"),
        "COMP_CWORD": str(len(line.split()) - 1),
    }
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "from ecrctl.app import app; app(prog_name='ecrctl')"],
        env={**os.environ, **asked},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == offered
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert imported & {"torch", "transformers", "matplotlib", "scipy", "wandb"} == set()


def test_stages_are_those_of_the_job() -> None:
    from ecr_engine.pipeline.job import STAGES

    assert completion.stages("") == list(STAGES)
