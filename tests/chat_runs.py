"""Runs that can be talked to: a tiny model with random weights, and movies by name."""

from __future__ import annotations

from pathlib import Path

from tiny_models import tiny_backbone

from ecr_engine.config.resolve import resolve
from ecr_engine.data.schema import Example, Item, Role, Turn
from ecr_engine.data.store import write_examples
from ecr_engine.runs.checkpoints import save_checkpoint
from ecr_engine.runs.folder import RunFolder
from ecr_engine.runs.record import RunRecord

SETS = ("prompt.system=Feel with the seeker.", "prompt.context_max_length=120", "prompt.resp_max_length=8")


def bare_run(root: Path) -> RunFolder:
    """A run that has a record and settings, and has trained nothing."""
    run = RunFolder(root)
    run.create()
    run.write_record(RunRecord(("ecrctl", "run"), 0, None, {}, {}, None, (), 1.0))
    resolved = resolve(sets=(*SETS, "rewards.relevance=0"), environ={}, start=root.parent)
    run.resolved_config.write_text(resolved.to_toml(), encoding="utf-8")
    return run


def add_checkpoint(run: RunFolder, stage: str, step: int, *, seed: int = 0, best: bool = True) -> Path:
    """A checkpoint of a tiny model."""
    return save_checkpoint(
        run.stage(stage), step, tiny_backbone(seed=seed, scale=8.0).save, metrics={}, best=best, keep_last=9
    )


def add_movies(run: RunFolder) -> None:
    """Training dialogues in which Heat was liked twice, Alien once, and Up not at all."""
    heat, alien = Item("11", "Heat (1995)", liked=True), Item("22", "Alien (1979)", liked=True)
    rows = [(heat,), (heat, alien), (Item("33", "Up (2009)", liked=False),)]
    write_examples(run.data / "train.jsonl", (_example(number, items) for number, items in enumerate(rows, start=1)))


def _example(number: int, items: tuple[Item, ...]) -> Example:
    said = Turn(Role.SEEKER, "hello", "hello")
    return Example(
        f"{number}:1", str(number), 1, (said,), "<movie>" * len(items), items, (), (), "train_data.jsonl", number
    )


def chat_run(root: Path) -> RunFolder:
    """A run with a baseline, a policy and movies."""
    run = bare_run(root)
    add_movies(run)
    add_checkpoint(run, "baseline", 2, seed=1)
    add_checkpoint(run, "policy", 3, seed=2)
    return run
