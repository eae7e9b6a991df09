"""Profiles of one's own: checked with every mistake at once, written from others, never over a file."""

from __future__ import annotations

import errno
import itertools
import os
import tomllib
from pathlib import Path

import pytest

from ecr_engine.config.profile_files import create, validate
from ecr_engine.config.profiles import load_profile, profile_names
from ecr_engine.config.resolve import resolve
from ecr_engine.errors import UsageError


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)


def settings(name: str):
    return resolve(profiles=[name], start=Path("/"), environ={}).settings


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(profile_names(), 2)), ids="-".join)
def test_each_pair_of_profiles_differs(first, second) -> None:
    assert settings(first) != settings(second)


@pytest.mark.parametrize("name", profile_names())
def test_the_shipped_ones_are_right_and_change_something(name) -> None:
    assert validate(name).problems == ()
    assert settings(name) != resolve(start=Path("/"), environ={}).settings or name == "balanced"


def test_every_mistake_with_its_line() -> None:
    Path("p.toml").write_text('[profile]\nsummary = "s"\nwhen = "w"\n\n[ppo]\nepochs = 0\nclip_epsilom = 0.1\n')
    found = [(problem.what, problem.at) for problem in validate("p.toml").problems]
    assert found == [
        ("unknown setting 'ppo.clip_epsilom'", "p.toml:7"),
        ("ppo.epochs must be a whole number of at least 1, not 0", "p.toml:6"),
    ]


def test_neither_project_file_nor_environment_count(monkeypatch) -> None:
    Path("ecr.toml").write_text("seed = -1\n")
    monkeypatch.setenv("ECR_SEEED", "1")
    assert validate("balanced").problems == ()
    assert [problem.at for problem in validate("ecr.toml").problems] == ["ecr.toml:1"]


def test_a_profile_from_another_and_a_setting() -> None:
    made = create("warm", based_on=["empathy"], sets=["ppo.epochs=2", "seed=3", "rewards.bleu=0.25"], when="At night.")
    assert made.path == Path("warm.toml")
    assert tomllib.loads(Path("warm.toml").read_text()) == {
        "seed": 3,
        "profile": {
            "summary": "empathy with rewards.empathy, rewards.bleu, rewards.distinct and 2 more of its own.",
            "when": "At night.",
        },
        "rewards": {"empathy": 3.0, "bleu": 0.25, "distinct": 0.3},
        "ppo": {"epochs": 2},
    }
    assert validate("warm.toml").problems == ()
    assert settings("warm.toml").rewards["bleu"] == 0.25


def test_values_come_back_as_they_were() -> None:
    create("odd", sets=["ppo.value_clip=none", 'prompt.system="a \\"b\\"\\nc ä"', "curriculum.empathy.start=0.5"])
    loaded = settings("odd.toml")
    assert (loaded.ppo.value_clip, loaded.prompt.system) == (None, 'a "b"\nc ä')
    assert load_profile("odd.toml").values["curriculum"] == {"empathy": {"start": 0.5}}


@pytest.mark.parametrize(
    ("name", "sets", "what", "fix"),
    [
        ("there", ["seed=1"], "there is a file 'there.toml' already",
         "edit it, or name another: ecrctl profile create there-2"),
        ("balanced", ["seed=1"], "there is a shipped profile 'balanced'",
         "name yours otherwise: ecrctl profile create my-balanced --from balanced"),
        ("a b", ["seed=1"], "'a b' can't be the name of a profile",
         "use letters, digits, - and _, such as ecrctl profile create warm --set rewards.empathy=3"),
        ("empty", [], "the profile would change nothing", "ecrctl profile create empty --set ppo.epochs=2"),
        ("gone/warm.toml", ["seed=1"], "there is no folder 'gone'", "mkdir -p gone"),
    ],
)  # fmt: skip
def test_what_is_refused(name, sets, what, fix) -> None:
    Path("there.toml").write_text("mine")
    with pytest.raises(UsageError) as caught:
        create(name, sets=sets)
    [problem] = caught.value.problems
    assert (problem.what, problem.fix) == (what, fix)
    assert [(path.name, path.read_text()) for path in Path().iterdir()] == [("there.toml", "mine")]


def test_more_than_40_lines_are_refused() -> None:
    keys = [key for key in type(settings("balanced").ppo).model_fields if key != "clip_epsilon_high"]
    values = settings("balanced").ppo.model_dump()
    sets = [f"ppo.{key}={'none' if values[key] is None else str(values[key]).lower()}" for key in keys]
    sets += [f"critic.{key}={settings('balanced').critic.model_dump()[key]}" for key in ("layers", "heads", "epochs")]
    with pytest.raises(UsageError, match="a profile has at most 40 lines, this one would have"):
        create("long", sets=sets)
    assert not Path("long.toml").exists()


def test_a_full_disk_leaves_no_profile(tmp_path, monkeypatch) -> None:
    def full(number):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device") as caught:
        create("warm", based_on=["empathy"])
    assert caught.value.filename == "warm.toml"
    assert list(tmp_path.iterdir()) == []


def test_a_link_into_the_void_is_a_file_that_is_there(tmp_path) -> None:
    (tmp_path / "warm.toml").symlink_to("elsewhere.toml")
    with pytest.raises(UsageError, match=r"there is a file 'warm\.toml' already"):
        create("warm", based_on=["empathy"])
    assert not (tmp_path / "elsewhere.toml").exists()


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path) -> None:
    text = '\ufeff[profile]\r\nsummary = "a"\r\nwhen = "b"\r\n\r\n[ppo]\r\nepochs = 3\r\nepoch = 4\r\n'
    (tmp_path / "marked.toml").write_bytes(text.encode())
    [problem] = validate("marked.toml").problems
    assert (problem.what, problem.at) == ("unknown setting 'ppo.epoch'", "marked.toml:7")
    (tmp_path / "marked.toml").write_bytes(text.replace("epoch = 4\r\n", "").encode())
    assert settings("marked.toml").ppo.epochs == 3
