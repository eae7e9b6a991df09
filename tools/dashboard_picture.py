"""Draws the dashboard of a real run, as it stood at one step, into an SVG for the documentation.

python tools/dashboard_picture.py runs/demo docs/dashboard.svg
python tools/dashboard_picture.py runs/demo baseline.svg --stage baseline --step 200 --width 80 --height 30
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme

from ecr_engine.runs.events import Event, read_events
from ecr_engine.runs.folder import RunFolder
from ecrctl.ui.dashboard import Frame, render
from ecrctl.ui.snapshot import reduce_all
from ecrctl.ui.watch import picture

THEME = TerminalTheme(
    (22, 24, 29),
    (205, 209, 216),
    [
        (22, 24, 29),
        (224, 108, 117),
        (134, 179, 112),
        (214, 180, 106),
        (97, 150, 217),
        (180, 130, 200),
        (90, 170, 186),
        (205, 209, 216),
    ],
    [
        (74, 80, 92),
        (224, 108, 117),
        (134, 179, 112),
        (214, 180, 106),
        (97, 150, 217),
        (180, 130, 200),
        (90, 170, 186),
        (240, 242, 245),
    ],
)
"""Calm colours on a dark ground, as terminals have them."""


def draw(run: Path, stage: str, step: int | None, width: int, height: int) -> str:
    """The SVG of a dashboard.

    Args:
        run: the run folder.
        stage: the stage to show.
        step: after which of its steps; None for its last.
        width: columns of the terminal.
        height: lines of the terminal.
    """
    folder = RunFolder(run)
    snapshot = reduce_all(picture(folder), _until(folder, stage, step))
    console = Console(
        file=io.StringIO(), record=True, width=width, height=height, force_terminal=True, color_system="truecolor"
    )
    console.print(render(snapshot, Frame(width, height, snapshot.now)))
    return console.export_svg(title=f"ecrctl runs watch {run}", theme=THEME, unique_id="dashboard")


def _until(folder: RunFolder, stage: str, step: int | None) -> Iterator[Event]:
    """The events of a run up to a step of a stage."""
    events = list(read_events(folder.events))
    fitting = [
        place
        for place, event in enumerate(events)
        if event.stage == stage and event.kind != "stage_finished" and (step is None or event.step <= step)
    ]
    yield from events[: max(fitting, default=-1) + 1]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--stage", default="rl")
    parser.add_argument("--step", type=int)
    parser.add_argument("--width", type=int, default=100)
    parser.add_argument("--height", type=int, default=42)
    given = parser.parse_args()
    given.output.write_text(draw(given.run, given.stage, given.step, given.width, given.height), encoding="utf-8")
