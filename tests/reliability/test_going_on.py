"""Going on with a stage: from which checkpoint, with which settings, and what the events then hold."""

from __future__ import annotations

import shlex
import shutil

import pytest
import torch
from courses import different
from reliable_jobs import SETTINGS

from ecr_engine.config.resolve import resolve
from ecr_engine.errors import DataError, SettingsError
from ecr_engine.pipeline import running
from ecr_engine.pipeline.job import Job, run_job
from ecr_engine.pipeline.resuming import Origin, Wish, agree, differences
from ecr_engine.pipeline.table import TABLE
from ecr_engine.runs.checkpoints import latest, list_checkpoints
from ecr_engine.runs.events import read_events

BASELINE = next(stage for stage in TABLE if stage.name == "baseline")
DATA = next(stage for stage in TABLE if stage.name == "data")


def job(folder, *sets, start=None, anyway=False):
    file = folder.parent / "small.toml"
    file.write_text(SETTINGS.format(steps=8, every=2), encoding="utf-8")
    found = resolve(config=file, sets=("checkpoints.keep_last=9", *sets), environ={}, start=folder.parent)
    return Job(found, folder, None, ("ecrctl",), wish=None if start is None else Wish(start), anyway=anyway)


def train(folder, *sets, listeners=(), **how):
    return run_job(job(folder, *sets, **how), until="baseline", listeners=listeners)


def interrupt_at(step):
    def listen(event):
        if (event.stage, event.kind, event.step) == ("baseline", "progress", step):
            raise KeyboardInterrupt

    return listen


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run whose baseline has 8 steps, saved every second; not to be changed."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("whole") / "run"
    train(folder)
    return folder


@pytest.fixture(scope="module")
def broken_off(tmp_path_factory):
    """The same run, broken off after step 5; not to be changed."""
    folder = tmp_path_factory.mktemp("broken") / "run"
    with pytest.raises(KeyboardInterrupt):
        train(folder, listeners=[interrupt_at(5)])
    return folder


@pytest.fixture
def begun(broken_off, tmp_path):
    return shutil.copytree(broken_off, tmp_path / "run", symlinks=True)


@pytest.fixture
def done(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "run", symlinks=True)


def steps(folder, kind="step"):
    return [e.step for e in read_events(folder / "events.jsonl") if (e.stage, e.kind) == ("baseline", kind)]


def told(folder, kind):
    return [
        e.values.get("what") for e in read_events(folder / "events.jsonl") if (e.stage, e.kind) == ("baseline", kind)
    ]


def names(folder):
    return [info.path.name for info in list_checkpoints(folder / "baseline")]


def ends_alike(folder, whole):
    return set(different(latest(folder / "baseline"), latest(whole / "baseline"))) <= {"manifest.json"}


def problem_of(error):
    (problem,) = error.value.problems
    return problem


def test_it_goes_on_from_the_newest_and_ends_the_same(begun, whole):
    assert names(begun) == ["step-000002", "step-000004"]
    train(begun)
    assert "taken up at step 4" in told(begun, "note")
    assert steps(begun) == list(range(1, 9))
    assert steps(begun, "checkpoint") == steps(whole, "checkpoint")
    assert ends_alike(begun, whole)


def test_a_copy_under_another_name_whose_links_became_folders_goes_on(broken_off, whole, tmp_path):
    copy = shutil.copytree(broken_off, tmp_path / "my runs" / "a copy")
    assert not (copy / "baseline" / "latest").is_symlink()
    train(copy)
    assert "taken up at step 4" in told(copy, "note")
    assert steps(copy) == list(range(1, 9))
    assert ends_alike(copy, whole)
    assert sorted(path.name for path in (copy / "baseline").iterdir()) == sorted(
        path.name for path in (whole / "baseline").iterdir()
    )


def test_a_save_that_was_cut_short_before_its_links_counts(begun, whole):
    stage = begun / "baseline"
    (stage / "latest").unlink()
    (stage / "latest").symlink_to("checkpoints/step-000002")
    (stage / ".latest.cafe.tmp").symlink_to("checkpoints/step-000004")
    train(begun)
    assert "taken up at step 4" in told(begun, "note")
    assert not (stage / ".latest.cafe.tmp").is_symlink()
    assert ends_alike(begun, whole)


def test_without_the_clearing_of_events_steps_are_doubled(begun, monkeypatch):
    monkeypatch.setattr(running, "drop_events", lambda *arguments, **options: None)
    train(begun)
    assert steps(begun) == [1, 2, 3, 4, 5, 5, 6, 7, 8]


def test_a_torn_last_line_is_no_hindrance(begun, whole):
    with (begun / "events.jsonl").open("ab") as handle:
        handle.write('{"time": 1.0, "stage": "baseline", "step": 6, "kind": "step", "values": {"a": "é'.encode()[:-1])
    assert steps(begun) == [1, 2, 3, 4, 5]
    train(begun)
    assert steps(begun) == list(range(1, 9))
    assert ends_alike(begun, whole)


def test_a_damaged_newest_checkpoint_is_set_aside_and_the_one_before_is_used(begun, whole):
    (begun / "baseline" / "checkpoints" / "step-000004" / "model.safetensors").unlink()
    train(begun, start="auto")
    (warning,) = told(begun, "warning")
    assert warning.startswith(
        "step-000004 is damaged and was set aside as damaged-step-000004: the file 'model.safetensors' is missing"
    )
    assert "taken up at step 2" in told(begun, "note")
    assert (begun / "baseline" / "checkpoints" / "damaged-step-000004" / "manifest.json").exists()
    assert steps(begun) == list(range(1, 9))
    assert ends_alike(begun, whole)


def test_a_finished_stage_with_a_damaged_end_is_mended_from_the_one_before(done, whole):
    (latest(done / "baseline") / "model.safetensors").write_bytes(b"")
    (done / "baseline" / "best").unlink()
    train(done)
    assert "taken up at step 6" in told(done, "note")
    assert ends_alike(done, whole)


def test_where_none_is_whole_it_begins_anew_and_says_so(begun, whole):
    for name in names(begun):
        (begun / "baseline" / "checkpoints" / name / "config.json").write_text("{")
    train(begun)
    assert len(told(begun, "warning")) == 2
    assert told(begun, "warning")[0].startswith("step-000004 of baseline is damaged, and none before it is whole: ")
    assert ends_alike(begun, whole)


def test_best_goes_back_to_the_best(done, whole):
    before = latest(done / "baseline").name
    train(done, start=f"{done}:baseline@step-000004")
    assert "taken up at step 4" in told(done, "note")
    assert (names(done), latest(done / "baseline").name) == (names(whole), before)
    assert steps(done) == list(range(1, 9))
    assert ends_alike(done, whole)
    train(done, start="best")
    assert f"taken up at step {int((whole / 'baseline' / 'best').readlink().name[5:])}" in told(done, "note")


def test_last_insists_on_a_checkpoint(tmp_path):
    with pytest.raises(DataError) as caught:
        train(tmp_path / "run", start="last")
    problem = problem_of(caught)
    assert problem.what == "there is no whole checkpoint of baseline to go on from"
    assert problem.fix == f"begin it: ecrctl train baseline --run {shlex.quote(str(tmp_path / 'run'))}"


def test_a_checkpoint_of_another_run_begins_a_fork(whole, tmp_path):
    folder = tmp_path / "fork"
    train(folder, start=str(whole / "baseline" / "checkpoints" / "step-000006"))
    assert steps(folder) == [7, 8]
    assert names(folder) == ["step-000008"]
    assert ends_alike(folder, whole)


def test_settings_that_break_exactness_are_refused_and_nothing_is_touched(begun):
    before = (begun / "run.json").read_bytes(), names(begun), steps(begun)
    with pytest.raises(SettingsError) as caught:
        train(begun, "baseline.learning_rate=1e-3", start="auto")
    problem = problem_of(caught)
    assert (
        problem.what == "going on from step-000004 would not be exact: baseline.learning_rate: 5e-05 before, 0.001 now"
    )
    assert problem.at == "baseline.learning_rate"
    assert problem.fix == (
        f"leave it as it was; or accept another result: --resume-anyway; or start another run: --run {begun}-2"
    )
    assert before == ((begun / "run.json").read_bytes(), names(begun), steps(begun))


def test_they_pass_if_the_user_says_so(begun, whole):
    train(begun, "baseline.learning_rate=1e-3", "evaluation.limit=7", start="auto", anyway=True)
    notes = told(begun, "note")
    assert (
        "gone on with a difference, so what follows is not what would have followed: "
        "baseline.learning_rate: 5e-05 before, 0.001 now"
    ) in notes
    assert "another setting, which changes nothing of this training: evaluation.limit: not set before, 7 now" in notes
    assert "taken up at step 4" in notes
    assert steps(begun) == list(range(1, 9))
    assert not ends_alike(begun, whole)


def test_without_a_wish_other_settings_begin_anew(begun):
    train(begun, "baseline.learning_rate=1e-3")
    assert not [note for note in told(begun, "note") if "taken up" in note]
    assert steps(begun) == list(range(1, 9))


def test_another_model_is_refused_whatever_the_user_says(begun):
    with pytest.raises(DataError, match="step-000004 is of another model than the settings describe: ") as caught:
        train(begun, "backbone.hidden_size=32", start="auto", anyway=True)
    assert problem_of(caught).fix == "use the settings that it was trained with, or begin another run"


def origin(**changes):
    facts = {
        "stage": "baseline",
        "fingerprint": "b",
        "needs": {"data": "d"},
        "settings": {"seed": 0, "baseline": {"epochs": 2}, "tracking": {"wandb": "disabled"}},
        "device": "cpu",
        "processes": 1,
    }
    return Origin(**{**facts, **changes})


@pytest.mark.parametrize(
    ("changes", "shown", "weight"),
    [
        (
            {"settings": {"seed": 0, "baseline": {"epochs": 2}, "tracking": {"wandb": "offline"}}},
            'tracking.wandb: "disabled" before, "offline" now',
            "none",
        ),
        (
            {"settings": {"seed": 0, "baseline": {"epochs": 3}, "tracking": {"wandb": "disabled"}}},
            "baseline.epochs: 2 before, 3 now",
            "exact",
        ),
        (
            {"settings": {"seed": 1, "baseline": {"epochs": 2}, "tracking": {"wandb": "disabled"}}},
            "seed: 0 before, 1 now",
            "earlier",
        ),
        ({"device": "cuda"}, 'device: "cpu" before, "cuda" now', "exact"),
        ({"processes": 2}, "processes: 1 before, 2 now", "exact"),
    ],
)
def test_a_difference_and_what_depends_on_it(changes, shown, weight):
    (found,) = differences(origin(), origin(**changes), BASELINE, [DATA])
    assert (str(found), found.weight) == (shown, weight)


def test_other_data_is_a_difference_too(tmp_path):
    before, now = origin(), origin(needs={"data": "other"})
    with pytest.raises(SettingsError) as caught:
        agree(tmp_path, before, now, [], anyway=False, fork="runs/x-2")
    assert problem_of(caught).what.endswith("the data, or the results that it was trained on, have changed")
    (note,) = agree(tmp_path, before, now, [], anyway=True, fork="runs/x-2")
    assert note.endswith("the data, or the results that it was trained on, have changed")


def test_a_difference_that_an_earlier_stage_depends_on_says_so(tmp_path):
    settings = {"seed": 1, "baseline": {"epochs": 2}, "tracking": {"wandb": "disabled"}}
    found = differences(origin(), origin(settings=settings), BASELINE, [DATA])
    with pytest.raises(SettingsError) as caught:
        agree(tmp_path, origin(), origin(settings=settings), found, anyway=False, fork="runs/x-2")
    assert problem_of(caught).what.endswith("seed: 0 before, 1 now; an earlier stage depends on it too")
