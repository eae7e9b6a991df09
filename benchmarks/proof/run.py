"""The proof: a baseline on ReDial, three policies, controls, evaluators from outside, profiles, and docs/results.md.

    python benchmarks/proof/run.py --data path/to/redial --goemotions path/to/goemotions

It takes hours, and any number of sittings: a finished step is not run again, a stopped one goes on where it was. A step
whose commands or settings have changed is run anew, and so is what comes after it.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import hashlib
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

from decodings import prepare
from files import HERE, read, write
from plan import all_steps
from steps import Command, Place, Step

TIMES = "times.json"
LOOKS = "looks.json"


def fingerprint(step: Step, place: Place) -> str:
    """Of all that a step depends on: its commands, its settings, and when what it needs was finished."""
    marks = read(place.out / TIMES)
    parts = [
        *(told(command, place) for command in step.commands(place)),
        *((place.out / name).read_text(encoding="utf-8") for name in step.settings),
        *(str(marks.get(name, {}).get("finished")) for name in step.needs),
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def full(command: Command) -> list[str]:
    """What is run: a script by this Python, anything else by `ecrctl`."""
    head = [] if command[0].endswith(".py") else ["-m", "ecrctl"]
    return [sys.executable, *head, *command]


def told(command: Command, place: Place) -> str:
    """The command as someone would type it: the proof folder and the data under names, not where they lie here."""
    head = ["python"] if command[0].endswith(".py") else ["ecrctl"]
    names = {
        str(HERE): "benchmarks/proof",
        str(place.redial): "redial",
        str(place.goemotions): "goemotions",
        str(place.out): "runs/proof",
    }
    texts = []
    for part in command:
        for path, name in names.items():
            part = part.replace(path, name)
        texts.append(part)
    return shlex.join([*head, *texts])


def set_aside(step: Step, place: Place) -> None:
    """Moves what a step made with other settings out of the way."""
    for name in step.makes:
        if (place.out / name).exists():
            number = 1
            while (aside := place.out / "aside" / str(number) / name).exists():
                number += 1
            aside.parent.mkdir(parents=True, exist_ok=True)
            (place.out / name).rename(aside)
            print(f"{step.name}: its settings changed; {name} lies in {aside.parent} now", flush=True)


class Diary:
    """What is known of a step, kept while it runs: seconds over all sittings, and with what it was begun.

    Args:
        step: the step.
        place: where things are.
    """

    def __init__(self, step: Step, place: Place) -> None:
        self._step, self._place = step, place
        self._print = fingerprint(step, place)
        known = read(place.out / TIMES).get(step.name, {})
        self.changed = known.get("settings") not in {None, self._print}
        self.goes_on = known.get("settings") == self._print
        self._spent = known.get("seconds", 0.0) if self.goes_on else 0.0
        self._began = time.monotonic()

    def note(self, **more: object) -> None:
        """Writes it down."""
        marks = read(self._place.out / TIMES)
        seconds = self._spent + time.monotonic() - self._began
        marks[self._step.name] = {"seconds": seconds, "settings": self._print, **more}
        write(self._place.out / TIMES, marks)

    def look(self) -> None:
        """Counts a look at the test split, once for what was begun and gone on with."""
        if self._step.looks and not self.goes_on:
            look = {"when": now(), "what": self._step.looks, "settings": self._print}
            write(self._place.out / LOOKS, [*(read(self._place.out / LOOKS) or []), look])


def run_step(step: Step, place: Place) -> None:
    """Runs a step's commands, and writes down that it is done.

    Raises:
        SystemExit: a command failed.
    """
    diary = Diary(step, place)
    if diary.changed:
        set_aside(step, place)
    step.before(place)
    diary.look()
    commands = step.commands(place)
    try:
        for command in commands:
            print(f"{step.name}: {told(command, place)}", flush=True)
            run_command(step, command, place, diary)
        step.after(place)
    except BaseException:
        diary.note(finished=None)
        raise
    diary.note(finished=now(), commands=[told(command, place) for command in commands])


def run_command(step: Step, command: Command, place: Place, diary: Diary) -> None:
    """Runs one command with its output in the step's log; what it prints as JSON is kept beside its exit status.

    Raises:
        SystemExit: it failed.
    """
    log = place.out / "log" / f"{step.name}.txt"
    log.parent.mkdir(parents=True, exist_ok=True)
    printed = place.out / f"{step.name}.json" if "--json" in command else log
    with log.open("ab") as errors, printed.open("wb" if "--json" in command else "ab") as output:
        running = subprocess.Popen(full(command), stdout=output, stderr=errors, env={**os.environ, "COLUMNS": "100"})
        try:
            while running.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    running.wait(timeout=30)
                diary.note(finished=None)
        except BaseException as error:
            # Ctrl-C has reached it already, and a second signal would end it unsaved.
            if not isinstance(error, KeyboardInterrupt):
                running.terminate()
            running.wait()
            raise
    if "--json" in command:
        place.out.joinpath(f"{step.name}.exit").write_text(f"{running.returncode}\n", encoding="utf-8")
    if running.returncode not in step.may_end_with:
        sys.exit(f"{step.name} ended with {running.returncode}; see {log}")


def now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def is_done(step: Step, place: Place) -> bool:
    """Whether it was finished as it would be run now."""
    known = read(place.out / TIMES).get(step.name, {})
    return bool(known.get("finished")) and known.get("settings") == fingerprint(step, place)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="raw ReDial")
    parser.add_argument("--goemotions", type=Path, required=True, help="raw GoEmotions")
    parser.add_argument("--out", type=Path, default=Path("runs/proof"))
    parser.add_argument("--until", help="the last step to run")
    parser.add_argument("--list", action="store_true", help="show the steps and what is done, and run nothing")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    place = Place(given.out, given.data, given.goemotions)
    prepare(place)
    at = 0
    # What comes after the choice of a decoding depends on it, so the list is made anew after each step.
    while at < len(steps := all_steps(place)):
        step, done = steps[at], is_done(steps[at], place)
        if given.list:
            print(f"{'done' if done else '    '}  {step.name}")
        elif not done:
            run_step(step, place)
        if step.name == given.until:
            break
        at += 1
    if not given.list:
        subprocess.run([sys.executable, str(HERE / "results.py"), str(place.out)], check=True)


if __name__ == "__main__":
    main()
