"""Whom an address lets one talk to. Imports no torch, so that a mistyped address costs no seconds."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from ecr_engine.errors import DataError, GateError, UsageError
from ecr_engine.pipeline.resuming import newest_whole
from ecr_engine.runs.addresses import DEFAULT_STAGE, resolve_checkpoint
from ecr_engine.runs.checkpoints import list_checkpoints
from ecr_engine.runs.folder import RunFolder
from ecr_engine.runs.manifest import MANIFEST, verify

CRITIC = "critic"
_OTHERS = ("baseline",)
"""Stages that can be talked to where there is no policy."""


@dataclass(frozen=True, slots=True)
class Partner:
    """Whom to talk to.

    Attributes:
        checkpoint: the model's folder.
        run: the run that it lies in; None if it lies in none.
        instead: why it is not the checkpoint that its stage stands for; empty if it is.
    """

    checkpoint: Path
    run: RunFolder | None
    instead: str = ""

    @property
    def stage(self) -> str:
        """The stage that the checkpoint is of."""
        return self.checkpoint.parent.parent.name


def find_partner(address: str) -> Partner:
    """The checkpoint behind an address, whole.

    Where the address leaves the choice to us and the checkpoint that its stage stands for is damaged, it is the newest
    whole one.

    Args:
        address: `RUN`, `RUN:STAGE`, `RUN:STAGE@latest|best|step-000300`, or a checkpoint's folder.

    Raises:
        UsageError: it is a critic, or no known stage.
        DataError: there is no such run or checkpoint.
        GateError: the checkpoint is damaged, and it was asked for by name or there is no other.
    """
    checkpoint = _resolved(address).resolve()
    run = _run_of(checkpoint)
    if checkpoint.parent.parent.name == CRITIC:
        fix = f"ask it about responses: ecrctl rl critic --run {_typed(run)}"
        raise UsageError("a critic scores responses and gives none", at=address, fix=fix)
    wrong = verify(checkpoint)
    if not wrong:
        return Partner(checkpoint, run)
    named = "@" in address.rpartition(":")[2] or (Path(address) / MANIFEST).is_file()
    other = None if named else newest_whole(checkpoint.parent.parent).checkpoint
    if other is None:
        fix = f"talk to another one: ecrctl checkpoint list {_typed(run)}"
        raise GateError(f"{checkpoint.name} is damaged: {wrong[0].what}", at=wrong[0].at, fix=fix)
    return Partner(
        other.resolve(), run, f"{checkpoint.name} is damaged ({wrong[0].what}): this is {other.name} instead"
    )


def _resolved(address: str) -> Path:
    """The checkpoint of an address; of a run without a policy the error names what there is, and how to talk to it."""
    run = RunFolder(Path(address.removesuffix(f":{DEFAULT_STAGE}")))
    if run.exists() and not list_checkpoints(run.stage(DEFAULT_STAGE)):
        others = [name for name in _OTHERS if list_checkpoints(run.stage(name))]
        train = f"ecrctl rl train --run {shlex.quote(str(run.root))}"
        typed = shlex.quote(f"{run.root}:{others[0]}") if others else ""
        fix = f"talk to what there is: ecrctl chat {typed}; or train one: {train}" if others else train
        raise DataError(f"{run.root} has no policy", at=address, fix=fix)
    return resolve_checkpoint(address)


def _run_of(checkpoint: Path) -> RunFolder | None:
    """The run that a checkpoint lies in, named as one would type it here; None if it lies in none."""
    root, here = checkpoint.parents[2], Path.cwd()
    run = RunFolder(root.relative_to(here) if root.is_relative_to(here) else root)
    return run if run.exists() else None


def _typed(run: RunFolder | None) -> str:
    return "RUN" if run is None else shlex.quote(str(run.root))
