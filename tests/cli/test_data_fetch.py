"""`ecrctl data fetch`: what it prints, and how it ends."""

from __future__ import annotations

import hashlib
import io
import json
import signal
import zipfile

import pytest
from loopback import Loopback, cut, loopback, status

from ecr_engine.data.fetch.progress import Advance, Notice
from ecrctl.signals import Ended
from ecrctl.ui.fetch_view import Lines

DIALOGUE = {
    "conversationId": "7",
    "initiatorWorkerId": 1,
    "respondentWorkerId": 2,
    "movieMentions": {"100": "Up (2009)"},
    "initiatorQuestions": {"100": {"suggested": 1, "seen": 0, "liked": 1}},
    "respondentQuestions": {"100": {"suggested": 1, "seen": 0, "liked": 1}},
    "messages": [
        {"timeOffset": 0, "text": "I feel sad today", "senderWorkerId": 1, "messageId": 1},
        {"timeOffset": 9, "text": "I am sorry. Try @100", "senderWorkerId": 2, "messageId": 2},
    ],
}
EMOTIONS = {
    "train": b"so glad\t1\tid1\nboth\t0,1\tid4\n",
    "dev": b"hm\t0\tid2\n",
    "test": b"ok\t0\tid3\n",
    "labels": b"neutral\njoy\n",
}


def redial() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as handle:
        for split, number in (("train", "7"), ("test", "8")):
            dialogue = json.dumps({**DIALOGUE, "conversationId": number}) + "\n"
            handle.writestr(zipfile.ZipInfo(f"{split}_data.jsonl"), dialogue)  # its date is always the same
    return packed.getvalue()


@pytest.fixture(scope="module")
def running():
    with loopback() as server:
        yield server


@pytest.fixture
def server(running: Loopback) -> Loopback:
    running.resources.clear()
    running.asked.clear()
    return running


def settings(server: Loopback, key: str, content: bytes) -> list[str]:
    digest = hashlib.sha256(content).hexdigest()
    return ["--set", f"fetch.{key}_url={server.url('/' + key)}", "--set", f"fetch.{key}_sha256={digest}"]


@pytest.fixture
def fetch_redial(ecrctl, server):
    content = redial()
    server.add("/redial", content)

    def fetch(*more: str):
        places = settings(server, "redial", content)
        return ecrctl("data", "fetch", "redial", "--output", "out", "--set", "data.validation_share=0", *places, *more)

    return fetch


@pytest.fixture
def fetch_emotions(ecrctl, server):
    places = []
    for name, content in EMOTIONS.items():
        server.add(f"/goemotions_{name}", content)
        places += settings(server, f"goemotions_{name}", content)
    return lambda *more: ecrctl("data", "fetch", "goemotions", "--output", "out", *places, *more)


def test_redial_becomes_examples(fetch_redial, tmp_path) -> None:
    finished = fetch_redial()
    assert finished.code == 0, finished.err
    content = redial()
    rows = [line.split() for line in finished.out.splitlines()]
    digest = hashlib.sha256(content).hexdigest()[:16]
    assert rows[1] == ["redial_dataset.zip", f"{len(content):,}", digest, "verified", "downloaded"]
    assert ["train", "1", "2", "1", "1", "1", "0"] in rows
    assert ["test", "1", "2", "1", "1", "1", "0"] in rows
    assert ["raw", "files", "out/raw"] in rows
    assert ["licence", "CC", "BY", "4.0"] in rows
    example = json.loads((tmp_path / "out" / "processed" / "train.jsonl").read_text(encoding="utf-8"))
    assert example["target"] == "I am sorry. Try <movie>"


def test_a_second_time_downloads_nothing(fetch_redial, server, tmp_path) -> None:
    fetch_redial()
    before = (tmp_path / "out" / "processed" / "train.jsonl").read_bytes()
    server.asked.clear()
    finished = fetch_redial()
    assert finished.code == 0, finished.err
    assert server.asked == []
    assert finished.out.splitlines()[1].endswith("verified  was there")
    assert (tmp_path / "out" / "processed" / "train.jsonl").read_bytes() == before


def test_no_process_stops_at_the_raw_files(fetch_redial, tmp_path) -> None:
    finished = fetch_redial("--no-process", "--json")
    assert finished.code == 0, finished.err
    document = json.loads(finished.out)
    assert (document["processed"], document["summary"], document["counts"]) == (None, None, None)
    assert [file["name"] for file in document["unpacked"]] == ["test_data.jsonl", "train_data.jsonl"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["raw"]


def test_labels_are_counted(fetch_emotions) -> None:
    finished = fetch_emotions("--json")
    assert finished.code == 0, finished.err
    document = json.loads(finished.out)
    assert document["counts"] == [
        {"name": "train.tsv", "rows": 2, "labels": {"neutral": 1, "joy": 2}},
        {"name": "dev.tsv", "rows": 1, "labels": {"neutral": 1, "joy": 0}},
        {"name": "test.tsv", "rows": 1, "labels": {"neutral": 1, "joy": 0}},
    ]
    assert [(file["name"], file["how"], file["verified"]) for file in document["files"]] == [
        (name, "downloaded", True) for name in ("train.tsv", "dev.tsv", "test.tsv", "labels.txt")
    ]


def test_counts_as_people_read_them(fetch_emotions) -> None:
    lines = [line.rstrip() for line in fetch_emotions().out.splitlines()]
    assert "train.tsv     2  neutral: 1, joy: 2" in lines


def test_a_bad_row_has_its_place(ecrctl, server, fetch_emotions, tmp_path) -> None:
    bad = b"fine\t1\tid1\nbad\t9\tid2\n"
    server.add("/goemotions_train", bad)
    finished = fetch_emotions(*settings(server, "goemotions_train", bad))
    assert finished.code == 3
    assert finished.err.splitlines()[-3:] == [
        "error: '9' is no label id: they go from 0 to 1",
        "  at   out/raw/train.tsv:2",
        "  fix  fetch it again with --force; if it stays so, set another address of the file",
    ]


def test_progress_is_told_on_stderr(fetch_redial, server) -> None:
    size = len(redial())
    server.add("/redial", redial(), cut(100))
    finished = fetch_redial()
    lines = finished.err.splitlines()
    assert lines[0] == f"file=redial_dataset.zip bytes=100 total={size}"
    assert lines[1].startswith("redial_dataset.zip: the connection broke (")
    assert lines[1].endswith("; trying again in 0.5 s")
    assert lines[-1] == f"file=redial_dataset.zip bytes={size} total={size}"
    assert fetch_redial("--force", "--quiet").err == ""


def test_lines_are_throttled_and_the_last_one_comes() -> None:
    lines: list[str] = []
    moments = iter([0.0, 1.9, 2.1, 2.2])
    listener = Lines(lines.append, 2.0, lambda: next(moments))
    for done in (1, 2, 3, 4):
        listener(Advance("a", done, 4))
    listener(Notice("careful", is_warning=True))
    assert lines == ["file=a bytes=1 total=4", "file=a bytes=3 total=4", "file=a bytes=4 total=4", "warning: careful"]


def test_a_wrong_checksum(ecrctl, server, tmp_path) -> None:
    server.add("/f", b"other")
    right, wrong = "0" * 64, hashlib.sha256(b"other").hexdigest()
    url = server.url("/f")
    places = ["--set", f"fetch.redial_url={url}", "--set", f"fetch.redial_sha256={right}"]
    finished = ecrctl("data", "fetch", "redial", "--output", "out", "--quiet", *places)
    assert (finished.code, finished.out) == (3, "")
    assert finished.err == (
        f"error: what came is not the file asked for: its SHA-256 is {wrong}, not {right}\n"
        f"  at   {url}\n"
        "  fix  set fetch.redial_url to a mirror; if the file was rightly changed: "
        f"--set fetch.redial_sha256={wrong}\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_not_there(fetch_redial, server, tmp_path) -> None:
    server.add("/redial", b"", status(404))
    finished = fetch_redial()
    assert finished.code == 5
    assert finished.err == (
        "error: the server has no such file: 404 Not Found\n"
        f"  at   {server.url('/redial')}\n"
        "  fix  set fetch.redial_url to a mirror, or fetch it elsewhere and give the file: --from FILE\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_local_file(ecrctl, server, tmp_path) -> None:
    (tmp_path / "mine.zip").write_bytes(redial())
    finished = ecrctl(
        "data", "fetch", "redial", "--output", "out", "--from", "mine.zip", "--set", "fetch.redial_sha256=", "--quiet"
    )
    assert finished.code == 0, finished.err
    digest = hashlib.sha256(redial()).hexdigest()
    assert finished.err == (
        "warning: redial_dataset.zip: its SHA-256 is not known, so nothing vouches for it; "
        f"if you trust it: --set fetch.redial_sha256={digest}\n"
    )
    assert finished.out.splitlines()[1].split()[3:] == ["not", "known", "copied"]


def test_an_unknown_corpus(ecrctl) -> None:
    finished = ecrctl("data", "fetch", "redail", "--output", "out")
    assert finished.code == 2
    assert finished.err == "error: unknown corpus 'redail'\n  fix  did you mean 'redial'?\n"


def test_http_without_a_hash(ecrctl) -> None:
    finished = ecrctl(
        "data",
        "fetch",
        "epitome",
        "--output",
        "out",
        "--set",
        "fetch.epitome_emotional_reactions_url=http://a.example/f",
    )
    assert finished.code == 2
    assert finished.err == (
        "error: an http address needs the SHA-256 of its file: anybody on the way could change it\n"
        "  at   fetch.epitome_emotional_reactions_url=http://a.example/f\n"
        "  fix  give an https address, or --set fetch.epitome_emotional_reactions_sha256=HASH\n"
    )


@pytest.mark.parametrize(
    ("ending", "code"),
    [(KeyboardInterrupt(), 130), (Ended(signal.SIGTERM), 143), (Ended(signal.SIGHUP), 129)],
    ids=["INT", "TERM", "HUP"],
)
def test_an_interrupt_says_how_to_go_on(fetch_redial, server, monkeypatch, ending, code) -> None:
    def interrupted(*arguments, **how):
        raise ending

    monkeypatch.setattr("ecr_engine.data.fetch.job.download", interrupted)
    finished = fetch_redial()
    assert finished.code == code
    assert (
        "interrupted; what came is kept in out\n  fix  type the same command again to go on with it\n" in finished.err
    )
