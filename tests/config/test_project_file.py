"""The project file to begin with: it sets nothing, and each of its lines can be uncommented."""

from __future__ import annotations

import errno
import os
import tomllib

import pytest

from ecr_engine.config.project_file import project_file_text, write_project_file
from ecr_engine.config.resolve import resolve
from ecr_engine.errors import UsageError


def uncommented(text: str) -> str:
    lines = text.splitlines()
    return "\n".join(line.removeprefix("# ") if " = " in line and not line.endswith(".") else line for line in lines)


def test_it_sets_nothing(tmp_path) -> None:
    write_project_file(tmp_path)
    resolved = resolve(start=tmp_path, environ={})
    assert {origin.layer for origin in resolved.origins.values()} == {"default"}


def test_uncommented_it_sets_the_defaults(tmp_path) -> None:
    values = tomllib.loads(uncommented(project_file_text()))
    assert (values["seed"], values["ppo"]["epochs"], values["rewards"]["empathy"]) == (0, 4, 2.0)
    assert (values["evaluation"]["limit"], values["tracking"]["wandb"]) == ("none", "disabled")
    (tmp_path / "ecr.toml").write_text(uncommented(project_file_text()))
    resolved = resolve(start=tmp_path, environ={})
    assert resolved.settings == resolve(start=tmp_path.parent, environ={}).settings
    assert resolved.origins["ppo.clip_epsilon"].layer == "project file"


def test_each_setting_has_its_help() -> None:
    text = project_file_text()
    assert "# Range of the policy ratio. (a number above 0 and below 1)\n# clip_epsilon = 0.2\n" in text
    assert max(map(len, text.splitlines())) <= 100


def test_one_that_is_there_stays_unless_forced(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ecr.toml").write_text("seed = 7\n")
    with pytest.raises(UsageError) as caught:
        write_project_file(tmp_path)
    [problem] = caught.value.problems
    assert (problem.what, problem.at) == ("there is an ecr.toml already", "ecr.toml")
    assert problem.fix == "edit it, or begin again with: ecrctl init --force"
    assert (tmp_path / "ecr.toml").read_text() == "seed = 7\n"
    write_project_file(tmp_path, force=True)
    assert (tmp_path / "ecr.toml").read_text() == project_file_text()


@pytest.mark.parametrize("before", [None, "seed = 7\n"], ids=["new", "over another"])
def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch, before) -> None:
    path = tmp_path / "ecr.toml"
    if before is not None:
        path.write_text(before)

    def full(number):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device") as caught:
        write_project_file(tmp_path, force=before is not None)
    assert caught.value.filename == str(path)
    assert {each.name: each.read_text() for each in tmp_path.iterdir()} == ({"ecr.toml": before} if before else {})


def test_a_link_into_the_void_is_not_written_through(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ecr.toml").symlink_to(tmp_path / "elsewhere.toml")
    with pytest.raises(UsageError, match=r"there is an ecr\.toml already"):
        write_project_file(tmp_path)
    assert not (tmp_path / "elsewhere.toml").exists()


def test_force_keeps_a_link_a_link(tmp_path) -> None:
    (tmp_path / "shared.toml").write_text("seed = 7\n")
    (tmp_path / "ecr.toml").symlink_to("shared.toml")
    write_project_file(tmp_path, force=True)
    assert (tmp_path / "ecr.toml").is_symlink()
    assert (tmp_path / "shared.toml").read_text() == project_file_text()
