"""`ecrctl data stats` as it is typed and read."""

from __future__ import annotations

import json

import pytest
from rich.console import Console

from ecr_engine.data.statistics import statistics
from ecrctl.ui import stats_view
from ecrctl.ui.stats_view import bar_of

FORM = {"100": {"suggested": 1, "seen": 0, "liked": 1}}
DIALOGUE = {
    "conversationId": "7",
    "initiatorWorkerId": 1,
    "respondentWorkerId": 2,
    "movieMentions": {"100": "Up (2009)"},
    "initiatorQuestions": FORM,
    "respondentQuestions": FORM,
    "messages": [
        {"timeOffset": 0, "text": "I feel sad today", "senderWorkerId": 1, "messageId": 1},
        {"timeOffset": 3, "text": "so", "senderWorkerId": 1, "messageId": 2},
        {"timeOffset": 9, "text": "I am sorry. Try @100", "senderWorkerId": 2, "messageId": 3},
    ],
}


@pytest.fixture
def folder(tmp_path):
    """A raw folder of one dialogue to train on and one to test on."""
    folder = tmp_path / "raw"
    folder.mkdir()
    for split, identity in (("train", "7"), ("test", "8")):
        line = json.dumps({**DIALOGUE, "conversationId": identity})
        (folder / f"{split}_data.jsonl").write_text(line + "\n", encoding="utf-8")
    return folder


def cells(finished):
    """The lines, each by its cells."""
    return [line.split() for line in finished.out.splitlines()]


def test_stats_of_raw_dialogues(ecrctl, folder) -> None:
    finished = ecrctl("data", "stats", "raw")
    assert finished.code == 0, finished.err
    assert cells(finished)[:6] == [
        ["train", "test", "all"],
        ["dialogues", "1", "1", "2"],
        ["turns", "2", "2", "4"],
        ["recommender", "turns", "1", "1", "2"],
        ["with", "a", "movie", "100.0", "%", "100.0", "%", "100.0", "%"],
        ["turns", "a", "dialogue", "2.0", "2.0", "2.0"],
    ]
    # 3 messages of one dialogue against 182,150 of 10,006.
    assert ["utterances", "182,150", "3", "18.204", "3.000", "0.16"] in cells(finished)
    assert ["users", "956", "2"] in cells(finished)
    assert ["messages", "6", "=", "4", "turns", "+", "2", "joined", "+", "0", "blank"] in cells(finished)
    assert ["dialogues", "2", "=", "2", "kept", "+", "0", "skipped"] in cells(finished)
    assert "█" not in finished.out


def test_stats_of_a_processed_folder_say_what_it_cant_tell(ecrctl, folder) -> None:
    ecrctl("data", "process", "raw", "--output", "out", "--format", "redial", "--set", "data.validation_share=0")
    finished = ecrctl("data", "stats", "out")
    assert finished.code == 0, finished.err
    assert ["users", "956", "–", "–", "–"] in cells(finished)
    assert "–: not in this form" in finished.out
    assert ["messages", "6", "=", "4", "turns", "+", "2", "joined", "+", "0", "blank"] in cells(finished)


def test_stats_as_json(ecrctl, folder) -> None:
    ecrctl("data", "process", "raw", "--output", "out", "--format", "redial", "--set", "data.validation_share=0")
    document = json.loads(ecrctl("data", "stats", "out", "--json").out)
    assert document["splits"]["train"]["recommender_turns"] == 1
    assert document["folder"] == "out"
    assert document["paper"][0] == {"what": "conversations", "published": 10006, "here": 1, "ratio": None}
    assert document["histograms"]["turns a dialogue"] == [{"low": 2, "high": 2, "count": 2}]
    assert document["likes"] == {"liked": 2, "disliked": 0, "not said": 0}


def test_stats_of_nothing(ecrctl, tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    finished = ecrctl("data", "stats", "empty")
    assert finished.code == 3
    assert "error: the data folder is empty" in finished.err


@pytest.mark.parametrize("columns", [30, 45, 80])
def test_lines_fit_a_terminal_and_bars_are_drawn(folder, monkeypatch, capsys, columns) -> None:
    def terminal() -> Console:
        return Console(width=columns, force_terminal=True, no_color=True, highlight=False, emoji=False, markup=False)

    monkeypatch.setattr(stats_view, "results", terminal)
    stats_view.show_statistics(statistics(folder, form="redial"), as_json=False)
    lines = capsys.readouterr().out.splitlines()
    bars = [line for line in lines if "█" in line]
    assert len(bars) == 4
    assert max(map(len, bars)) <= columns


@pytest.mark.parametrize(
    ("share", "width", "bar"), [(1.0, 4, "████"), (0.5, 4, "██"), (0.0, 4, ""), (0.0625, 2, "▏"), (0.75, 2, "█▌")]
)
def test_bars_are_drawn_to_an_eighth(share, width, bar) -> None:
    assert bar_of(share, width) == bar
