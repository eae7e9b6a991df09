"""`ecrctl data export` at the command line."""

from __future__ import annotations

import json

import pytest
from processed_data import write_processed


@pytest.fixture
def source(tmp_path):
    return write_processed(tmp_path / "p")


def test_export_says_what_it_wrote_and_how_to_read_it_back(ecrctl, source, tmp_path) -> None:
    finished = ecrctl("data", "export", "p", "--to", "alpaca", "--output", "out", "--set", "prompt.system=Be kind.")
    assert finished.code == 0, finished.err
    size = (tmp_path / "out" / "llama_test.json").stat().st_size
    assert [line.split() for line in finished.out.splitlines()[:4]] == [
        ["file", "examples", "size"],
        ["llama_train.json", "3", f"{(tmp_path / 'out' / 'llama_train.json').stat().st_size / 1024:.1f}", "KiB"],
        ["llama_valid.json", "0", "4", "B"],
        ["llama_test.json", "1", f"{size}", "B"],
    ]
    assert [line.split(maxsplit=1) for line in finished.out.splitlines()[-2:]] == [
        ["written", "4 examples in out"],
        ["read", "back  ecrctl data process out --output DIR"],
    ]
    row = json.loads((tmp_path / "out" / "llama_test.json").read_text(encoding="utf-8"))[0]
    assert row["instruction"] == "Be kind."


def test_export_as_json(ecrctl, source, tmp_path) -> None:
    finished = ecrctl(
        "data",
        "export",
        "p",
        "--to",
        "chat",
        "--output",
        "out",
        "--split",
        "train",
        "--limit",
        "2",
        "--names",
        "--json",
    )
    assert json.loads(finished.out) == {
        "folder": "out",
        "format": "chat",
        "files": [
            {
                "name": "train.chat.jsonl",
                "split": "train",
                "rows": 2,
                "left_out": 0,
                "size": (tmp_path / "out" / "train.chat.jsonl").stat().st_size,
            }
        ],
        "read_back": None,
    }
    last = (tmp_path / "out" / "train.chat.jsonl").read_text(encoding="utf-8").splitlines()[-1]
    assert json.loads(last)["messages"][-1] == {"role": "assistant", "content": "Try Alien (1979) & a movie"}


def test_export_of_a_run_uses_its_own_settings(ecrctl, tmp_path) -> None:
    write_processed(tmp_path / "r" / "data")
    (tmp_path / "r" / "run.json").write_text("{}")
    (tmp_path / "r" / "config.resolved.toml").write_text('[prompt]\nsystem = "Listen first."\n')
    finished = ecrctl("data", "export", "r", "--to", "sharegpt", "--output", "out", "--split", "test")
    assert finished.code == 0, finished.err
    (row,) = json.loads((tmp_path / "out" / "test.sharegpt.json").read_text(encoding="utf-8"))
    assert row["system"] == "Listen first."


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (
            ["--to", "sharegtp"],
            2,
            "error: unknown export format 'sharegtp'\n  at   --to\n  fix  did you mean 'sharegpt'?\n",
        ),
        (
            ["--to", "alpaca", "--prompt", "ecr"],
            3,
            "error: the prompt 'ecr' needs a knowledge graph, and the data was processed without one\n"
            "  at   p/knowledge.json\n"
            "  fix  process it again: ecrctl data process SOURCE --output DIR --knowledge DIR\n",
        ),
    ],
)
def test_errors_of_export(ecrctl, source, arguments, code, text) -> None:
    finished = ecrctl("data", "export", "p", *arguments, "--output", "out")
    assert (finished.code, finished.err) == (code, text)


def test_an_export_twice(ecrctl, source) -> None:
    words = ("data", "export", "p", "--to", "chat", "--output", "out")
    assert ecrctl(*words).code == 0
    second = ecrctl(*words)
    assert (second.code, second.err) == (
        2,
        "error: the output folder holds an earlier export\n  at   out\n  fix  replace it: --force\n",
    )
    assert ecrctl(*words, "--force").code == 0
