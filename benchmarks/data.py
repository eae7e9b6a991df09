"""Speed and memory of `ecr_engine.data.process`, tokenisation aside.

    python benchmarks/data.py                                   on the sample corpus
    python benchmarks/data.py --source path/to/redial           on ReDial
    python benchmarks/data.py --source path/to/redial --dialogues 200000 --knowledge auto

The dialogues of the source are repeated under new ids until there are `--dialogues` of them, so that length is the only
thing that grows. Each run is a process of its own on one core; its CPU time and its peak resident memory are printed,
start of the interpreter and imports included, and the median of several runs.
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

RUNS = 3


def repeat(source: Path, target: Path, dialogues: int) -> int:
    """Writes `dialogues` dialogues to `target/train_data.jsonl`, with all else of the source beside them.

    Returns:
        The bytes of the dialogues.
    """
    lines = [line for split in ("train", "valid", "test") for line in _lines(source / f"{split}_data.jsonl")]
    raws = [json.loads(line) for line in lines]
    for entry in source.iterdir():
        if entry.is_file() and not entry.name.endswith("_data.jsonl"):
            (target / entry.name).symlink_to(entry.resolve())
    with (target / "train_data.jsonl").open("w", encoding="utf-8") as handle:
        for number in range(dialogues):
            raw = raws[number % len(raws)]
            raw["conversationId"] = str(number)
            handle.write(json.dumps(raw) + "\n")
    return (target / "train_data.jsonl").stat().st_size


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []


def measure(source: Path, output: Path, knowledge: str) -> tuple[float, float]:
    """CPU seconds and peak MiB of `ecrctl data process`."""
    command = [sys.executable, "-m", "ecrctl", "data", "process", str(source), "--output", str(output), "--json"]
    if knowledge:
        command += ["--knowledge", knowledge]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        sys.exit(f"{' '.join(command)} failed with status {os.waitstatus_to_exitcode(status)}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    """Measures what the arguments ask for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--source", type=Path, help="a ReDial folder; the sample corpus if left out")
    parser.add_argument("--dialogues", type=int, default=20_000, help="how many")
    parser.add_argument("--knowledge", default="", help="folder of a knowledge graph, or auto")
    parser.add_argument("--runs", type=int, default=RUNS, help="how often")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        source = given.source
        if source is None:
            source = place / "sample"
            subprocess.run(
                [sys.executable, "-m", "ecrctl", "data", "sample", "--output", str(source), "--quiet"],
                check=True,
                stdout=subprocess.DEVNULL,
            )
        (place / "raw").mkdir()
        size = repeat(source, place / "raw", given.dialogues)
        print(f"{given.dialogues:,} dialogues, {size / 2**20:.0f} MiB")
        rates = []
        for _ in range(given.runs):
            started = time.perf_counter()
            seconds, memory = measure(place / "raw", place / "out", given.knowledge)
            wall = time.perf_counter() - started
            rates.append(given.dialogues / seconds)
            speed = f"{rates[-1]:8,.0f} dialogues a CPU second"
            print(f"{speed}   {seconds:6.1f} s CPU   {wall:6.1f} s wall   peak {memory:4.0f} MiB")
        print(f"{statistics.median(rates):8,.0f} median of {given.runs}")


if __name__ == "__main__":
    main()
