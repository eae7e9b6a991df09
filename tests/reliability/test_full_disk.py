"""R6: no space left at any byte of a save. The one before is whole, and the message says where and how much."""

from __future__ import annotations

import errno
import os
import re
import resource
import shutil
import subprocess
from pathlib import Path

import pytest
from courses import Baseline
from reliable_jobs import last_step, newest, run, settings

from ecr_engine.errors import EcrError
from ecr_engine.runs.checkpoints import latest, list_checkpoints, save_checkpoint
from ecr_engine.runs.events import read_events
from ecr_engine.runs.folder import RunFolder
from ecr_engine.runs.manifest import verify

MOMENTS = 30


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A trainer with a state to save: about 200 kB in a dozen files."""
    return Baseline(tmp_path_factory.mktemp("states"), until=2).run()


@pytest.fixture
def file_limit():
    """Sets how many bytes a file of this process can have; the system refuses those after it, whoever writes them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def save(course, stage, step):
    return save_checkpoint(stage, step, course.trainer.write_state, metrics={}, best=False, keep_last=2)


def test_a_save_that_runs_out_of_room_leaves_the_one_before(course, tmp_path, file_limit):
    first = save(course, tmp_path, 1)
    largest = max(path.stat().st_size for path in first.rglob("*"))
    for moment in range(MOMENTS):
        file_limit(largest * moment // MOMENTS)
        try:
            with pytest.raises(EcrError) as caught:
                save(course, tmp_path, 2)
        finally:
            file_limit(resource.RLIM_INFINITY)
        (problem,) = caught.value.problems
        told = re.fullmatch(
            r"no space for the checkpoint of step 2: ([\d,]+) bytes of it were written to (\S+), "
            r"[\d,]+ bytes are free there now",
            problem.what,
        )
        assert told is not None, problem.what
        assert told.group(2) == problem.at
        assert tmp_path in (Path(problem.at), *Path(problem.at).parents)
        assert problem.fix.endswith("the checkpoint before it is whole")
        assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step-000001"]
        assert latest(tmp_path) == first
        assert verify(first) == []
    # With room again it goes on.
    assert verify(save(course, tmp_path, 2)) == []


@pytest.fixture
def small_disk(tmp_path):
    """A disk of so many bytes; needs the right to mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")

    def make(size):
        done = subprocess.run([mount, "-t", "tmpfs", "-o", f"size={size}", "none", str(place)], capture_output=True)
        if done.returncode:
            pytest.skip("no disk can be mounted here")
        return place

    yield make
    subprocess.run(["umount", str(place)], capture_output=True, check=False)


def test_a_small_disk_that_fills_up(course, small_disk, tmp_path):
    size = sum(path.stat().st_size for path in save(course, tmp_path / "elsewhere", 1).rglob("*") if path.is_file())
    disk = small_disk(2 * size + size // 2)
    first = save(course, disk, 1)
    (disk / "other").write_bytes(b"x" * size)
    with pytest.raises(EcrError, match=r"no space for the checkpoint of step 2: .* bytes are free there now"):
        save(course, disk, 2)
    assert [info.path.name for info in list_checkpoints(disk)] == ["step-000001"]
    assert verify(first) == []
    (disk / "other").unlink()
    assert verify(save(course, disk, 2)) == []


def no_more_room():
    """From the second checkpoint on, no file can have more than 20,000 bytes."""
    from ecr_engine.pipeline.stages import saving

    save = saving.save_checkpoint

    def limited(stage, step, *rest, **how):
        if step > 2:
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
        return save(stage, step, *rest, **how)

    saving.save_checkpoint = limited


def test_a_job_that_runs_out_of_room_exits_with_1_and_goes_on_later(tmp_path):
    settings(tmp_path, steps=6)
    words = "train baseline --run run --quiet --config small.toml"
    code, told = run(words, tmp_path, no_more_room)
    assert code == 1
    assert told.startswith("error: no space for the checkpoint of step 4: ")
    assert "\n  at   run/baseline" in told
    assert "\n  fix  free some space, " in told
    assert newest(tmp_path / "run", "baseline") == 2
    assert verify(latest(tmp_path / "run" / "baseline")) == []
    assert run(f"{words} --resume auto", tmp_path)[0] == 0
    assert newest(tmp_path / "run", "baseline") == 6


def no_more_events():
    """From the tenth step on, the events have no room; other files are shorter than they are by then."""
    from ecr_engine.runs.events import EventLog

    emit = EventLog.emit

    def limited(self, stage, kind, step=0, /, **values):
        if (stage, kind, step) == ("baseline", "step", 10):
            size = self._path.stat().st_size + 20
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        emit(self, stage, kind, step, **values)

    EventLog.emit = limited


def test_events_that_find_no_room_end_the_job_and_lose_nothing_that_was_saved(tmp_path):
    settings(tmp_path, steps=12, every=4)
    words = "train baseline --run run --quiet --config small.toml"
    code, told = run(words, tmp_path, no_more_events)
    assert code == 1
    assert re.fullmatch(
        r"error: no space for the events of the run, [\d,]+ bytes are free there now\n"
        r"  at   run/events\.jsonl\n"
        r"  fix  free some space, and go on: --resume auto; the newest checkpoint is whole\n",
        told,
    ), told
    folder = tmp_path / "run"
    torn = (folder / "events.jsonl").read_bytes()
    assert not torn.endswith(b"\n")
    assert last_step(folder, "baseline") == 9
    assert newest(folder, "baseline") == 8
    assert RunFolder(folder).read_record().exit_code == 1
    assert run(f"{words} --resume auto", tmp_path)[0] == 0
    steps = [e.step for e in read_events(folder / "events.jsonl") if (e.stage, e.kind) == ("baseline", "step")]
    assert steps == list(range(1, 13))


def test_a_record_that_finds_no_room_hides_no_error(tmp_path, monkeypatch):
    from test_going_on import train

    folder = tmp_path / "run"

    def full(self, record):
        raise OSError(errno.ENOSPC, "No space left on device")

    def fail(event):
        if (event.stage, event.kind, event.step) == ("baseline", "step", 2):
            monkeypatch.setattr(RunFolder, "write_record", full)
            raise EcrError("the first fault")

    with pytest.raises(EcrError, match="the first fault"):
        train(folder, listeners=[fail])
    # Nobody is at work in it, so it is known to have ended.
    assert RunFolder(folder).read_record().status == "running"
    assert RunFolder(folder).lock_holder() is None
    monkeypatch.undo()
    train(folder)
    assert RunFolder(folder).read_record().status == "done"
