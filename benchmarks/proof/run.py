"""The proof: a baseline on ReDial, three policies, controls, evaluators from outside, profiles, and docs/results.md.

    python benchmarks/proof/run.py --data path/to/redial --goemotions path/to/goemotions

It takes hours, and any number of sittings: a finished step is not run again, a stopped one goes on where it was, and a
killed one at its last checkpoint. A step is run anew when its commands have changed, or the settings of its training or
its decoding, and so is what comes after it. With --jobs 2, two steps that do not need each other run at once, each with
half of the cores: on a few cores that is faster, as one run rarely fills them.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from pathlib import Path

from decodings import prepare
from files import HERE
from plan import all_steps
from running import Sitting, finished, planned
from steps import Place


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="raw ReDial")
    parser.add_argument("--goemotions", type=Path, required=True, help="raw GoEmotions")
    parser.add_argument("--out", type=Path, default=Path("runs/proof"))
    parser.add_argument("--jobs", type=int, default=1, help="how many steps run at once (1)")
    parser.add_argument("--until", help="the last step of the list to run")
    parser.add_argument("--list", action="store_true", help="show the steps and what is done, and run nothing")
    given = parser.parse_args()
    if given.jobs < 1:
        parser.error("--jobs is at least 1")
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    place = Place(given.out, given.data, given.goemotions)
    prepare(place)
    if given.until not in {None, *(step.name for step in all_steps(place))}:
        parser.error(f"there is no step {given.until}; --list shows them")
    if given.list:
        steps = planned(place, given.until)
        done = finished(steps, place)
        for step in steps:
            print(f"{'done' if step.name in done else '    '}  {step.name}")
        return
    for flag, path in (("--data", place.redial), ("--goemotions", place.goemotions)):
        if not path.exists():
            parser.error(f"{flag}: there is no {path}")
    try:
        failures = Sitting(place, given.jobs).run(given.until)
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", file=sys.stderr)
        sys.exit(128 + signal.SIGINT)
    subprocess.run([sys.executable, str(HERE / "results.py"), str(place.out)], check=True)
    if failures:
        sys.exit("; ".join(failures))


if __name__ == "__main__":
    main()
