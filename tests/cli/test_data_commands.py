"""`ecrctl data`: from a sample corpus to processed examples."""

from __future__ import annotations

import json

import pytest

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


@pytest.fixture
def raw(tmp_path):
    """A raw folder: one dialogue to train on, one to test on, and a line that is no dialogue if a test adds it."""
    folder = tmp_path / "raw"
    folder.mkdir()
    (folder / "train_data.jsonl").write_text(json.dumps(DIALOGUE) + "\n", encoding="utf-8")
    (folder / "test_data.jsonl").write_text(json.dumps({**DIALOGUE, "conversationId": "8"}) + "\n", encoding="utf-8")
    return folder


def processed(ecrctl):
    return ecrctl("data", "process", "raw", "--output", "out", "--set", "data.validation_share=0")


def test_process_counts_what_it_made(ecrctl, raw) -> None:
    finished = processed(ecrctl)
    assert finished.code == 0, finished.err
    rows = [line.split() for line in finished.out.splitlines()]
    assert rows[1:5] == [
        ["train", "1", "2", "1", "1", "1", "0"],
        ["valid", "0", "0", "0", "0", "0", "0"],
        ["test", "1", "2", "1", "1", "1", "0"],
        ["all", "2", "4", "2", "2", "2", "0"],
    ]


def test_bad_lines_are_an_error_with_their_place_and_leave_nothing(ecrctl, raw, tmp_path) -> None:
    (raw / "train_data.jsonl").write_text(json.dumps(DIALOGUE) + '\n{"conversationId": "9"\n', encoding="utf-8")
    finished = processed(ecrctl)
    assert finished.code == 3
    assert "raw/train_data.jsonl:2" in finished.err
    assert not (tmp_path / "out").exists()


def test_skip_bad_lists_what_was_skipped(ecrctl, raw) -> None:
    (raw / "train_data.jsonl").write_text(json.dumps(DIALOGUE) + '\n{"conversationId": "9"\n', encoding="utf-8")
    finished = ecrctl("data", "process", "raw", "--output", "out", "--skip_bad", "--set", "data.validation_share=0")
    assert finished.code == 0, finished.err
    assert "skipped train_data.jsonl:2: " in finished.out
    assert [line.split()[-1] for line in finished.out.splitlines()[1:5]] == ["1", "0", "0", "1"]


def test_a_sample_corpus_and_what_to_type_next(ecrctl, tmp_path) -> None:
    finished = ecrctl("data", "sample", "--output", "small", "--dialogues", "20", "--seed", "3")
    assert finished.code == 0, finished.err
    files = sorted(path.name for path in (tmp_path / "small").iterdir())
    assert files
    count = sum(
        len(path.read_text(encoding="utf-8").splitlines()) for path in (tmp_path / "small").glob("*_data.jsonl")
    )
    assert count == 20
    assert finished.out.splitlines()[-1].split(maxsplit=1) == [
        "next",
        "ecrctl data process small --output small-processed",
    ]
