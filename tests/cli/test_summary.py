"""The last frame: what each stage came to, what was warned of, and what to type next."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console
from synthetic import STAGES, START, evaluation_events, whole_run

from ecr_engine.runs.events import Event
from ecrctl.ui.dashboard import Frame
from ecrctl.ui.snapshot import Stage, begin, reduce_all
from ecrctl.ui.summary import outcome, summary

FRAMES = Path(__file__).parent / "frames"
NEXT = "ecrctl runs show runs/demo"


def finished() -> list[Event]:
    """A run that is done, with what its stages say of themselves."""
    end = START + 500
    held_out = [Event(end, "rl", step, "validation", {"eval/reward": value}) for step, value in ((0, 0.25), (40, 0.5))]
    return [
        *whole_run(),
        *held_out,
        Event(end, "rl", 40, "note", {"what": "best validation reward 0.500 at update 40"}),
        Event(end, "rl", 0, "stage_finished", {"seconds": 400.0}),
        *[Event(event.time + 500, event.stage, event.step, event.kind, event.values) for event in evaluation_events()],
        Event(end + 20, "evaluate", 0, "stage_finished", {"seconds": 20.0}),
        Event(end + 20, "compare", 0, "stage_started", {}),
        Event(end + 20, "compare", 0, "note", {"what": "Policy is better than baseline at the objective. " * 9}),
        Event(end + 21, "compare", 0, "stage_finished", {"seconds": 1.0}),
    ]


def drawn(width: int, events: list[Event] | None = None, next_step: str = NEXT) -> str:
    stream = io.StringIO()
    picture = reduce_all(begin("runs/demo", STAGES), finished() if events is None else events)
    Console(file=stream, width=width, height=40).print(summary(picture, Frame(width, 40, picture.now), next_step))
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


@pytest.mark.parametrize("width", [60, 80, 120])
def test_golden_summary(width) -> None:
    frame = drawn(width)
    assert frame == (FRAMES / f"summary-{width}.txt").read_text(encoding="utf-8")
    assert max(cell_len(line) for line in frame.splitlines()) <= width


def test_a_stage_tells_what_it_measured_on_held_out_turns() -> None:
    lines = drawn(120).splitlines()
    assert any(
        line.endswith("held-out reward 0.2500 → 0.5000; best validation reward 0.500 at update 40") for line in lines
    )
    assert any(line.endswith("20 s  reward: baseline 0.2500, policy 0.3750") for line in lines)
    assert outcome(Stage("judge")) == ""


def test_warnings_of_all_stages_stay_with_their_place() -> None:
    assert "warning  rl, step 10: KL is high\n    fix  lower ppo.learning_rate\n" in drawn(80)


def test_what_to_type_next_is_whole_however_narrow_it_is() -> None:
    command = "ecrctl rl train --run runs/a-run-with-a-long-name --data some/where/redial --resume auto"
    tail = drawn(50, next_step=command).rpartition("next  ")[2]
    assert " ".join(tail.split()) == command
    assert "next" not in drawn(50, next_step="")


def test_a_stage_that_broke_off_is_marked() -> None:
    (line,) = [line for line in drawn(80, whole_run()).splitlines() if " rl " in line]
    assert line.split() == ["▶", "rl", "unfinished"]
