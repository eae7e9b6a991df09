"""`latest` and `best` in folders that were copied, moved or broken: none is lost, and none is taken for another."""

from __future__ import annotations

import shutil

import pytest

from ecr_engine.runs.checkpoints import best, latest, list_checkpoints, prune, save_checkpoint, sweep
from ecr_engine.runs.folder import RunFolder
from ecr_engine.runs.links import broken_links
from ecr_engine.runs.manifest import verify
from ecr_engine.runs.pruning import plan_pruning, prune_run
from ecr_engine.runs.record import RunRecord


def write(folder):
    (folder / "part").write_bytes(b"x" * 1000)


@pytest.fixture
def stage(tmp_path):
    """Checkpoints of the steps 1 to 4, of which 2 is the best."""
    place = tmp_path / "run" / "policy"
    for step in (1, 2, 3, 4):
        save_checkpoint(place, step, write, metrics={}, best=step <= 2, keep_last=9)
    return place


def steps(stage):
    return [info.step for info in list_checkpoints(stage)]


def marks(stage):
    """The steps that are the latest and the best."""
    found = list_checkpoints(stage)
    return [info.step for info in found if info.is_latest], [info.step for info in found if info.is_best]


def ends(stage):
    """What the links say."""
    return [str((stage / name).readlink()) for name in ("latest", "best")]


WHOLE = ["checkpoints/step-000004", "checkpoints/step-000002"]


def test_a_copy_whose_links_became_folders_loses_nothing(stage, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(stage, copy)
    assert (copy / "best").is_dir() and not (copy / "best").is_symlink()
    assert (latest(copy).name, best(copy).name) == ("step-000004", "step-000002")
    assert marks(copy) == ([4], [2])
    assert [path.name for path in prune(copy, 1)] == ["step-000001", "step-000003"]
    sweep(copy)
    assert ends(copy) == WHOLE
    assert sorted(path.name for path in copy.iterdir()) == ["best", "checkpoints", "latest"]
    assert all(verify(info.path) == [] for info in list_checkpoints(copy))


def test_a_copy_whose_links_became_folders_can_be_saved_into(stage, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(stage, copy)
    save_checkpoint(copy, 5, write, metrics={}, best=True, keep_last=9)
    assert ends(copy) == ["checkpoints/step-000005"] * 2


def test_a_folder_with_a_links_name_that_is_no_copy_is_kept(stage):
    (stage / "latest").unlink()
    (stage / "latest").mkdir()
    (stage / "latest" / "thesis.tex").write_text("years of work")
    sweep(stage)
    assert ends(stage) == WHOLE
    assert (stage / "former-latest" / "thesis.tex").read_text() == "years of work"


def test_links_that_an_archive_turned_into_files_are_mended(stage):
    for name in ("latest", "best"):
        target = (stage / name).readlink()
        (stage / name).unlink()
        (stage / name).write_text(str(target))
    assert marks(stage) == ([4], [2])
    sweep(stage)
    assert ends(stage) == WHOLE


def test_without_links_the_manifests_tell(stage):
    for name in ("latest", "best"):
        (stage / name).unlink()
    assert marks(stage) == ([4], [2])
    assert [path.name for path in prune(stage, 1)] == ["step-000001", "step-000003"]


@pytest.mark.parametrize("target", ["latest", "checkpoints/step-000099", "../elsewhere/checkpoints/step-000001"])
def test_a_link_that_leads_to_no_checkpoint_of_its_stage_is_told_and_not_followed(stage, target):
    elsewhere = stage.parent / "elsewhere" / "checkpoints" / "step-000001"
    shutil.copytree(stage / "checkpoints" / "step-000001", elsewhere)
    (stage / "latest").unlink()
    (stage / "latest").symlink_to(target)
    assert latest(stage).name == "step-000004"
    why = "out of its stage" if "elsewhere" in target else "to nothing"
    assert [problem.what for problem in broken_links(stage)] == [f"the link 'latest' leads {why}"]
    sweep(stage)
    assert (ends(stage), broken_links(stage)) == (WHOLE, [])
    assert verify(elsewhere) == []


def test_a_link_with_the_whole_path_is_as_good(stage):
    (stage / "latest").unlink()
    (stage / "latest").symlink_to(stage.resolve() / "checkpoints" / "step-000003")
    assert (latest(stage).name, broken_links(stage)) == ("step-000003", [])


def test_a_checkpoint_that_lies_on_another_disk_loses_its_link_only(stage, tmp_path):
    other = tmp_path / "disk" / "step-000001"
    other.parent.mkdir()
    (stage / "checkpoints" / "step-000001").rename(other)
    (stage / "checkpoints" / "step-000001").symlink_to(other)
    run = RunFolder(stage.parent)
    run.write_record(RunRecord(("ecrctl",), 0, None, {}, {}, None, (), 0.0))
    one = sum(path.stat().st_size for path in (stage / "checkpoints" / "step-000003").iterdir())
    # Of the two that go, 1 and 3, only 3 takes room here.
    assert plan_pruning(run, 1).frees == one
    prune_run(run, 1)
    assert steps(stage) == [2, 4]
    assert sorted(path.name for path in (stage / "checkpoints").iterdir()) == ["step-000002", "step-000004"]
    assert verify(other) == []


def test_pruning_by_hand_takes_what_interrupted_work_left(stage):
    run = RunFolder(stage.parent)
    run.write_record(RunRecord(("ecrctl",), 0, None, {}, {}, None, (), 0.0))
    (stage / "checkpoints" / "step-000003").rename(stage / "checkpoints" / ".discarded-step-000003-ab")
    staging = stage / "checkpoints" / ".staging-step-000005-cd"
    staging.mkdir()
    (staging / "part").write_bytes(b"x" * 70)
    plan = plan_pruning(run, 9)
    assert [path.name for path in plan.left_over] == [".staging-step-000005-cd", ".discarded-step-000003-ab"]
    manifest = (stage / "checkpoints" / ".discarded-step-000003-ab" / "manifest.json").stat().st_size
    assert (plan.removed, plan.frees) == (0, 70 + 1000 + manifest)
    assert staging.exists()
    assert prune_run(run, 9).done
    assert sorted(path.name for path in (stage / "checkpoints").iterdir()) == [
        f"step-00000{step}" for step in (1, 2, 4)
    ]
