"""No secret of the environment or of the command line gets into a run's folder, or to a tracker."""

from __future__ import annotations

import json

import pytest

from ecr_engine.config.resolve import resolve
from ecr_engine.pipeline.job import Job, run_job
from ecr_engine.runs.secrets import text_without_secrets, without_secrets

KEY = "planted-0123456789abcdef"
WANDB = "f00dfeed" * 5


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:pass@host/v1", "https://***@host/v1"),
        ("https://host/v1?api_key=abc&x=1", "https://host/v1?api_key=***&x=1"),
        ("--set token=abc", "--set token=***"),
        ("sk-abcdefghijklmnop", "***"),
        ("use hf_abcdefghijklmnop now", "use *** now"),
        ('secret = "abc def"', 'secret = "*** def"'),
        ("prompt.context_max_tokens=60", "prompt.context_max_tokens=60"),
        ("judge.tokens_per_minute=60", "judge.tokens_per_minute=60"),
        ("task-abcdefghijklmnopq", "task-abcdefghijklmnopq"),
        ("me@example.org", "me@example.org"),
        ('[wandb]\nproject = "planted-value-1"', '[wandb]\nproject = "***"'),
        ("disabled", "disabled"),
    ],
)
def test_what_is_a_secret(text, shown):
    environ = {"MY_API_KEY": "planted-value-1", "OTHER_TOKEN": "disabled", "PATH": "me@example.org"}
    assert text_without_secrets(text, environ) == shown


def test_secrets_deep_inside():
    found = without_secrets({"a": ["x", {"b": "planted-value-1"}], "n": 1, "z": None}, {"A_SECRET": "planted-value-1"})
    assert found == {"a": ["x", {"b": "***"}], "n": 1, "z": None}


def test_no_file_of_a_run_holds_a_secret(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("WANDB_API_KEY", WANDB)
    sets = ("tracking.wandb=offline", f"tracking.project={KEY}", "data.sample_dialogues=60")
    command = ("ecrctl", "run", *(word for each in sets for word in ("--set", each)), "--set", "token=tok-planted-7")
    # What wandb sees of the command line is that of its own process.
    monkeypatch.setattr("sys.argv", list(command))
    resolved = resolve(sets=sets, start=tmp_path, environ={})
    run_job(Job(resolved, tmp_path / "run", None, command), until="data")
    files = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert any(path.suffix == ".wandb" for path in files)
    for path in files:
        content = path.read_bytes()
        for secret in (KEY, WANDB, "tok-planted-7"):
            assert secret.encode() not in content, path
    recorded = json.loads((tmp_path / "run" / "run.json").read_text())["command"]
    assert recorded[3] == "tracking.wandb=offline"
    assert recorded[5] == "tracking.project=***"
    assert recorded[-1] == "token=***"
