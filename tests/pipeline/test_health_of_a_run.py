"""A run with a curriculum and a watch over it: its events, its end, and its taking up."""

from __future__ import annotations

import pytest
from small_jobs import events, job

from ecr_engine.errors import DivergedError, ExitCode
from ecr_engine.pipeline.job import run_job

RAMPS = ("curriculum.empathy.start=0.0", "curriculum.length.start=0.0", "curriculum.length.end=2.0")


def weights(folder, name):
    return [event.values[f"rewards/{name}/weight"] for event in events(folder, "rl", "step")]


def test_weights_move_while_validations_keep_their_measure(tmp_path):
    run_job(job(tmp_path / "run", *RAMPS, "curriculum.order=baseline_loss"), until="rl")
    # Four updates: progress 0, 1/4, 2/4 and 3/4 of the way from 0 to 2.
    assert weights(tmp_path / "run", "empathy") == [0.0, 0.5, 1.0, 1.5]
    assert weights(tmp_path / "run", "length") == [0.0, 0.5, 1.0, 1.5]
    for event in events(tmp_path / "run", "rl", "validation"):
        assert "eval/empathy" in event.values
        assert "eval/length" not in event.values


def test_a_warning_that_stops_ends_with_code_6_and_the_other_choice_goes_on(tmp_path):
    folder = tmp_path / "run"
    # A baseline of three steps never comes to an end of what it says.
    with pytest.raises(DivergedError) as caught:
        run_job(job(folder, "health.on_warning=stop"), until="rl")
    problem = caught.value.problems[0]
    assert caught.value.exit_code is ExitCode.DIVERGED
    assert problem.what.startswith("stopped by the warning lengths_at_limit: ")
    assert problem.at == "rl, update 3"
    assert problem.fix == (
        f"ecrctl rl train --run {folder} --resume auto --resume-anyway --set prompt.resp_max_length=24; "
        f"no checkpoint of the policy is known to be healthy, the baseline is {folder}:baseline"
    )
    result = run_job(job(folder, "health.on_warning=continue"), until="rl")
    assert [outcome.stage for outcome in result.outcomes if outcome.action == "run"] == ["rl"]
    assert any("taken up at update 2" in str(event.values) for event in events(folder, "rl", "note"))
    named = [event for event in events(folder, "rl", "warning") if event.values.get("name") == "lengths_at_limit"]
    assert [event.step for event in named] == [3]
    assert len(events(folder, "rl", "step")) == 4
