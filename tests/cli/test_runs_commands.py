"""`ecrctl runs` on synthetic run folders."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from synthetic import START, whole_run

from ecr_engine.runs.events import Event
from ecr_engine.runs.folder import RunFolder
from ecr_engine.runs.record import RunRecord, StageRecord
from ecr_engine.runs.tail import follow

DONE = RunRecord(
    command=("ecrctl", "run", "--run", "runs/my run"),
    seed=7,
    git_revision="abc123",
    packages={},
    hardware={},
    data_fingerprint=None,
    profiles=("conservative", "empathy"),
    started=1000.0,
    stages={"data": StageRecord("f", "done", 2.0, 1000.0), "baseline": StageRecord("f", "done", 70.0, 1002.0)},
    status="done",
    exit_code=0,
    finished=1072.0,
)


def write_events(path: Path, events: list[Event]) -> None:
    with path.open("a", encoding="utf-8") as handle:
        for event in events:
            values = {key: str(v) if isinstance(v, float) and v != v else v for key, v in event.values.items()}
            line = {"time": event.time, "stage": event.stage, "step": event.step, "kind": event.kind, "values": values}
            handle.write(json.dumps(line) + "\n")


@pytest.fixture
def runs(tmp_path) -> Path:
    """Three runs: one done, one that was killed, one that failed."""
    for name, record in (
        ("old", replace(DONE, started=1.0)),
        ("killed", replace(DONE, status="running", exit_code=None, finished=None, started=2.0)),
        ("new", replace(DONE, status="failed", started=3.0, profiles=())),
    ):
        folder = RunFolder(tmp_path / "runs" / name)
        folder.create()
        folder.write_record(record)
        write_events(folder.events, whole_run())
    return tmp_path / "runs"


def test_list_newest_first(ecrctl, runs) -> None:
    rows = [line.split() for line in ecrctl("runs", "list").out.splitlines()]
    assert [row[:2] for row in rows[1:]] == [["runs/new", "failed"], ["runs/killed", "stopped"], ["runs/old", "done"]]
    # 2 seconds of data and 70 of baseline.
    assert rows[3][-4:] == ["1:12", "2", "conservative,", "empathy"]


def test_list_as_json(ecrctl, runs) -> None:
    document = json.loads(ecrctl("runs", "list", "--json").out)
    assert [(entry["run"], entry["state"]) for entry in document][1] == ("runs/killed", "stopped")


def test_a_damaged_run_hides_no_other(ecrctl, runs) -> None:
    (runs / "killed" / "run.json").write_text("{")
    rows = [line.split() for line in ecrctl("runs", "list").out.splitlines()]
    assert [row[:2] for row in rows[1:4]] == [["runs/new", "failed"], ["runs/old", "done"], ["runs/killed", "damaged"]]
    document = json.loads(ecrctl("runs", "list", "--json").out)
    assert (document[2]["state"], "not valid JSON" in document[2]["error"]) == ("damaged", True)


def test_list_of_nothing(ecrctl) -> None:
    assert ecrctl("runs", "list").out == "no runs in runs; start one: ecrctl run\n"


def test_show(ecrctl, runs) -> None:
    lines = ecrctl("runs", "show", "runs/old").out.splitlines()
    assert lines[0].split() == ["run", "runs/old"]
    assert lines[2] == "command   ecrctl run --run 'runs/my run'"
    assert [line.split() for line in lines[-5:]] == [
        ["stage", "status", "took"],
        ["data", "done", "2.0", "s"],
        ["baseline", "done", "1:10"],
        [],
        ["next", "ecrctl", "train", "critic", "--run", "runs/old"],
    ]


@pytest.mark.parametrize(
    ("command", "going_on"),
    [
        ("ecrctl run --data redial", "ecrctl run --data redial"),
        ("ecrctl rl train --run a", "ecrctl rl train --run a --resume auto"),
        ("ecrctl rl train --resume best --run a", "ecrctl rl train --run a --resume auto"),
        ("ecrctl train critic --resume=last", "ecrctl train critic --resume auto"),
    ],
)
def test_a_run_that_stopped_says_how_to_go_on(ecrctl, runs, command, going_on) -> None:
    RunFolder(runs / "new").write_record(replace(DONE, status="failed", command=tuple(command.split())))
    assert ecrctl("runs", "show", "runs/new").out.splitlines()[-1] == f"next  {going_on}"


def test_watch_of_a_run_that_has_ended_prints_its_lines_and_how_it_stands(ecrctl, runs) -> None:
    finished = ecrctl("runs", "watch", "runs/killed")
    assert finished.code == 0
    assert finished.out.splitlines()[0] == "stage=data event=stage_skipped"
    assert "stage=rl event=step step=10/40 objective/reward=0.5000" in finished.out
    assert finished.err == "runs/killed: stopped\n"


def test_watch_as_json_is_one_document(ecrctl, runs) -> None:
    finished = ecrctl("runs", "watch", "runs/killed", "--json")
    document = json.loads(finished.out)
    assert (document["run"], document["state"], document["seed"]) == ("runs/killed", "stopped", 7)
    assert "stage=rl event=step step=10/40 objective/reward=0.5000" in finished.err
    assert ecrctl("runs", "watch", "runs/killed", "--json", "--quiet").err == ""


def test_follow_sees_what_is_added_while_somebody_writes(tmp_path) -> None:
    path = tmp_path / "events.jsonl"
    write_events(path, whole_run()[:3])
    looks = iter([True, True, False])

    def alive() -> bool:
        answer = next(looks)
        if not answer:
            write_events(path, whole_run()[3:5])
        return answer

    assert list(follow(path, alive, pause=0.0)) == whole_run()[:5]


def test_follow_is_not_confused_by_a_stage_that_took_its_old_events_out(tmp_path) -> None:
    path = tmp_path / "events.jsonl"
    write_events(path, whole_run()[:6])
    late = Event(START + 500, "baseline", 0, "stage_started", {})
    looks = iter([True, False])

    def alive() -> bool:
        answer = next(looks)
        if not answer:
            path.unlink()
            write_events(path, [whole_run()[0], late])
        return answer

    assert list(follow(path, alive, pause=0.0)) == [*whole_run()[:6], late]


def test_follow_of_a_file_that_is_not_there_yet(tmp_path) -> None:
    assert list(follow(tmp_path / "events.jsonl", lambda: False)) == []


def test_follow_leaves_a_line_that_is_being_written_until_it_has_its_end(tmp_path) -> None:
    path = tmp_path / "events.jsonl"
    line = '{"time": 1.0, "stage": "rl", "step": 1, "kind": "note", "values": {}}'
    path.write_text(line[:30])
    parts, given = iter([line[30:], "\n" + line.replace("1.0", "2.0"), ""]), []

    def alive() -> bool:
        given.append(len(found))
        with path.open("a") as handle:
            handle.write(part := next(parts))
        return part != ""

    found: list[Event] = []
    for event in follow(path, alive, pause=0.0):
        found.append(event)
    assert [event.time for event in found] == [1.0, 2.0]
    # Nothing at the first look; the first line once it has its end; the last one, without an end, at the last look.
    assert given == [0, 0, 1]


def test_follow_reads_each_line_once(tmp_path, monkeypatch) -> None:
    import ecr_engine.runs.tail as tail

    path, read = tmp_path / "events.jsonl", []
    monkeypatch.setattr(tail, "parse_event", lambda line: read.append(line))
    looks = iter([True] * 5 + [False])

    def alive() -> bool:
        with path.open("a") as handle:
            handle.write("one more\n")
        return next(looks)

    assert list(follow(path, alive, pause=0.0)) == []
    assert len(read) == 6


def test_the_end_of_a_stage_can_be_seen_later(ecrctl, runs) -> None:
    out = ecrctl("runs", "watch", "runs/old", "--stage", "rl").out
    assert "held" not in out
    assert "component             weight     value    change\n" in "\n".join(map(str.rstrip, out.splitlines())) + "\n"
    finished = ecrctl("runs", "watch", "runs/old", "--stage", "judg")
    assert (finished.code, finished.err) == (
        2,
        "error: unknown stage 'judg'\n  at   --stage\n  fix  did you mean 'judge'?\n",
    )
    assert ecrctl("runs", "watch", "runs/old", "--stage", "report").err == (
        "error: the stage report of runs/old has not begun\n"
        "  at   --stage\n"
        "  fix  see what has: ecrctl runs show runs/old\n"
    )
