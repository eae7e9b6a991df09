"""What the dashboard costs: milliseconds a frame, and the share of a core at the pace it is drawn.

python benchmarks/dashboard.py                 # synthetic: 60 metrics with full histories, at several widths
python benchmarks/dashboard.py --run runs/demo # the events of a real run
"""

from __future__ import annotations

import argparse
import io
import math
import time
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.live import Live

from ecr_engine.pipeline.job import STAGES
from ecr_engine.runs.events import Event, read_events
from ecrctl.ui.follow import FRAMES_PER_SECOND, Board
from ecrctl.ui.snapshot import begin, reduce

FRAMES = 200
COMPONENTS = ("bleu", "distinct", "empathy", "format", "recommendation", "relevance")
METRICS = ("objective/reward", "objective/kl", "objective/entropy", "policy/loss", "policy/clip_fraction", "value/loss")


def synthetic(steps: int) -> Iterable[Event]:
    """PPO updates with every metric a training tells."""
    yield Event(0.0, "rl", 0, "stage_started", {})
    names = [*METRICS, *(f"rewards/{name}/{what}" for name in COMPONENTS for what in ("mean", "std", "share"))]
    names += [f"time/{place}_s" for place in range(36)]
    for step in range(1, steps + 1):
        values = {name: math.sin(step / (7 + place)) for place, name in enumerate(names)}
        yield Event(float(step), "rl", step, "step", values)
        yield Event(float(step), "rl", step, "progress", {"done": step, "total": steps, "what": "updates"})
    sample = {"context": "seeker: " + "a film " * 20, "response": "try <movie> " * 20, "reward": 0.5, "components": {}}
    yield Event(float(steps), "rl", steps, "sample", sample)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path)
    given = parser.parse_args()
    events = list(synthetic(2_000) if given.run is None else read_events(given.run / "events.jsonl"))
    board = Board(begin("runs/demo", STAGES, dict.fromkeys(COMPONENTS, 1.0)))
    started = time.process_time()
    for event in events:
        board.snapshot = reduce(board.snapshot, event)
        if event.kind == "sample":
            kept = board.snapshot
    taken = time.process_time() - started
    print(f"events: {len(events):,}, {1e6 * taken / len(events):.0f} µs each")
    board.snapshot = kept
    for width, height in ((50, 30), (80, 40), (120, 45), (200, 60)):
        console = Console(file=io.StringIO(), width=width, height=height, force_terminal=True)
        with Live(board, console=console, auto_refresh=False) as live:
            started = time.process_time()
            for _ in range(FRAMES):
                live.refresh()
            frame = (time.process_time() - started) / FRAMES
        share = 100 * frame * FRAMES_PER_SECOND
        pace = f"{share:.1f} % of a core at {FRAMES_PER_SECOND} frames a second"
        print(f"{width:>3} columns: {1000 * frame:.1f} ms a frame, {pace}")


if __name__ == "__main__":
    main()
