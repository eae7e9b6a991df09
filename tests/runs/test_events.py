"""The event stream."""

import json
import math

from ecr_engine.runs.events import EventLog, read_events


def test_events_come_back_in_order(tmp_path):
    heard = []
    log = EventLog(tmp_path / "events.jsonl", [heard.append])
    log.emit("rl", "step", 3, **{"objective/reward": 1.5, "policy/loss": float("nan")})
    log.emit("rl", "note", text="ä")
    first, second = read_events(tmp_path / "events.jsonl")
    assert (first.stage, first.kind, first.step, first.values["objective/reward"]) == ("rl", "step", 3, 1.5)
    assert math.isnan(first.values["policy/loss"])
    assert (second.step, second.values) == (0, {"text": "ä"})
    assert [event.kind for event in heard] == ["step", "note"]
    assert json.loads((tmp_path / "events.jsonl").read_text().splitlines()[0])["values"]["policy/loss"] == "nan"


def test_a_torn_last_line_is_skipped(tmp_path):
    path = tmp_path / "events.jsonl"
    EventLog(path).emit("rl", "step", 1)
    with path.open("a") as handle:
        handle.write('{"time": 1, "sta')
    assert [event.step for event in read_events(path)] == [1]


def test_a_missing_file_has_no_events(tmp_path):
    assert list(read_events(tmp_path / "none")) == []


def test_going_on_after_a_torn_line_loses_no_event(tmp_path):
    path = tmp_path / "events.jsonl"
    EventLog(path).emit("rl", "step", 1)
    with path.open("a") as handle:
        handle.write('{"time": 1, "sta')
    EventLog(path).emit("rl", "step", 2)
    assert [event.step for event in read_events(path)] == [1, 2]


def test_a_line_torn_inside_of_a_letter(tmp_path):
    path = tmp_path / "events.jsonl"
    EventLog(path).emit("rl", "note", text="fine")
    with path.open("ab") as handle:
        handle.write('{"time": 1, "stage": "ä'.encode()[:-1])
    assert [event.values["text"] for event in read_events(path)] == ["fine"]
