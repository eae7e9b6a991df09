"""The dashboard: golden frames of synthetic events, and what a snapshot holds."""

from __future__ import annotations

import io
import math
import time
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console
from synthetic import RL_START, STAGES, START, WEIGHTS, events_before_rl, rl_events, rl_step, whole_run

from ecr_engine.runs.events import Event
from ecrctl.ui.dashboard import Frame, render
from ecrctl.ui.snapshot import HISTORY, Snapshot, State, begin, reduce_all

FRAMES = Path(__file__).parent / "frames"
NOW = RL_START + 33.0


def snapshot(events: list[Event]) -> Snapshot:
    return reduce_all(begin("runs/demo", STAGES, WEIGHTS), events)


def drawn(picture: Snapshot, width: int, height: int = 40, now: float = NOW) -> str:
    stream = io.StringIO()
    Console(file=stream, width=width, height=height).print(render(picture, Frame(width, height, now)))
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


@pytest.mark.parametrize("width", [50, 60, 80, 120, 200])
def test_golden_frame_of_rl(width) -> None:
    frame = drawn(snapshot(whole_run()), width)
    assert frame == (FRAMES / f"rl-{width}.txt").read_text(encoding="utf-8")
    assert max(cell_len(line) for line in frame.splitlines()) <= width
    assert "\x1b" not in frame


def test_golden_frame_of_the_baseline() -> None:
    frame = drawn(snapshot(events_before_rl()[:5]), 80, now=START + 62)
    assert frame == (FRAMES / "baseline-80.txt").read_text(encoding="utf-8")


def test_golden_frame_before_the_first_event() -> None:
    assert drawn(begin("runs/demo", STAGES), 80) == (
        "ecrctl · runs/demo\n· data  · baseline  · judge  · critic  · rl  · evaluate  · compare  · report\n"
    )


@pytest.mark.parametrize("width", [50, 80, 120])
@pytest.mark.parametrize("height", [8, 14, 24])
def test_a_frame_never_exceeds_the_terminal(width, height) -> None:
    assert len(drawn(snapshot(whole_run()), width, height).splitlines()) <= height


def test_the_least_important_goes_first_when_lines_are_short() -> None:
    picture = snapshot(whole_run())
    assert "samples/s" in drawn(picture, 80, 30)
    short = drawn(picture, 80, 20)
    assert "samples/s" not in short
    assert "component" in short
    assert "reward  " in drawn(picture, 80, 12)


def test_progress_and_remaining_time() -> None:
    # 10 of 40 updates at 3 seconds each: 30 updates are 90 seconds.
    progress = snapshot(whole_run()).progress
    assert progress is not None
    assert (progress.done, progress.total) == (10, 40)
    assert progress.remaining() == pytest.approx(90.0)


def test_nothing_is_promised_before_there_is_a_pace() -> None:
    progress = snapshot(events_before_rl()[:4]).progress
    assert progress is not None
    assert progress.remaining() is None


def test_metrics_of_the_stage_at_hand() -> None:
    metrics = snapshot(whole_run()).metrics
    assert "train/loss" not in metrics
    assert metrics["objective/reward"].last == pytest.approx(0.50)
    assert metrics["objective/reward"].mean(4) == pytest.approx((0.47 + 0.48 + 0.49 + 0.50) / 4)
    assert metrics["policy/clip_fraction"].mean(20) == pytest.approx(0.08)
    assert math.isnan(metrics["policy/clip_fraction"].last)
    empathy = metrics["rewards/empathy/mean"]
    assert empathy.last - empathy.first == pytest.approx(0.18)


def test_states_and_times_of_the_stages() -> None:
    stages = {stage.name: (stage.state, stage.seconds) for stage in snapshot(whole_run()).stages}
    assert stages["data"] == (State.SKIPPED, None)
    assert stages["baseline"] == (State.DONE, 70.0)
    assert stages["rl"] == (State.RUNNING, None)
    assert stages["report"] == (State.WAITING, None)


def test_a_stage_that_runs_again_starts_anew() -> None:
    again = snapshot([*whole_run(), Event(NOW, "rl", 0, "stage_started", {})])
    assert again.metrics == {}
    assert again.sample is None
    assert again.progress is None


def test_a_long_history_stays_short_and_fast() -> None:
    events = [Event(RL_START + n, "rl", n, "step", rl_step(n)) for n in range(5000)]
    picture = snapshot(events)
    assert len(picture.metrics["objective/reward"].history) == HISTORY
    assert picture.metrics["objective/reward"].first == pytest.approx(0.40)
    started = time.process_time()
    drawn(picture, 120)
    assert time.process_time() - started < 0.5


def test_a_metric_that_begins_with_nan_has_its_first_finite_value_as_its_start() -> None:
    events = [Event(1.0, "rl", n, "step", {"x": value}) for n, value in enumerate((math.nan, 2.0, 5.0))]
    metric = snapshot(events).metrics["x"]
    assert (metric.first, metric.last) == (2.0, 5.0)


def test_a_sample_shows_who_spoke_last_and_its_components() -> None:
    sample = {
        "context": "seeker: hi\nrecommender: hello",
        "response": "a",
        "reward": 0.5,
        "components": {"bleu": 0.25, "empathy": None},
    }
    frame = drawn(snapshot([*rl_events(1), Event(NOW, "rl", 1, "sample", sample)]), 80)
    assert "recommender hello\n" in frame
    assert "reward      0.5000 · bleu 0.2500\n" in frame
    assert "empathy None" not in frame


def test_a_component_has_the_weight_of_the_moment() -> None:
    moved = Event(RL_START + 31, "rl", 11, "step", {**rl_step(11), "rewards/empathy/weight": 0.875})
    (line,) = [line for line in drawn(snapshot([*whole_run(), moved]), 120).splitlines() if " empathy " in line]
    assert line.split()[line.split().index("empathy") + 1] == "0.875"


def test_a_warning_has_its_remedy_under_it() -> None:
    values = {"name": "reward_flat", "what": "no rise in 50 updates", "why": "no signal", "fix": "--bleu_weight 0.5"}
    lines = drawn(snapshot([*whole_run(), Event(RL_START + 31, "rl", 10, "warning", values)]), 80).splitlines()
    place = lines.index("warning no rise in 50 updates")
    assert lines[place + 1] == "    fix --bleu_weight 0.5"
