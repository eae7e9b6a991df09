"""Real jobs in processes of their own, which can be killed; what they import is imported once, by a fork server."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path

from ecr_engine.runs.checkpoints import list_checkpoints
from ecr_engine.runs.events import read_events

SETTINGS = """
[backbone]
vocabulary = 400
hidden_size = 16
layers = 1
heads = 2
intermediate_size = 32
[critic]
hidden_size = 16
layers = 1
heads = 2
max_length = 32
epochs = 2
[prompt]
context_max_length = 48
resp_max_length = 8
[data]
sample_dialogues = 40
sample_movies = 60
[baseline]
batch_size = 8
max_steps = {steps}
patience = 1000
epochs = 10000
[judge]
turns = 20
[ppo]
max_steps = 6
batch_size = 4
minibatch_size = 4
epochs = 1
validate_every = 3
validation_turns = 4
critic_warmup_steps = 1
[checkpoints]
every = {every}
keep_last = 2
"""

HERE = Path(__file__).parent

# The fork server is a process of its own, and looks for modules of its own.
os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE), str(HERE.parent), os.environ.get("PYTHONPATH", "")])
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    [
        "ecrctl.__main__",
        "ecrctl.commands.run",
        "ecrctl.ui.follow",
        "ecr_engine.pipeline.job",
        "ecr_engine.pipeline.stages.baseline",
        "ecr_engine.pipeline.stages.critic",
        "ecr_engine.pipeline.stages.rl",
        "transformers.models.llama.modeling_llama",
        "transformers.models.bert.modeling_bert",
        "warm",
    ]
)


def settings(place: Path, *, steps=12, every=2) -> Path:
    """A file of settings for a job that takes seconds."""
    path = place / "small.toml"
    path.write_text(SETTINGS.format(steps=steps, every=every), encoding="utf-8")
    return path


def _command(words, place, told, prepare):
    import torch

    os.chdir(place)
    with Path(told).open("ab") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
    # Whoever runs the tests may ignore signals (nohup, a job of a script), and then commands would ignore them too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    torch.set_num_threads(1)
    if prepare is not None:
        prepare()
    sys.argv = ["ecrctl", *words]
    from ecrctl.__main__ import main

    main()


class Command:
    """`ecrctl WORDS` in a process of its own.

    Args:
        words: the arguments.
        place: the folder that it runs in.
        prepare: called in the process first.
    """

    count = 0

    def __init__(self, words, place, prepare=None):
        Command.count += 1
        self.told = place / f"told-{Command.count}.txt"
        self.process = _context.Process(target=_command, args=(words.split(), place, self.told, prepare))
        self.process.start()

    def send(self, number):
        os.kill(self.process.pid, number)

    def kill(self):
        """Kills it; whether it was still there."""
        try:
            self.send(signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    def wait(self, timeout=120.0):
        """The exit code, and what was told on both streams."""
        self.process.join(timeout)
        assert self.process.exitcode is not None, "it hangs"
        return self.process.exitcode, self.told.read_text(encoding="utf-8")


def run(words, place, prepare=None):
    """Runs a command to its end; its exit code and what it told."""
    return Command(words, place, prepare).wait()


def last_step(folder, stage):
    """The last training step that a run tells of; 0 if none."""
    return max((event.step for event in read_events(folder / "events.jsonl") if _is_step(event, stage)), default=0)


def _is_step(event, stage):
    return event.stage == stage and event.kind == "step"


def newest(folder, name):
    """The step of the newest checkpoint; 0 if there is none."""
    return max((info.step for info in list_checkpoints(folder / name)), default=0)


def wait_for(condition, seconds=60.0):
    """Waits until something is the case."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.005)


def told_of(folder, stage):
    """What a stage told of its steps, in order, but for clocks and memory."""
    found = []
    for event in read_events(folder / "events.jsonl"):
        if event.stage == stage and event.kind in ("step", "validation", "sample", "progress", "warning"):
            kept = {key: value for key, value in event.values.items() if not key.startswith(("time/", "perf/"))}
            found.append(json.dumps([event.kind, event.step, kept]))
    return found
