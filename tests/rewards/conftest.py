"""Puts this folder on the path, and makes the corpora that the tests of rewards share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ecr_engine.data.process import process
from ecr_engine.data.sample.writer import write_sample

SAMPLE_DIALOGUES = 240


@pytest.fixture(scope="session")
def sample_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A processed folder of generated dialogues."""
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder / "raw", dialogues=SAMPLE_DIALOGUES, movies=120, seed=0)
    process(folder / "raw", folder / "processed", validation_share=0.1, test_share=0.15, skip_bad=False)
    return folder / "processed"


@pytest.fixture(scope="session")
def redial_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ReDial, processed; it stands beside the checkout or where `REDIAL_FOLDER` says."""
    place = Path(os.environ.get("REDIAL_FOLDER", Path(__file__).parents[3] / "shared" / "data" / "redial"))
    if not (place / "train_data.jsonl").is_file():
        pytest.skip("no ReDial beside the checkout: put it into ../shared/data/redial, or set REDIAL_FOLDER")
    folder = tmp_path_factory.mktemp("redial") / "processed"
    process(place, folder, validation_share=0.1, test_share=0.15, skip_bad=True)
    return folder
