"""Frames of the dashboards at every width of the golden ones, from what is not usual."""

from __future__ import annotations

import io
import math
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from ecr_engine.runs.events import Event
from ecr_engine.scoring.tally import JobProgress
from ecrctl.ui.dashboard import Frame, render
from ecrctl.ui.score_progress import event_of
from ecrctl.ui.snapshot import begin, reduce_all
from ecrctl.ui.summary import summary

WIDTHS = (40, 60, 80, 120, 200)
"""Below 50 columns a frame is `key=value` lines."""

HEIGHT = 40
WIDE = "千と千尋の神隠し 🎬 天空の城ラピュタ 👩‍👩‍👧‍👦 "
POINTS = 1_000_000


def lines(drawing, width: int) -> list[str]:
    stream = io.StringIO()
    Console(file=stream, width=width, height=HEIGHT).print(drawing)
    return [line.rstrip() for line in stream.getvalue().splitlines()]


def frame(events: list[Event], width: int, now: float = 100.0) -> list[str]:
    picture = reduce_all(begin("runs/demo", ("baseline", "rl")), events)
    return lines(render(picture, Frame(width, HEIGHT, now)), width)


def training(reward: float, steps: int = 3) -> list[Event]:
    begun = [Event(0.0, "rl", 0, "stage_started", {})]
    return begun + [Event(10.0 + n, "rl", n, "step", {"objective/reward": reward}) for n in range(1, steps + 1)]


def reward_line(found: list[str]) -> list[str]:
    (line,) = [line for line in found if line.strip().startswith(("reward", "objective/reward="))]
    return line.replace("=", " ").split()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(("value", "shown"), [(math.nan, "NaN"), (math.inf, "∞"), (-math.inf, "-∞")], ids=str)
def test_nothing_but_what_is_no_number(width, value, shown) -> None:
    found = frame(training(value), width)
    assert shown in reward_line(found)
    assert max(map(cell_len, found)) <= width


@pytest.mark.parametrize("width", WIDTHS)
def test_no_event_at_all(width) -> None:
    told = " ".join(" ".join(frame([], width)).split())
    assert told == ("" if width == 40 else "ecrctl · runs/demo · baseline · rl")
    assert max(map(cell_len, frame([], width)), default=0) <= width
    assert lines(summary(begin("runs/demo", ("rl",)), Frame(width, HEIGHT, 0.0)), width)[-1].strip() == "· rl"


@pytest.mark.parametrize("width", WIDTHS)
def test_wide_letters_in_every_text(width) -> None:
    sample = {"context": WIDE * 9, "response": WIDE * 9, "reward": 0.5, "components": {}}
    events = [
        *training(0.25),
        Event(14.0, "rl", 3, "sample", sample),
        Event(14.0, "rl", 3, "warning", {"what": WIDE * 5, "fix": WIDE * 5}),
        Event(14.0, "rl", 3, "note", {"what": WIDE * 5}),
    ]
    found = frame(events, width)
    assert any("千と千尋" in line for line in found) == (width > 40)
    assert max(map(cell_len, found)) <= width
    picture = reduce_all(begin(f"runs/{WIDE * 9}", ("rl",)), events)
    drawn = (render(picture, Frame(width, HEIGHT, 100.0)), summary(picture, Frame(width, HEIGHT, 100.0)))
    assert all(cell_len(line) <= width for each in drawn for line in lines(each, width))


def test_a_million_points_at_every_width() -> None:
    events = [Event(0.0, "rl", 0, "stage_started", {})]
    picture = reduce_all(begin("runs/demo", ("rl",)), events)
    step = {"objective/reward": 0.125}
    picture = reduce_all(picture, (Event(1.0 + n, "rl", n, "step", step) for n in range(1, POINTS + 1)))
    for width in WIDTHS:
        found = lines(render(picture, Frame(width, HEIGHT, POINTS + 1.0)), width)
        assert "0.1250" in reward_line(found)
        assert max(map(cell_len, found)) <= width


@pytest.mark.parametrize("width", WIDTHS)
def test_a_scoring_job(width) -> None:
    news = (JobProgress(0, 0, 0, 0, None, None), JobProgress(50, 200, 2, 7, math.inf, math.nan))
    for each in news:
        picture = reduce_all(begin(str(Path(WIDE * 4) / "judged.jsonl"), ("score",)), event_of(each, 100.0))
        found = lines(render(picture, Frame(width, HEIGHT, 104.0)), width)
        assert any("score" in line for line in found)
        assert any("50/200" in line for line in found) == (each.done == 50)
        assert max(map(cell_len, found)) <= width
