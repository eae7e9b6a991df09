"""The dashboard: golden frames of synthetic events, and what a snapshot holds."""

from __future__ import annotations

import io
import math
import time
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console
from synthetic import (
    RL_START,
    STAGES,
    START,
    WEIGHTS,
    evaluation_events,
    events_before_rl,
    rl_events,
    rl_step,
    whole_run,
)

from ecr_engine.runs.events import Event
from ecrctl.ui.course import POINTS, RECENT, begun
from ecrctl.ui.dashboard import Frame, render
from ecrctl.ui.snapshot import Aims, Snapshot, State, begin, recalled, reduce_all

FRAMES = Path(__file__).parent / "frames"
NOW = RL_START + 33.0
AIMS = Aims(WEIGHTS, kl_target=2.0, kl_bound=0.1)


def snapshot(events: list[Event], aims: Aims = AIMS) -> Snapshot:
    return reduce_all(replace(begin("runs/demo", STAGES), aims=aims), events)


def drawn(picture: Snapshot, width: int, height: int = 45, now: float = NOW) -> str:
    stream = io.StringIO()
    Console(file=stream, width=width, height=height).print(render(picture, Frame(width, height, now)))
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def line_of(frame: str, label: str) -> list[str]:
    """The words of the one line that has a label."""
    (line,) = [line for line in frame.splitlines() if f" {label} " in f" {line} "]
    return line[line.index(label) + len(label) :].split()


@pytest.mark.parametrize("width", [40, 50, 60, 80, 120, 200])
def test_golden_frame_of_rl(width) -> None:
    frame = drawn(snapshot(whole_run()), width)
    assert frame == (FRAMES / f"rl-{width}.txt").read_text(encoding="utf-8")
    assert max(cell_len(line) for line in frame.splitlines()) <= width
    assert "\x1b" not in frame


def test_golden_frame_of_the_baseline() -> None:
    frame = drawn(snapshot(events_before_rl()[:5]), 80, now=START + 62)
    assert frame == (FRAMES / "baseline-80.txt").read_text(encoding="utf-8")


def test_golden_frame_of_an_evaluation() -> None:
    frame = drawn(snapshot(evaluation_events()), 80, now=START + 20)
    assert frame == (FRAMES / "evaluate-80.txt").read_text(encoding="utf-8")


def test_golden_frame_before_the_first_event() -> None:
    assert drawn(begin("runs/demo", STAGES), 80) == (
        "ecrctl · runs/demo\n· data  · baseline  · judge  · critic  · rl  · evaluate  · compare  · report\n\n"
    )


@pytest.mark.parametrize("width", [20, 50, 80, 120])
@pytest.mark.parametrize("height", [4, 8, 14, 24])
def test_a_frame_never_exceeds_the_terminal(width, height) -> None:
    lines = drawn(snapshot(whole_run()), width, height).splitlines()
    assert len(lines) < max(height, 6)
    assert max(cell_len(line) for line in lines) <= width


def test_the_least_important_goes_first_when_lines_are_short() -> None:
    picture = snapshot(whole_run())
    assert "samples/s" in drawn(picture, 80, 40)
    short = drawn(picture, 80, 22)
    assert "samples/s" not in short
    assert "empathy" in short
    assert "approximate KL" not in short
    assert "reward  " in drawn(picture, 80, 12)


def test_a_text_whose_rest_finds_no_room_says_so() -> None:
    sample = {"response": "one two three four five six seven eight nine ten " * 3}
    picture = snapshot([Event(RL_START, "rl", 0, "stage_started", {}), Event(RL_START, "rl", 1, "sample", sample)])
    whole, short = (drawn(picture, 60, height).splitlines() for height in (30, 7))
    assert whole[-1].split()[-1].endswith("…")
    # One line instead of two of stages, and one instead of three of the response.
    assert len(whole) == len(short) + 3
    assert short[-1] == "response            one two three four five six seven eight…"


def test_progress_and_remaining_time() -> None:
    # 10 of 40 updates at 3 seconds each: 30 updates are 90 seconds, and one takes 3.
    progress = snapshot(whole_run()).progress
    assert progress is not None
    assert (progress.done, progress.total) == (10, 40)
    assert progress.remaining() == pytest.approx(90.0)
    assert progress.pace() == pytest.approx(1 / 3)


def test_nothing_is_promised_before_there_is_a_pace() -> None:
    progress = snapshot(events_before_rl()[:4]).progress
    assert progress is not None
    assert (progress.remaining(), progress.pace()) == (None, None)


def test_metrics_of_the_stage_at_hand() -> None:
    metrics = snapshot(whole_run()).metrics
    assert "train/loss" not in metrics
    assert metrics["objective/reward"].last == pytest.approx(0.50)
    assert metrics["objective/reward"].mean(4) == pytest.approx((0.47 + 0.48 + 0.49 + 0.50) / 4)
    assert metrics["policy/clip_fraction"].mean() == pytest.approx(0.08)
    assert math.isnan(metrics["policy/clip_fraction"].last)
    empathy = metrics["rewards/empathy/mean"]
    assert empathy.last - empathy.first == pytest.approx(0.18)


def test_the_mean_is_that_of_the_last_hundred() -> None:
    picture = snapshot([Event(RL_START + n, "rl", n, "step", rl_step(n)) for n in range(1, 151)])
    # 0.40 + 0.01 n over n = 51 … 150, whose mean is 100.5.
    assert picture.metrics["objective/reward"].mean() == pytest.approx(1.405)
    assert line_of(drawn(picture, 80), "reward")[:2] == ["1.900", "1.405"]


def test_kl_is_held_against_its_target_and_else_against_the_bound_of_a_token() -> None:
    # A KL of 0.5 is 25 % of 2.0; over 10 tokens it is 0.05 a token, half of 0.1.
    assert line_of(drawn(snapshot(whole_run()), 80), "of its target")[:3] == ["25", "%", "25"]
    steps = [Event(NOW, "rl", 1, "step", {**rl_step(1), "completions/mean_length": 10.0})]
    fixed = drawn(snapshot(steps, replace(AIMS, kl_target=None)), 80)
    assert line_of(fixed, "of its bound")[:3] == ["50", "%", "50"]
    assert "0.1000 a token" in fixed


def test_states_and_times_of_the_stages() -> None:
    picture = snapshot(whole_run())
    stages = {stage.name: (stage.state, stage.seconds) for stage in picture.stages}
    assert stages["data"] == (State.SKIPPED, None)
    assert stages["baseline"] == (State.DONE, 70.0)
    assert stages["rl"] == (State.RUNNING, None)
    assert stages["report"] == (State.WAITING, None)
    # 70 + 10 + 20 seconds, and 33 of the stage at hand.
    assert picture.worked(NOW) == 133.0


def test_the_night_between_two_sittings_is_no_work() -> None:
    later = START + 50_000.0
    picture = snapshot([*whole_run(), Event(later, "rl", 0, "stage_started", {})])
    assert picture.worked(later + 5.0) == 105.0


def test_a_stage_that_runs_again_starts_anew() -> None:
    again = [*whole_run(), Event(NOW, "rl", 0, "stage_started", {})]
    picture = snapshot(again)
    assert picture.metrics == {}
    assert picture.sample is None
    assert picture.progress is None
    assert picture.warnings == ()
    anew = snapshot([*again, Event(NOW, "rl", 1, "step", rl_step(1))])
    assert anew.metrics["objective/reward"].recent == pytest.approx((0.41,))


def test_a_stage_that_is_taken_up_goes_on_with_its_curves() -> None:
    taken_up = [Event(NOW, "rl", 0, "stage_started", {}), Event(NOW, "rl", 11, "step", rl_step(11))]
    reward = snapshot([*whole_run(), *taken_up]).metrics["objective/reward"]
    assert len(reward.recent) == 11
    assert (reward.first, reward.last) == (pytest.approx(0.41), pytest.approx(0.51))


def test_a_job_that_goes_on_knows_what_it_told_before() -> None:
    picture = recalled(replace(begin("runs/demo", STAGES), aims=AIMS), whole_run())
    assert {stage.state for stage in picture.stages} == {State.WAITING}
    assert (picture.worked(NOW), picture.progress) == (0.0, None)
    taken_up = [Event(NOW, "rl", 0, "stage_started", {}), Event(NOW, "rl", 11, "step", rl_step(11))]
    assert len(reduce_all(picture, taken_up).metrics["objective/reward"].recent) == 11


def test_a_tracker_that_warns_puts_nothing_away() -> None:
    warning = Event(NOW, "tracking", 0, "warning", {"what": "wandb is offline", "fix": "wandb sync"})
    picture = snapshot([*whole_run(), warning])
    assert (picture.stage, picture.step) == ("rl", 10)
    assert "warning  wandb is offline\n    fix  wandb sync\n" in drawn(picture, 80)


def test_a_million_values_take_no_more_memory_than_a_few_hundred() -> None:
    metric = begun(0.0)
    for value in range(1, 1_000_000):
        metric = metric.after(float(value))
    assert len(metric.recent) == RECENT
    assert len(metric.points) <= POINTS
    # 1,000,000 values in at most 240 points, doubling: 8192 share one. The first is the mean of 0 … 8191.
    assert metric.each == 8192
    assert metric.points[0] == 4095.5
    assert metric.points[1] - metric.points[0] == 8192.0
    assert metric.rest[2] == 1_000_000 % 8192
    assert (metric.first, metric.last, metric.mean()) == (0.0, 999_999.0, 999_949.5)


def test_a_point_of_many_values_leaves_out_what_is_not_finite() -> None:
    metric = begun(math.inf)
    for value in (*[math.nan, 1.0, math.inf] * 80, math.nan):
        metric = metric.after(value)
    # 242 values: inf, then nan 1 inf nan 1 inf …; two share a point once 240 are full.
    assert metric.each == 2
    assert metric.first == 1.0
    assert metric.course[1] == 1.0
    assert math.isnan(metric.course[0])
    assert metric.mean() == 1.0


def test_a_frame_is_fast() -> None:
    picture = snapshot([*whole_run(), *[Event(NOW, "rl", n, "step", rl_step(n)) for n in range(11, 800)]])
    started = time.process_time()
    for _ in range(50):
        drawn(picture, 120)
    # The bound is 20 ms a frame; a frame takes about 3 on a quiet machine.
    assert (time.process_time() - started) / 50 < 0.06


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
    assert line_of(frame, "recommender") == ["hello"]
    assert line_of(frame, "its reward") == ["0.5000", "·", "bleu", "0.2500"]
    assert "empathy None" not in frame


def test_a_component_has_the_weight_of_the_moment() -> None:
    moved = Event(RL_START + 31, "rl", 11, "step", {**rl_step(11), "rewards/empathy/weight": 0.875})
    assert line_of(drawn(snapshot([*whole_run(), moved]), 120), "empathy")[0] == "0.875"


def test_a_component_is_held_against_the_baseline_on_held_out_turns() -> None:
    measured = [Event(NOW, "rl", step, "validation", {"eval/empathy": value}) for step, value in ((0, 0.25), (10, 0.5))]
    frame = drawn(snapshot([*whole_run(), *measured]), 80)
    # weight 2, value 0.40, 0.18 more than at the first update, 0.25 more than the baseline on the same turns
    assert line_of(frame, "empathy")[:4] == ["2", "0.4000", "+0.1800", "+0.2500"]


def test_a_remedy_is_never_cut() -> None:
    fix = "ecrctl rl train --run runs/demo --resume auto --resume-anyway --ppo_clip_epsilon 0.1 --ppo_epochs 2"
    warning = Event(RL_START + 31, "rl", 10, "warning", {"what": "no rise in 50 updates", "fix": fix})
    lines = drawn(snapshot([*whole_run(), warning]), 50).splitlines()
    place = lines.index("warning  no rise in 50 updates")
    assert " ".join(" ".join(lines[place + 1 : place + 4]).split()) == f"fix {fix}"


def test_what_a_stage_said_is_shown_where_it_has_no_numbers() -> None:
    events = [
        Event(START, "data", 0, "stage_started", {}),
        Event(START + 1, "data", 0, "note", {"what": "test: 128 dialogues"}),
    ]
    assert "test: 128 dialogues\n" in drawn(snapshot(events), 80)
