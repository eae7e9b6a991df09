"""One small run for all tests of this folder; those that change it get a copy."""

from __future__ import annotations

import shutil

import pytest
import tiny_models  # noqa: F401  (one thread for tiny models)
from small_jobs import job

from ecr_engine.pipeline.job import run_job


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """The folder of a finished run; not to be changed."""
    folder = tmp_path_factory.mktemp("pipeline") / "straight"
    run_job(job(folder))
    return folder


@pytest.fixture
def copied(finished, tmp_path):
    """A copy of the finished run."""
    return shutil.copytree(finished, tmp_path / "copy", symlinks=True)
