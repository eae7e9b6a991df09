"""Run folders: paths, record, lock."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from dataclasses import replace

import pytest

from ecr_engine.errors import DataError, EcrError, ExitCode
from ecr_engine.runs.folder import RunFolder, list_runs, scan_runs
from ecr_engine.runs.record import RunRecord, StageRecord

RECORD = RunRecord(
    command=("ecrctl", "run"),
    seed=3,
    git_revision=None,
    packages={"torch": "2.13.0"},
    hardware={"cpu_count": 2},
    data_fingerprint="d1",
    profiles=("balanced",),
    started=1000.5,
)


@pytest.fixture
def run(tmp_path):
    folder = RunFolder(tmp_path / "demo")
    folder.create()
    return folder


def test_paths(tmp_path):
    run = RunFolder(tmp_path)
    names = [
        run.record,
        run.resolved_config,
        run.config_origin,
        run.events,
        run.data,
        run.scores,
        run.report,
        run.plots,
        run.card,
        run.comparison,
        run.stage("baseline"),
        run.evaluation("policy"),
    ]
    assert [str(path.relative_to(tmp_path)) for path in names] == [
        "run.json",
        "config.resolved.toml",
        "config.origin.json",
        "events.jsonl",
        "data",
        "scores",
        "report.html",
        "plots",
        "README.md",
        "evaluation/comparison.json",
        "baseline",
        "evaluation/policy",
    ]


def test_the_record_comes_back(run):
    stages = {"data": StageRecord("f1", "done", 1.5, 1000.0), "baseline": StageRecord("f2", "running", 0.0, 1002.0)}
    record = replace(RECORD, stages=stages, status="done", exit_code=0, finished=1010.0)
    run.write_record(record)
    assert run.read_record() == record
    raw = json.loads(run.record.read_text())
    assert next(iter(raw)) == "schema" and raw["schema"] == 1
    assert raw["command"] == ["ecrctl", "run"]
    assert list(raw["stages"]) == ["data", "baseline"]
    assert raw["stages"]["data"] == {"fingerprint": "f1", "status": "done", "seconds": 1.5, "started": 1000.0}


@pytest.mark.parametrize(
    ("text", "what", "line", "fix"),
    [
        ('{"schema": 1,\n "seed"', "the run record is not valid JSON: Expecting ':' delimiter", 2, "restore the file"),
        ("[]", "the run record is not a JSON object", 1, "restore the file"),
        ("{}", "the run record has no 'schema' number", 1, "restore the file"),
        ('{"schema": 2}', "the run record has schema 2, and this version reads up to 1", 1, "upgrade ecrctl"),
        ('{"schema": 1}', "the run record is damaged: command: field required", 1, "restore the file"),
        ("[" * 100_000 + "]" * 100_000, "the run record is nested too deep", 1, "restore the file"),
        ('{"schema": ' + "7" * 5_000 + "}", "the run record has a number with too many digits", 1, "restore the file"),
    ],
    ids=["torn", "a list", "empty", "newer", "fields missing", "deep", "long"],
)
def test_a_record_that_cannot_be_read(run, text, what, line, fix):
    run.record.write_text(text)
    with pytest.raises(DataError) as caught:
        run.read_record()
    problem = caught.value.problems[0]
    assert (problem.what, problem.at) == (what, f"{run.record}:{line}")
    assert problem.fix.startswith(fix)
    assert caught.value.exit_code == ExitCode.DATA


def test_a_wrong_status_is_damage(run):
    run.write_record(RECORD)
    run.record.write_text(run.record.read_text().replace('"running"', '"dreaming"'))
    with pytest.raises(DataError, match="the run record is damaged: status: input should be 'running', 'done'"):
        run.read_record()


def test_a_missing_run(tmp_path):
    with pytest.raises(DataError, match=f"there is no run folder '{tmp_path}/none'"):
        RunFolder(tmp_path / "none").read_record()


def test_a_folder_without_a_record(tmp_path):
    with pytest.raises(DataError, match=f"there is no run record 'run.json' in {tmp_path}"):
        RunFolder(tmp_path).read_record()


def test_runs_are_listed(tmp_path):
    for name in ("b", "a"):
        RunFolder(tmp_path / name).create()
        RunFolder(tmp_path / name).write_record(RECORD)
    (tmp_path / "no run").mkdir()
    assert [run.root.name for run in list_runs(tmp_path)] == ["a", "b"]
    assert list_runs(tmp_path / "none") == []


def test_a_damaged_run_does_not_hide_the_others(tmp_path):
    for name in ("a", "b", "c"):
        RunFolder(tmp_path / name).create()
        RunFolder(tmp_path / name).write_record(RECORD)
    (tmp_path / "b" / "run.json").write_text('{"schema": 1,')
    (tmp_path / "c" / "run.json").write_text("[]")
    (first, record), (second, torn), (third, listed) = scan_runs(tmp_path)
    assert [run.root.name for run in (first, second, third)] == ["a", "b", "c"]
    assert record == RECORD
    assert torn.problems[0].what.startswith("the run record is not valid JSON: ")
    assert torn.problems[0].at == f"{tmp_path}/b/run.json:1"
    assert listed.problems[0].what == "the run record is not a JSON object"
    with pytest.raises(DataError, match="the run record is not a JSON object"):
        third.read_record()
    assert scan_runs(tmp_path / "none") == []


HOLD = """
import sys, time
from pathlib import Path
from ecr_engine.runs.folder import RunFolder
with RunFolder(Path(sys.argv[1])).lock():
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def other_process(run):
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(run.root)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_living_process_keeps_others_out(run, other_process):
    message = f"the run folder {run.root} is in use by process {other_process.pid} on {socket.gethostname()}"
    with pytest.raises(EcrError, match=re.escape(message)) as caught, run.lock():
        pass
    assert caught.value.problems[0].fix == "wait until it ends, or stop it"
    holder = run.lock_holder()
    assert holder is not None and holder.pid == other_process.pid


def test_the_lock_of_a_killed_process_is_taken_over(run, other_process):
    other_process.send_signal(signal.SIGKILL)
    other_process.wait()
    assert (run.root / ".lock").exists()
    assert run.lock_holder() is None
    with run.lock():
        assert json.loads((run.root / ".lock").read_text()) == {"pid": os.getpid(), "host": socket.gethostname()}
    assert not (run.root / ".lock").exists()


def test_another_machine_keeps_its_lock(run):
    (run.root / ".lock").write_text('{"pid": 12, "host": "elsewhere.example"}')
    with pytest.raises(EcrError, match=r"in use by process 12 on elsewhere\.example") as caught, run.lock():
        pass
    assert caught.value.problems[0].fix == f"if it no longer runs there, type: rm {run.root}/.lock"


def test_a_torn_lock_file_is_taken_over(run):
    (run.root / ".lock").write_text('{"pid": 1')
    with run.lock():
        pass


def test_the_lock_is_free_again_after_an_error(run):
    with pytest.raises(RuntimeError), run.lock():
        raise RuntimeError
    with run.lock(), pytest.raises(EcrError, match=f"process {os.getpid()}"), run.lock():
        pass
