"""The process that talks to Weights & Biases for a run, so that nothing it does can stop or slow down a training.

It is run as a script, by `wandb_tracker`, and needs nothing of this package. Both sides speak in lines of JSON: on
stdin come the beginning, then rows of numbers, then the end; on stdout goes what becomes of them. A stdin that closes
without an end means that the run was killed.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

Say = Callable[..., None]

FAULTS = (ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, OSError, RuntimeError, TypeError)


def main() -> None:
    """Follows one run from its beginning to its end."""
    # Whatever is printed to stdout by others must not get between the lines.
    out = os.dup(1)
    os.dup2(2, 1)

    def say(kind: str, **values: Any) -> None:
        # Nobody listens any more where the run was killed; what it sent is finished all the same.
        with suppress(BrokenPipeError):
            os.write(out, json.dumps({"kind": kind, **values}).encode() + b"\n")

    begin = json.loads(sys.stdin.readline())
    try:
        import wandb
    except ImportError as error:
        say("failed", what=f"wandb can't be imported: {error}")
        return
    try:
        follow(wandb, begin, say)
    except (*FAULTS, ValueError, wandb.Error) as error:
        say("failed", what=in_one_line(error))
    # What wandb still has to say at exit may wait for a network that is not there.
    os._exit(0)


def follow(wandb: Any, begin: dict[str, Any], say: Say) -> None:
    """Opens the run, logs all rows and finishes it.

    Args:
        wandb: the module.
        begin: the first line from the run.
        say: tells the run.
    """
    settings = settings_of(wandb, begin["timeout_s"])
    run = opened(wandb, settings, begin, say)
    say("begun", folder=str(run.settings.sync_dir), offline=bool(run.settings.mode == "offline"))
    # Rows of an earlier part of the run may not be known here; a row below the last one would be dropped.
    first = max(run.step, begin["rows"])
    stages: set[str] = set()
    ended = False
    for place, line in enumerate(sys.stdin):
        row = json.loads(line)
        if row is None:
            ended = True
            break
        stage = row["stage"]
        if stage not in stages:
            stages.add(stage)
            run.define_metric(f"{stage}/*", step_metric=f"{stage}/step")
        numbers = {f"{stage}/{key}": value for key, value in row["numbers"].items()}
        run.log({**numbers, f"{stage}/step": row["step"]}, step=first + place)
    run.finish(exit_code=0 if ended else 1)
    say("done")
    wandb.teardown()


def settings_of(wandb: Any, timeout_s: float) -> Any:
    """How wandb behaves: silent, patient for so long, and without a look at this machine or the command line."""
    return wandb.Settings(
        silent=True,
        console="off",
        # Half of the time to begin, half to finish: the run waits for both together.
        init_timeout=timeout_s / 2,
        finish_timeout=timeout_s / 2,
        finish_timeout_raises=True,
        # What was typed, the machine and the repository's address may hold what is nobody's business.
        x_disable_meta=True,
        x_disable_stats=True,
        x_disable_machine_info=True,
        x_save_requirements=False,
        disable_git=True,
        save_code=False,
    )


def opened(wandb: Any, settings: Any, begin: dict[str, Any], say: Say) -> Any:
    """The run in wandb; an offline one, with a warning, where there is no way to send."""
    how = {
        "project": begin["project"],
        "name": begin["name"],
        "id": begin["id"],
        "resume": "allow",
        "dir": begin["folder"],
        "config": begin["config"],
        "settings": settings,
    }
    wandb.setup(settings=settings)
    if begin["mode"] == "online":
        try:
            return wandb.init(mode="online", **how)
        except (OSError, RuntimeError, wandb.Error) as error:
            say("warning", what=f"wandb can't be reached, and keeps the run offline: {in_one_line(error)}")
            # The service still holds the id of the run that did not begin.
            wandb.teardown()
            wandb.setup(settings=settings)
    return wandb.init(mode="offline", **how)


def in_one_line(error: BaseException) -> str:
    """An error with its class, in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


if __name__ == "__main__":
    main()
