"""The corpora that can be fetched: their addresses, and the strict reading of labelled texts."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecr_engine.config.sections.data import FetchSettings
from ecr_engine.data.fetch.address import address_of, check_scheme
from ecr_engine.data.fetch.corpora import epitome, goemotions
from ecr_engine.data.fetch.corpus import CORPORA
from ecr_engine.data.fetch.rows import REFETCH
from ecr_engine.errors import DataError, UsageError

HEAD = "sp_id,rp_id,seeker_post,response_post,level,rationales\n"


def test_official_addresses() -> None:
    settings = FetchSettings().model_dump()
    found = {}
    for name in CORPORA.names():
        for file in CORPORA.build(name).files:
            address = address_of(file, settings)
            check_scheme(address)
            found[f"{name}/{file.name}"] = (address.url, address.sha256[:8])
    google = "https://raw.githubusercontent.com/google-research/google-research/master/goemotions/data"
    epitome_data = "https://raw.githubusercontent.com/behavioral-data/Empathy-Mental-Health/master/dataset"
    assert found == {
        "redial/redial_dataset.zip": (
            "https://github.com/ReDialData/website/raw/data/redial_dataset.zip",
            "b4875668",
        ),
        "goemotions/train.tsv": (f"{google}/train.tsv", "1c254a14"),
        "goemotions/dev.tsv": (f"{google}/dev.tsv", "575489c0"),
        "goemotions/test.tsv": (f"{google}/test.tsv", "0587b2dd"),
        "goemotions/labels.txt": (f"{google}/emotions.txt", "45c3ef86"),
        "epitome/emotional-reactions-reddit.csv": (f"{epitome_data}/emotional-reactions-reddit.csv", ""),
        "epitome/interpretations-reddit.csv": (f"{epitome_data}/interpretations-reddit.csv", ""),
        "epitome/explorations-reddit.csv": (f"{epitome_data}/explorations-reddit.csv", ""),
    }


def test_an_unknown_corpus() -> None:
    with pytest.raises(UsageError) as caught:
        CORPORA.build("redail")
    assert caught.value.problems[0].what == "unknown corpus 'redail'"
    assert caught.value.problems[0].fix == "did you mean 'redial'?"


@pytest.fixture
def emotions(tmp_path: Path) -> Path:
    (tmp_path / "labels.txt").write_text("anger\njoy\nneutral", encoding="utf-8")
    (tmp_path / "train.tsv").write_text('"so" glad\t1\tid1\nboth\t0,1\tid2\nwhat\t2\tid3\n', encoding="utf-8")
    (tmp_path / "dev.tsv").write_bytes("\ufeffhm…\t2\tid4\r\n".encode())
    (tmp_path / "test.tsv").write_text("argh\t0\tid5", encoding="utf-8")
    return tmp_path


def test_rows_and_labels_of_goemotions(emotions: Path) -> None:
    counts = goemotions.count(emotions)
    assert [(count.name, count.rows, count.labels) for count in counts] == [
        ("train.tsv", 3, {"anger": 1, "joy": 2, "neutral": 1}),
        ("dev.tsv", 1, {"anger": 0, "joy": 0, "neutral": 1}),
        ("test.tsv", 1, {"anger": 1, "joy": 0, "neutral": 0}),
    ]


@pytest.mark.parametrize(
    ("name", "content", "line", "what"),
    [
        ("dev.tsv", b"a\t1\tx\nb\t3\ty\n", 2, "'3' is no label id: they go from 0 to 2"),
        ("dev.tsv", b"a\t0,\tx\n", 1, "'' is no label id: they go from 0 to 2"),
        ("dev.tsv", b"a\t-1\tx\n", 1, "'-1' is no label id: they go from 0 to 2"),
        ("dev.tsv", "a\t²\tx\n".encode(), 1, "'²' is no label id: they go from 0 to 2"),
        ("dev.tsv", b"a\t1\n", 1, "the row has 2 fields, not text, label ids and comment id"),
        ("dev.tsv", b"a\t1\tx\n\n", 2, "the row has 1 fields, not text, label ids and comment id"),
        ("dev.tsv", b"a\t1\tx\n\xff\t1\ty\n", 2, "the line is not UTF-8"),
        ("labels.txt", b"joy\n\nanger\n", 2, "the line names no label"),
        ("labels.txt", b"joy\njoy\n", 2, "a label is named twice"),
    ],
)
def test_bad_rows_of_goemotions(emotions: Path, name: str, content: bytes, line: int, what: str) -> None:
    (emotions / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        goemotions.count(emotions)
    problem = caught.value.problems[0]
    assert (problem.what, problem.at, problem.fix) == (what, f"{emotions / name}:{line}", REFETCH)


@pytest.fixture
def empathy(tmp_path: Path) -> Path:
    for name in ("emotional-reactions", "interpretations"):
        (tmp_path / f"{name}-reddit.csv").write_text(HEAD + "s,r,sad,so sorry,2,so sorry|\n", encoding="utf-8")
    rows = 's1,r1,"two\nlines, here",ok,0,\ns2,r2,"he said ""no""",why?,2,"why?|"\n\ns3,r3,x,y,0,\n'
    (tmp_path / "explorations-reddit.csv").write_text(HEAD + rows, encoding="utf-8")
    return tmp_path


def test_levels_of_epitome(empathy: Path) -> None:
    counts = {count.name: (count.rows, count.labels) for count in epitome.count(empathy)}
    assert counts == {
        "emotional-reactions-reddit.csv": (1, {"0": 0, "1": 0, "2": 1}),
        "interpretations-reddit.csv": (1, {"0": 0, "1": 0, "2": 1}),
        "explorations-reddit.csv": (3, {"0": 2, "1": 0, "2": 1}),
    }


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        (HEAD + 's,r,"two\nlines",b,1,\ns,r,a,b,3,\n', 4, "'3' is no level: they are 0, 1 and 2"),
        (HEAD + "s,r,a,b,1\n", 2, "the row has 5 fields, not 6"),
        (HEAD + 's,r,a,b,1,\ns,r,"never closed,b,1,\n', 3, "the row can't be read: unexpected end of data"),
        ("", 1, "the file is empty"),
        (
            "id,text\n1,a\n",
            1,
            "the columns are id, text, not sp_id, rp_id, seeker_post, response_post, level, rationales",
        ),
    ],
)
def test_bad_rows_of_epitome(empathy: Path, content: str, line: int, what: str) -> None:
    path = empathy / "interpretations-reddit.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        epitome.count(empathy)
    problem = caught.value.problems[0]
    assert (problem.what, problem.at, problem.fix) == (what, f"{path}:{line}", REFETCH)
