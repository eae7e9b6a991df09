"""Whole corpora from a server on this machine: what lies where, what a second time does, what a stop leaves."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from loopback import Loopback, cut, loopback, status

from ecr_engine.config.sections.data import FetchSettings
from ecr_engine.data.fetch import How, fetch
from ecr_engine.data.fetch.progress import Advance, Notice
from ecr_engine.errors import DataError, EcrError, UnavailableError, UsageError

MEMBERS = {"train_data.jsonl": b"{}\n", "test_data.jsonl": b"{} \n", "movies_with_mentions.csv": b"movieId\n"}
SPLITS = {"train": b"so glad\t1\tid1\n", "dev": b"hm\t0\tid2\n", "test": b"ok\t0\tid3\n", "labels": b"neutral\njoy\n"}


def archive(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as handle:
        for name, content in members.items():
            handle.writestr(zipfile.ZipInfo(name), content)
    return packed.getvalue()


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture(scope="module")
def running():
    with loopback() as server:
        yield server


@pytest.fixture
def server(running: Loopback) -> Loopback:
    running.resources.clear()
    running.asked.clear()
    return running


class Fetching:
    """Fetches into one folder, and remembers what was told."""

    def __init__(self, server: Loopback, output: Path) -> None:
        self.server = server
        self.output = output
        self.raw = output / "raw"
        self.news: list[Advance | Notice] = []

    def redial(self, content: bytes, **how):
        if "/redial.zip" not in self.server.resources:
            self.server.add("/redial.zip", content)
        settings = FetchSettings(redial_url=self.server.url("/redial.zip"), redial_sha256=sha(content))
        return self("redial", settings, **how)

    def emotions(self, **how):
        changed = {}
        for name, content in SPLITS.items():
            if f"/{name}" not in self.server.resources:
                self.server.add(f"/{name}", content)
            changed[f"goemotions_{name}_url"] = self.server.url(f"/{name}")
            changed[f"goemotions_{name}_sha256"] = sha(content)
        return self("goemotions", FetchSettings(**changed), **how)

    def __call__(self, name: str, settings: FetchSettings, **how):
        return fetch(name, self.output, settings, listener=self.news.append, sleep=lambda seconds: None, **how)

    def left(self) -> list[str]:
        return sorted(path.relative_to(self.output).as_posix() for path in self.output.rglob("*"))


@pytest.fixture
def fetching(server: Loopback, tmp_path: Path) -> Fetching:
    return Fetching(server, tmp_path / "made" / "out")


def problem_of(kind: type[EcrError], call):
    with pytest.raises(kind) as caught:
        call()
    return caught.value.problems[0]


def test_redial_is_unpacked_beside_its_archive(fetching: Fetching) -> None:
    content = archive(MEMBERS)
    fetched = fetching.redial(content)
    assert fetching.left() == [
        "raw",
        "raw/SOURCE.json",
        "raw/movies_with_mentions.csv",
        "raw/redial_dataset.zip",
        "raw/test_data.jsonl",
        "raw/train_data.jsonl",
    ]
    assert {name: (fetching.raw / name).read_bytes() for name in MEMBERS} == MEMBERS
    assert [(file.source.name, file.how) for file in fetched.files] == [("redial_dataset.zip", How.DOWNLOADED)]


def test_the_record_of_the_source(fetching: Fetching, server: Loopback) -> None:
    content = archive(MEMBERS)
    fetching.redial(content)
    record = json.loads((fetching.raw / "SOURCE.json").read_text(encoding="utf-8"))
    assert record["format"] == "ecr-source/1"
    assert (record["corpus"], record["licence"]) == ("redial", "CC BY 4.0")
    assert record["citation"].endswith("Towards Deep Conversational Recommendations. NeurIPS 2018")
    assert record["files"] == [
        {
            "name": "redial_dataset.zip",
            "address": server.url("/redial.zip"),
            "taken_from": "",
            "sha256": sha(content),
            "bytes": len(content),
            "verified": True,
            "date": datetime.now(UTC).date().isoformat(),
        }
    ]
    assert [(file["name"], file["sha256"]) for file in record["unpacked"]] == [
        (name, sha(MEMBERS[name])) for name in sorted(MEMBERS)
    ]


def test_a_second_time_asks_for_nothing_and_changes_nothing(fetching: Fetching, server: Loopback) -> None:
    content = archive(MEMBERS)
    fetching.redial(content)
    before = (fetching.raw / "SOURCE.json").stat().st_mtime_ns
    server.asked.clear()
    fetched = fetching.redial(content)
    assert server.asked == []
    assert [file.how for file in fetched.files] == [How.KEPT]
    assert (fetching.raw / "SOURCE.json").stat().st_mtime_ns == before


def test_unpacked_files_that_changed_come_from_the_archive_again(fetching: Fetching, server: Loopback) -> None:
    content = archive(MEMBERS)
    fetching.redial(content)
    (fetching.raw / "train_data.jsonl").write_bytes(b"spoilt")
    (fetching.raw / "test_data.jsonl").unlink()
    server.asked.clear()
    fetching.redial(content)
    assert server.asked == []
    assert {name: (fetching.raw / name).read_bytes() for name in MEMBERS} == MEMBERS


def test_an_archive_that_changed_is_fetched_again(fetching: Fetching, server: Loopback) -> None:
    content = archive(MEMBERS)
    fetching.redial(content)
    (fetching.raw / "redial_dataset.zip").write_bytes(b"spoilt")
    server.asked.clear()
    fetching.redial(content)
    assert len(server.asked) == 1
    assert (fetching.raw / "redial_dataset.zip").read_bytes() == content


def test_force_fetches_what_is_there(fetching: Fetching, server: Loopback) -> None:
    content = archive(MEMBERS)
    fetching.redial(content)
    server.asked.clear()
    assert [file.how for file in fetching.redial(content, force=True).files] == [How.DOWNLOADED]
    assert [one.range for one in server.asked] == [""]


def test_another_archive_takes_the_place_of_the_first(fetching: Fetching, server: Loopback) -> None:
    fetching.redial(archive(MEMBERS))
    del server.resources["/redial.zip"]
    fetching.redial(archive({"in/train_data.jsonl": b"new\n", "in/test_data.jsonl": b"new\n"}))
    assert (fetching.raw / "train_data.jsonl").read_bytes() == b"new\n"
    assert not (fetching.raw / "movies_with_mentions.csv").exists()


def test_a_stop_after_the_download_of_another_archive(fetching: Fetching, server: Loopback) -> None:
    """The new archive is there, and what is unpacked is of the old one."""
    fetching.redial(archive(MEMBERS))
    changed = archive({**MEMBERS, "train_data.jsonl": b"new\n"})
    (fetching.raw / "redial_dataset.zip").write_bytes(changed)
    server.asked.clear()
    fetching.redial(changed)
    assert server.asked == []
    assert (fetching.raw / "train_data.jsonl").read_bytes() == b"new\n"


def test_several_files_and_which_of_them_were_there(fetching: Fetching, server: Loopback) -> None:
    server.add("/test", SPLITS["test"], status(404))
    problem = problem_of(UnavailableError, fetching.emotions)
    assert problem.at == server.url("/test")
    assert fetching.left() == ["raw", "raw/SOURCE.json", "raw/dev.tsv", "raw/train.tsv"]
    fetched = fetching.emotions()
    assert [(file.source.name, str(file.how)) for file in fetched.files] == [
        ("train.tsv", "was there"),
        ("dev.tsv", "was there"),
        ("test.tsv", "downloaded"),
        ("labels.txt", "downloaded"),
    ]
    record = json.loads((fetching.raw / "SOURCE.json").read_text(encoding="utf-8"))
    assert [file["name"] for file in record["files"]] == ["train.tsv", "dev.tsv", "test.tsv", "labels.txt"]


def test_a_failed_fetch_leaves_no_folder(fetching: Fetching, tmp_path: Path) -> None:
    fetching.server.add("/redial.zip", b"", status(404))
    problem_of(UnavailableError, lambda: fetching.redial(archive(MEMBERS)))
    assert list(tmp_path.iterdir()) == []


def test_a_cut_fetch_leaves_what_can_be_continued(fetching: Fetching, server: Loopback) -> None:
    content = archive({**MEMBERS, "more": os.urandom(50_000)})
    server.add("/redial.zip", content, cut(40_000), status(404))
    problem_of(UnavailableError, lambda: fetching.redial(content))
    assert fetching.left() == ["raw", "raw/redial_dataset.zip.part", "raw/redial_dataset.zip.part.json"]
    fetching.redial(content)
    assert server.asked[-1].range == "bytes=40000-"
    assert fetching.left()[-1] == "raw/train_data.jsonl"


@pytest.mark.parametrize(
    ("members", "what"),
    [
        ({"../out": b""}, "the archive is not safe: a member's path leaves the folder"),
        ({"train_data.jsonl": b"", "other": b""}, "the archive holds no test_data.jsonl"),
        (
            {**MEMBERS, "SOURCE.json": b"{}"},
            "the archive is not safe: a member would overwrite a file of ours",
        ),
        (
            {**MEMBERS, "redial_dataset.zip": b"{}"},
            "the archive is not safe: a member would overwrite a file of ours",
        ),
    ],
)
def test_of_a_bad_archive_nothing_is_unpacked(fetching: Fetching, tmp_path: Path, members, what: str) -> None:
    problem = problem_of(DataError, lambda: fetching.redial(archive(members)))
    assert problem.what == what
    assert problem.at.startswith(str(fetching.raw / "redial_dataset.zip"))
    assert fetching.left() == ["raw", "raw/redial_dataset.zip"]
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_a_local_file_in_place_of_a_download(fetching: Fetching, server: Loopback, tmp_path: Path) -> None:
    content = archive(MEMBERS)
    mine = tmp_path / "mine.zip"
    mine.write_bytes(content)
    fetched = fetching.redial(content, source=mine)
    assert server.asked == []
    assert (fetched.files[0].how, fetched.files[0].source.taken_from) == (How.COPIED, "mine.zip")
    assert (fetching.raw / "train_data.jsonl").read_bytes() == b"{}\n"
    assert mine.read_bytes() == content


def test_a_local_file_is_held_to_the_hash_and_kept(fetching: Fetching, tmp_path: Path) -> None:
    mine = tmp_path / "mine.zip"
    mine.write_bytes(b"another")
    problem = problem_of(DataError, lambda: fetching.redial(archive(MEMBERS), source=mine))
    assert problem.what.startswith("what came is not the file asked for: its SHA-256 is ")
    assert problem.at == str(mine)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.zip"]


def test_a_local_folder_under_either_name(fetching: Fetching, server: Loopback, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    for name in ("train.tsv", "dev.tsv", "test.tsv"):
        (mine / name).write_bytes(SPLITS[name[:-4]])
    problem = problem_of(DataError, lambda: fetching.emotions(source=mine))
    assert problem.what == "the file can't be taken from here: there is no labels.txt in it"
    assert problem.fix == f"get it from {server.url('/labels')}, and give it or its folder"
    (mine / "labels").write_bytes(SPLITS["labels"])
    fetching.emotions(source=mine)
    assert (fetching.raw / "labels.txt").read_bytes() == b"neutral\njoy\n"
    assert server.asked == []


def test_what_can_not_be_taken(fetching: Fetching, tmp_path: Path) -> None:
    one = tmp_path / "one.tsv"
    one.write_bytes(b"")
    problem = problem_of(UsageError, lambda: fetching.emotions(source=one))
    assert (problem.what, problem.fix) == ("the corpus is several files, and this is one", "give the folder of them")
    problem = problem_of(DataError, lambda: fetching.emotions(source=tmp_path / "none"))
    assert problem.what == "the file can't be taken from here: it does not exist"


def test_a_hash_that_is_not_known_is_shown_and_remembered(fetching: Fetching, tmp_path: Path) -> None:
    content = archive(MEMBERS)
    mine = tmp_path / "mine.zip"
    mine.write_bytes(content)
    settings = FetchSettings(redial_sha256="")
    fetched = fetching("redial", settings, source=mine)
    assert fetched.files[0].source.verified is False
    warning = Notice(
        "redial_dataset.zip: its SHA-256 is not known, so nothing vouches for it; "
        f"if you trust it: --set fetch.redial_sha256={sha(content)}",
        is_warning=True,
    )
    assert fetching.news[-1] == warning
    again = fetching("redial", settings, source=tmp_path / "none")
    assert (again.files[0].how, fetching.news[-1]) == (How.KEPT, warning)


def test_folders_that_hold_other_things(fetching: Fetching) -> None:
    fetching.raw.mkdir(parents=True)
    (fetching.raw / "thesis.tex").write_text("mine")
    problem = problem_of(UsageError, fetching.emotions)
    assert problem.what == "the folder holds other files, such as thesis.tex"
    (fetching.raw / "thesis.tex").unlink()
    fetching.emotions()
    problem = problem_of(UsageError, lambda: fetching.redial(b""))
    assert (problem.what, problem.at) == ("the folder holds the corpus goemotions", str(fetching.raw))
    (fetching.raw / "SOURCE.json").write_text("{")
    problem = problem_of(DataError, fetching.emotions)
    assert problem.what == "the record of where the files are from can't be read"


def test_an_output_that_is_a_file(fetching: Fetching) -> None:
    fetching.output.parent.mkdir()
    fetching.output.write_text("x")
    assert problem_of(UsageError, fetching.emotions).what == f"'{fetching.output}' is a file"


CHILD = """
import sys
from pathlib import Path
from ecr_engine.config.sections.data import FetchSettings
from ecr_engine.data.fetch import fetch
settings = FetchSettings(redial_url=sys.argv[1], redial_sha256=sys.argv[2])
fetch("redial", Path(sys.argv[3]), settings, listener=lambda news: print("came", flush=True))
"""


def test_a_killed_fetch_is_continued(fetching: Fetching, server: Loopback) -> None:
    content = archive({**MEMBERS, "more": os.urandom(300_000)})

    def stall(handler, resource) -> None:
        handler.head(200, resource, len(content))
        handler.wfile.write(content[:200_000])
        handler.wfile.flush()
        time.sleep(20)

    server.add("/redial.zip", content, stall)
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, server.url("/redial.zip"), sha(content), str(fetching.output)],
        stdout=subprocess.DEVNULL,
    )
    part = fetching.raw / "redial_dataset.zip.part"
    deadline = time.monotonic() + 10
    while (not part.exists() or part.stat().st_size < 200_000) and time.monotonic() < deadline:
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert part.stat().st_size == 200_000
    fetching.redial(content)
    assert [one.range for one in server.asked] == ["", "bytes=200000-"]
    assert (fetching.raw / "redial_dataset.zip").read_bytes() == content
    assert not part.exists()


def test_importing_it_needs_nothing_heavy() -> None:
    code = "import sys, ecr_engine.data.fetch; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(re.findall(r"^\S+|(?<= )\S+", done.stdout))
    assert loaded.isdisjoint({"torch", "transformers", "scipy", "matplotlib", "wandb"})
    assert "httpx" in loaded
