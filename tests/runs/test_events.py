"""The event stream."""

import json
import math

import pytest

from ecr_engine.runs.events import EventLog, drop_events, read_events


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


EVENT = {"time": 1.0, "stage": "rl", "step": 1, "kind": "step", "values": {}}
NO_EVENTS = [
    "{}",
    "[]",
    "7",
    json.dumps({**EVENT, "values": None}),
    json.dumps({**EVENT, "step": "x"}),
    json.dumps({key: value for key, value in EVENT.items() if key != "stage"}),
    "[" * 100_000 + "]" * 100_000,
]


@pytest.mark.parametrize(
    "line", NO_EVENTS, ids=["empty", "a list", "a number", "no values", "no step", "no stage", "deep"]
)
def test_a_line_of_json_that_is_no_event_is_skipped(tmp_path, line):
    path = tmp_path / "events.jsonl"
    EventLog(path).emit("rl", "step", 1)
    with path.open("a") as handle:
        handle.write(line + "\n")
    EventLog(path).emit("rl", "step", 2)
    assert [event.step for event in read_events(path)] == [1, 2]


def test_dropping_events_leaves_those_of_others_and_what_can_not_be_read(tmp_path):
    path = tmp_path / "events.jsonl"
    EventLog(path).emit("baseline", "step", 9)
    for step in (1, 2, 3):
        EventLog(path).emit("rl", "step", step)
    with path.open("ab") as handle:
        handle.write(b'{"stage": "rl"}\n{"stage": "rl", "te\xc3\n')
    lines = path.read_bytes().splitlines()
    drop_events(path, "rl", after=2)
    assert path.read_bytes().splitlines() == [*lines[:3], *lines[4:]]
    drop_events(path, "rl", after=None)
    assert path.read_bytes().splitlines() == [lines[0], *lines[4:]]
