"""Files that are whole or not there."""

import json
import os
from pathlib import Path

import pytest

from ecr_engine.runs.atomic import replace_link, write_json, write_text


def test_replaces_and_leaves_nothing_beside(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    write_text(path, "new ä\n")
    assert path.read_bytes() == "new ä\n".encode()
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def full_disk(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space") as caught:
        write_text(path, "new")
    # The system does not say which file it was.
    assert caught.value.filename == str(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_json_without_nan(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"b": (1, 2.5), "a": {"loss": float("nan"), "best": float("-inf")}, "t": None, "é": True})
    assert path.read_text().splitlines()[1] == '  "b": ['
    assert json.loads(path.read_text()) == {
        "b": [1, 2.5],
        "a": {"loss": "nan", "best": "-inf"},
        "t": None,
        "é": True,
    }


def test_a_link_is_replaced(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        replace_link(tmp_path / "latest", name)
    assert (tmp_path / "latest").readlink() == Path("two")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["latest", "one", "two"]
