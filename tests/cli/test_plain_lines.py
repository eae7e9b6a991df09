"""Plain lines: what is told, how often, and how."""

from __future__ import annotations

import math

from synthetic import RL_START, rl_step, whole_run

from ecr_engine.runs.events import Event
from ecrctl.ui.plain import PlainLines


def told(events: list[Event], *, everything: bool = False) -> list[str]:
    lines: list[str] = []
    listener = PlainLines(lines.append, everything=everything)
    for event in events:
        listener(event)
    return lines


def test_a_whole_run() -> None:
    lines = told(whole_run())
    assert lines[:6] == [
        "stage=data event=stage_skipped",
        "stage=baseline event=stage_started",
        "stage=baseline event=step step=1 train/loss=5.500 train/lr=1.00e-04",
        "stage=baseline event=validation step=40 eval/loss=3.250",
        "stage=baseline event=stage_finished seconds=70.00",
        "stage=judge event=stage_started",
    ]
    assert lines[-2] == (
        "stage=rl event=step step=10/40 objective/reward=0.5000 objective/kl=0.5000 policy/loss=-0.0125 "
        "policy/approx_kl=0.0020 policy/clip_fraction=nan value/loss=inf value/explained_variance=0.5000 "
        "perf/samples_per_s=18.25"
    )
    assert lines[-1] == 'stage=rl event=warning step=10 what="KL is high" fix="lower ppo.learning_rate"'


def test_fast_steps_are_told_every_two_seconds() -> None:
    events = [Event(RL_START + 0.25 * n, "rl", n, "step", rl_step(n)) for n in range(1, 41)]
    # Steps at 0.25 s, 0.5 s, … 10 s: the first, and then one at each 2 seconds after it.
    assert [line.split()[2] for line in told(events)] == ["step=1", "step=9", "step=17", "step=25", "step=33"]


def test_progress_is_told_where_there_are_no_steps() -> None:
    values = {"done": 8, "total": 100, "what": "responses"}
    events = [Event(1.0, "judge", 0, "progress", values), Event(1.5, "judge", 0, "progress", values)]
    assert told(events) == ["stage=judge event=progress done=8 total=100 what=responses"]


def test_everything_means_every_event_with_all_values() -> None:
    lines = told(whole_run(), everything=True)
    assert len(lines) == len(whole_run())
    assert any("time/rollout_s=1.000" in line for line in lines)


def test_values_stay_on_one_line_and_can_be_told_apart() -> None:
    values = {
        "what": "a\nb\x1b[31m",
        "n": math.nan,
        "big": 1234567.0,
        "on": True,
        "none": None,
        "empty": "",
        "list": [1, 2],
    }
    assert told([Event(1.0, "rl", 0, "note", values)]) == [
        'stage=rl event=note what="a b [31m" n=nan big=1.23e+06 on=true none=null empty="" list="[1, 2]"'
    ]


def test_everything_means_whole_texts_too() -> None:
    response = "you might like <movie> too " * 20
    told_short, told_whole = (
        told([Event(1.0, "rl", 1, "note", {"response": response})], everything=everything)[0]
        for everything in (False, True)
    )
    assert told_short.endswith('…"')
    assert len(told_short) < 220
    assert told_whole == f'stage=rl event=note step=1 response="{response.strip()}"'


def test_a_warning_of_the_health_watch_is_one_line_with_its_remedy() -> None:
    fix = f"ecrctl rl train --run {'deep/' * 40}demo --bleu_weight 0.5"
    values = {"name": "reward_flat", "what": "no rise", "why": "no signal", "fix": fix}
    assert told([Event(1.0, "rl", 50, "warning", values)]) == [
        f'stage=rl event=warning step=50 name=reward_flat what="no rise" why="no signal" fix="{fix}"'
    ]
