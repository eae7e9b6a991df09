"""A job that is interrupted goes on where it was, and ends as if nothing had happened."""

import shutil

import pytest
import torch
from safetensors.torch import load_file
from small_jobs import actions, events, job

from ecr_engine.pipeline.job import plan, run_job
from ecr_engine.runs.checkpoints import latest, list_checkpoints
from ecr_engine.runs.folder import RunFolder


def interrupt(stage, step, kind="step"):
    """A listener that acts as Ctrl-C does, at one event."""

    def listen(event):
        if (event.stage, event.step, event.kind) == (stage, step, kind):
            raise KeyboardInterrupt

    return listen


def before_rl(finished, tmp_path):
    """A run whose next stage is `rl`."""
    folder = shutil.copytree(finished, tmp_path / "run", symlinks=True)
    shutil.rmtree(folder / "policy")
    return folder


def told(folder):
    """What the stage told of its steps, but for clocks and memory."""
    return [
        (event.step, event.kind, {k: v for k, v in event.values.items() if not k.startswith(("time/", "perf/"))})
        for event in events(folder, "rl")
        if event.kind in ("step", "validation", "sample", "progress")
    ]


@pytest.mark.parametrize(("step", "kind", "kept"), [(3, "step", 2), (2, "checkpoint", 2), (4, "validation", 3)])
def test_rl_goes_on_from_its_newest_checkpoint_and_ends_bit_for_bit_the_same(finished, tmp_path, step, kind, kept):
    folder = before_rl(finished, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        run_job(job(folder), listeners=[interrupt("rl", step, kind)])
    record = RunFolder(folder).read_record()
    assert (record.status, record.exit_code, record.stages["rl"].status) == ("interrupted", 130, "interrupted")
    assert latest(folder / "policy").name == f"step-00000{kept}"
    assert ("rl", "it did not end") in [(made.stage, made.why) for made in plan(job(folder))]

    torch.manual_seed(4321)
    assert actions(run_job(job(folder)).outcomes) == ("rl", "evaluate", "compare", "report")
    assert f"taken up at update {kept}" in [event.values["what"] for event in events(folder, "rl", "note")]
    assert [event.step for event in events(folder, "rl", "step")] == [1, 2, 3, 4]
    assert told(folder) == told(finished)
    assert latest(folder / "policy").name == latest(finished / "policy").name == "step-000004"
    for name in ("model", "trainer/values", "trainer/policy_optimizer", "trainer/value_optimizer"):
        one, other = (load_file(latest(run / "policy") / f"{name}.safetensors") for run in (folder, finished))
        assert one.keys() == other.keys()
        assert all(torch.equal(one[key], other[key]) for key in one), name
    names = [[info.path.name for info in list_checkpoints(run / "policy")] for run in (folder, finished)]
    assert names[0] == names[1]
    one, other = ((run / "evaluation" / "policy" / "samples.jsonl").read_bytes() for run in (folder, finished))
    assert one == other


def test_an_interruption_before_the_first_checkpoint_starts_the_stage_anew(finished, tmp_path):
    folder = before_rl(finished, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        run_job(job(folder), listeners=[interrupt("rl", 1)])
    assert list_checkpoints(folder / "policy") == []
    run_job(job(folder), until="rl")
    assert told(folder) == told(finished)
    assert len(events(folder, "rl", "stage_started")) == 1


def test_with_other_settings_nothing_is_taken_up(finished, tmp_path):
    folder = before_rl(finished, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        run_job(job(folder), listeners=[interrupt("rl", 3)])
    run_job(job(folder, "ppo.gamma=0.9"), until="rl")
    assert [event.step for event in events(folder, "rl", "step")] == [1, 2, 3, 4]
    assert not [event for event in events(folder, "rl", "note") if "taken up" in event.values["what"]]
    assert told(folder)[3:] != told(finished)[3:]


def test_an_interrupted_baseline_starts_anew_and_comes_to_the_same(finished, tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        run_job(job(folder), until="baseline", listeners=[interrupt("baseline", 2)])
    assert RunFolder(folder).read_record().stages["baseline"].status == "interrupted"
    result = run_job(job(folder), until="baseline")
    assert actions(result.outcomes) == ("baseline",)
    assert [event.step for event in events(folder, "baseline", "step")] == [1, 2, 3]
    one, other = (load_file(run / "baseline" / "best" / "model.safetensors") for run in (folder, finished))
    assert all(torch.equal(one[key], other[key]) for key in one)
