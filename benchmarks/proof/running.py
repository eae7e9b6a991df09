"""Running steps: each as soon as what it needs is done, several at once, and what of it is written down."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import os
import shlex
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from files import HERE, read, write
from plan import all_steps
from steps import Command, Place, Step

TIMES = "times.json"
LOOKS = "looks.json"

_writing = threading.Lock()
"""Held from reading a file that steps share until it is written."""


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
        jobs: how many steps share the machine.
    """

    def __init__(self, step: Step, place: Place, jobs: int = 1) -> None:
        self._step, self._place, self._jobs = step, place, jobs
        self._print = fingerprint(step, place)
        known = read(place.out / TIMES).get(step.name, {})
        self.changed = known.get("settings") not in {None, self._print}
        self.goes_on = known.get("settings") == self._print
        spent = known if self.goes_on else {}
        self._spent = spent.get("seconds", 0.0)
        self._machine_spent = spent.get("machine_seconds", self._spent)
        self._began = time.monotonic()

    def note(self, **more: object) -> None:
        """Writes it down."""
        now = time.monotonic() - self._began
        seconds = {"seconds": self._spent + now, "machine_seconds": self._machine_spent + now / self._jobs}
        with _writing:
            marks = read(self._place.out / TIMES)
            marks[self._step.name] = {**seconds, "settings": self._print, **more}
            write(self._place.out / TIMES, marks)

    def look(self) -> None:
        """Counts a look at the test split, once for what was begun and gone on with."""
        if self._step.looks and not self.goes_on:
            look = {"when": now(), "what": self._step.looks, "settings": self._print}
            with _writing:
                write(self._place.out / LOOKS, [*(read(self._place.out / LOOKS) or []), look])


class Sitting:
    """Steps run by one start of the driver.

    Args:
        place: where things are.
        jobs: how many steps run at once, each with its share of the cores.
    """

    def __init__(self, place: Place, jobs: int = 1) -> None:
        self._place, self._jobs = place, jobs
        self._running: set[subprocess.Popen[bytes]] = set()
        self._over = False

    def run(self, until: str | None = None) -> list[str]:
        """Runs each step that is not done as soon as those that it needs are, the first ones of the plan first.

        What needs a step that failed is left out; all else is run.

        Args:
            until: the last step of the plan to run; None for all.

        Returns:
            How steps failed, in sentences.
        """
        begun: dict[Future[None], Step] = {}
        failed: dict[str, str] = {}
        with ThreadPoolExecutor(self._jobs) as pool, self._ended_with():
            while True:
                away = {*failed, *(step.name for step in begun.values())}
                for step in self._ready(away, until)[: self._jobs - len(begun)]:
                    begun[pool.submit(self.run_step, step)] = step
                if not begun:
                    break
                for ended in wait(begun, return_when=FIRST_COMPLETED).done:
                    step = begun.pop(ended)
                    if error := ended.exception():
                        failed[step.name] = self._failure(step, error)
                        print(failed[step.name], flush=True)
        return list(failed.values())

    def _ready(self, away: set[str], until: str | None) -> list[Step]:
        """Steps that can begin, in order; those that are `away` run or have failed."""
        # What comes after the choice of a decoding depends on it, so the list is made anew each time.
        steps = planned(self._place, until)
        done = finished(steps, self._place)
        return [step for step in steps if step.name not in done | away and done.issuperset(step.needs)]

    def _failure(self, step: Step, error: BaseException) -> str:
        """How a step failed, in a sentence; what no command of its own has told goes to its log, with the place."""
        if isinstance(error, SystemExit):
            return str(error)
        log = self._place.out / "log" / f"{step.name}.txt"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as lines:
            lines.writelines(traceback.format_exception(error))
        return f"{step.name} failed with {type(error).__name__}: {error}; see {log}"

    @contextlib.contextmanager
    def _ended_with(self) -> Iterator[None]:
        """Ends the programs that run when this one is told to."""
        try:
            yield
        except BaseException as error:
            with _writing:
                self._over = True
                # Ctrl-C has reached them already, and a second signal would end them unsaved.
                for running in tuple(self._running) if not isinstance(error, KeyboardInterrupt) else ():
                    running.terminate()
            raise

    def run_step(self, step: Step) -> None:
        """Runs a step's commands, and writes down that it is done.

        Raises:
            SystemExit: a command failed.
        """
        diary = Diary(step, self._place, self._jobs)
        if diary.changed:
            set_aside(step, self._place)
        step.before(self._place)
        diary.look()
        commands = step.commands(self._place)
        try:
            for command in commands:
                print(f"{step.name}: {told(command, self._place)}", flush=True)
                self._run_command(step, command, diary)
            step.after(self._place)
        except BaseException:
            diary.note(finished=None)
            raise
        diary.note(finished=now(), commands=[told(command, self._place) for command in commands])

    def _run_command(self, step: Step, command: Command, diary: Diary) -> None:
        """Runs one command with its output in the step's log; what it prints as JSON is kept beside its exit status.

        Raises:
            SystemExit: it failed.
        """
        out = self._place.out
        log = out / "log" / f"{step.name}.txt"
        log.parent.mkdir(parents=True, exist_ok=True)
        as_json = "--json" in command
        printed = out / f"{step.name}.json" if as_json else log
        with log.open("ab") as errors, printed.open("wb" if as_json else "ab") as output:
            with _writing:
                if self._over:
                    sys.exit(f"{step.name} was not run")
                running = subprocess.Popen(full(command), stdout=output, stderr=errors, env=self._environment())
                self._running.add(running)
            try:
                while running.poll() is None:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        running.wait(timeout=30)
                    diary.note(finished=None)
            except BaseException:
                running.terminate()
                running.wait()
                raise
            finally:
                self._running.discard(running)
        if as_json:
            out.joinpath(f"{step.name}.exit").write_text(f"{running.returncode}\n", encoding="utf-8")
        if running.returncode not in step.may_end_with:
            sys.exit(f"{step.name} ended with {running.returncode}; see {log}")

    def _environment(self) -> dict[str, str]:
        """Of a command: with its share of the cores, unless the caller has set one."""
        threads = {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // self._jobs))} if self._jobs > 1 else {}
        return {**threads, **os.environ, "COLUMNS": "100"}


def now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def is_done(step: Step, place: Place) -> bool:
    """Whether it was finished as it would be run now."""
    known = read(place.out / TIMES).get(step.name, {})
    return bool(known.get("finished")) and known.get("settings") == fingerprint(step, place)


def finished(steps: Sequence[Step], place: Place) -> set[str]:
    """Names of the steps that need not be run: they are done, and so is all that they need.

    Args:
        steps: each after those that it needs.
        place: where things are.
    """
    done: set[str] = set()
    for step in steps:
        # What comes after a step that will run anew keeps its mark until that one has begun.
        if done.issuperset(step.needs) and is_done(step, place):
            done.add(step.name)
    return done


def planned(place: Place, until: str | None) -> list[Step]:
    """The steps of the plan, the last one of them `until`."""
    steps = all_steps(place)
    names = [step.name for step in steps]
    return steps[: names.index(until) + 1] if until is not None else steps
