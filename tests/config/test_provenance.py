"""Revision, versions and hardware."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy
import pydantic

from ecr_engine.config.provenance import git_revision, hardware, package_versions, provenance


def git(folder, *arguments):
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_revision_of_a_checkout(tmp_path):
    git(tmp_path, "init")
    (tmp_path / "a").write_text("1")
    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "-m", "a")
    git(tmp_path, "tag", "-a", "v1", "-m", "v1")
    commit = git(tmp_path, "rev-parse", "HEAD")
    assert git_revision(tmp_path) == commit
    (tmp_path / "a").write_text("2")
    assert git_revision(tmp_path) == f"{commit}-dirty"


def test_a_folder_inside_of_another_checkout_has_no_revision(tmp_path):
    git(tmp_path, "init")
    git(tmp_path, "commit", "--allow-empty", "-m", "a")
    (tmp_path / "site-packages").mkdir()
    assert git_revision(tmp_path / "site-packages") is None


def test_without_git_there_is_no_revision(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_revision(tmp_path) is None


def test_versions_are_those_of_the_packages():
    versions = package_versions()
    assert versions["numpy"] == numpy.__version__
    assert versions["pydantic"] == pydantic.VERSION


def test_hardware():
    machine = hardware()
    assert machine.cpu_count == len(os.sched_getaffinity(0))
    total = re.search(r"MemTotal:\s+(\d+) kB", Path("/proc/meminfo").read_text())
    assert abs(machine.memory_mib - int(total.group(1)) / 1024) < 1
    assert machine.processor


def test_it_is_json():
    record = json.loads(json.dumps(provenance().to_json()))
    assert record["python"] == "{}.{}.{}".format(*sys.version_info[:3])
    assert set(record) == {"git_revision", "python", "packages", "hardware"}


def test_torch_is_not_imported_for_it():
    code = (
        "import sys; from ecr_engine.config.provenance import provenance; p = provenance();"
        "print([m for m in ('torch', 'transformers', 'wandb', 'scipy') if m in sys.modules], p.hardware.gpus)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] ()"
