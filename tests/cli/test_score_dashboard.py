"""How far a scoring job is: the same dashboard as a training's, and the same lines."""

from __future__ import annotations

import io

from rich.console import Console

from ecr_engine.scoring.tally import JobProgress
from ecrctl.ui.dashboard import Frame, render
from ecrctl.ui.score_progress import Lines, event_of
from ecrctl.ui.snapshot import begin, reduce_all


def test_the_dashboard_of_a_scoring_job() -> None:
    # 40 rows in 4 seconds, then 10 a second; 150 are left.
    news = [JobProgress(10, 200, 0, 0, None, None), JobProgress(50, 200, 2, 7, 10.0, 15.0)]
    events = [event for place, each in enumerate(news) for event in event_of(each, 100.0 + 4 * place)]
    stream = io.StringIO()
    picture = reduce_all(begin("judged.jsonl", ("score",)), events)
    Console(file=stream, width=60, height=20).print(render(picture, Frame(60, 20, 104.0)))
    lines = [line.rstrip() for line in stream.getvalue().splitlines()]
    assert lines[:2] == ["ecrctl · judged.jsonl" + " " * 34 + "4.0 s", "▶ score 4.0 s"]
    assert lines[3].startswith("score  50/200 responses  ━")
    assert lines[3].endswith("─  25 %  15 s left")
    assert lines[-1] == "10.00 responses/s · 2 failed · 7 from the cache"


def test_lines_come_when_it_is_time_and_the_last_one_always() -> None:
    moments, lines = iter([0.0, 1.0, 2.5, 3.0]), []
    listener = Lines(lines.append, 2.0, lambda: next(moments))
    for done in (10, 50, 200):
        listener(JobProgress(done, 200, 2, 7, 10.0, (200 - done) / 10.0))
    assert lines == [
        "stage=score event=progress done=50 total=200 failed=2 cached=7 rows_per_s=10.00 remaining_s=15.00",
        "stage=score event=progress done=200 total=200 failed=2 cached=7 rows_per_s=10.00 remaining_s=0",
    ]
