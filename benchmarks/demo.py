"""Time and memory of the main job on the sample corpus, and of `ecrctl --help`.

    python benchmarks/demo.py              the whole demo, once: minutes
    python benchmarks/demo.py --help-only  only the help, five times

Each command is a process of its own, as a user would start it. Time is wall-clock, memory the process's peak resident
size. The figures are printed, not asserted: machines differ, and shared ones are noisy.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HELP_RUNS = 5


def measure(command: list[str]) -> tuple[float, float]:
    """Seconds and peak MiB of one command.

    Raises:
        SystemExit: the command failed.
    """
    started = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - started
    if status:
        sys.exit(f"{' '.join(command)} failed with status {os.waitstatus_to_exitcode(status)}")
    return seconds, usage.ru_maxrss / 1024


def measure_help(ecrctl: list[str]) -> None:
    """The help's median time, over several runs after one that warms the disk cache."""
    measure([*ecrctl, "--help"])
    times = [measure([*ecrctl, "--help"])[0] for _ in range(HELP_RUNS)]
    print(f"ecrctl --help        {statistics.median(times):6.2f} s   median of {HELP_RUNS}")


def measure_demo(ecrctl: list[str]) -> None:
    """The demo from nothing, and again with nothing left to do."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "demo"
        command = [*ecrctl, "run", "--profile", "demo", "--run", str(run), "--quiet"]
        for name in ("ecrctl run", "the same again"):
            seconds, memory = measure(command)
            print(f"{name:20} {seconds:6.1f} s   peak {memory:5.0f} MiB")
        record = json.loads((run / "run.json").read_text(encoding="utf-8"))
        for stage, entry in record["stages"].items():
            print(f"  {stage:18} {entry['seconds']:6.1f} s")


def main() -> None:
    """Measures what the arguments ask for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--help-only", action="store_true", help="leave out the demo")
    ecrctl = [sys.executable, "-m", "ecrctl"]
    measure_help(ecrctl)
    if not parser.parse_args().help_only:
        measure_demo(ecrctl)


if __name__ == "__main__":
    main()
