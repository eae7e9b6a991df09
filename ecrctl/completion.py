"""What the shell offers for a value: profiles, runs, checkpoints, metrics, settings, components, models.

A completion runs at every press of Tab, so it looks at names and folders only and imports nothing heavy. One table
says what is offered, by the option's flag or the argument's metavar, so that one name is completed alike everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

Offer = Callable[[str], list[str]]
"""Takes what was typed so far; gives what may follow."""

RUNS = Path("runs")
PARTS = ("baseline", "critic", "policy")
LINKS = ("latest", "best")
_TRAINED = "checkpoints"


def profiles(incomplete: str) -> list[str]:
    """The shipped profiles, and the TOML files here."""
    from ecr_engine.config.profiles import profile_names

    return _starting(incomplete, [*profile_names(), *(path.name for path in sorted(Path().glob("*.toml")))])


def runs(incomplete: str) -> list[str]:
    """The runs in `runs/`, and in the folder that was begun."""
    return _starting(incomplete, [str(path) for path in _run_folders(incomplete)])


def checkpoints(incomplete: str) -> list[str]:
    """Addresses: the runs; behind a colon the parts of one; behind `@` its checkpoints."""
    run, colon, rest = incomplete.partition(":")
    if not colon:
        return runs(incomplete)
    part, at, _ = rest.partition("@")
    if not at:
        return _starting(incomplete, [f"{run}:{name}" for name in PARTS if (Path(run) / name).is_dir()])
    steps = sorted(path.name for path in (Path(run) / part / _TRAINED).glob("step-*"))
    return _starting(incomplete, [f"{run}:{part}@{name}" for name in (*LINKS, *steps)])


def metrics(incomplete: str) -> list[str]:
    """The registered metrics."""
    from ecr_engine.registry import Registry

    names = Registry[object]("ecr_engine.evaluation.metrics", "metric").names()
    return _starting(incomplete, ["default", "all", *names])


def components(incomplete: str) -> list[str]:
    """Reward components, as `--reward` takes them."""
    return _starting(incomplete, [f"{name}=" for name in _components()])


def settings(incomplete: str) -> list[str]:
    """Keys of settings, as `--set` takes them; behind `=` the values of those that have only so many."""
    from ecr_engine.config.catalogue import catalogue

    key, equals, _ = incomplete.partition("=")
    known = catalogue()
    if equals and key in known:
        return _starting(incomplete, [f"{key}={value}" for value in known[key].options])
    return _starting(incomplete, [f"{name}=" for name in (*known, *(f"rewards.{each}" for each in _components()))])


def stages(incomplete: str) -> list[str]:
    """The stages of the main job."""
    names = ("data", "baseline", "judge", "critic", "rl", "evaluate", "compare", "report")
    return _starting(incomplete, names)


def models(incomplete: str) -> list[str]:
    """The registered models."""
    return _models(incomplete, None)


def backbones(incomplete: str) -> list[str]:
    """The registered models that can be a backbone."""
    return _models(incomplete, "backbone")


def words(*known: str) -> Offer:
    """Offers fixed words."""
    return lambda incomplete: _starting(incomplete, known)


BY_FLAG: Mapping[str, Offer] = {
    "--profile": profiles,
    "--set": settings,
    "--metric": metrics,
    "--reward": components,
    "--run": runs,
    "--stage": stages,
    "--backbone": backbones,
    "--model-path": checkpoints,
    "--device": words("auto", "cpu", "cuda"),
    "--resume": words("auto", "last", "best", "never"),
    "--split": words("valid", "test"),
    "--on-warning": words("stop", "continue"),
}
"""What is offered for an option."""

BY_METAVAR: Mapping[str, Offer] = {
    "RUN": runs,
    "RUN…": checkpoints,
    "CHECKPOINT": checkpoints,
    "EVALUATION": checkpoints,
    "A": checkpoints,
    "B": checkpoints,
    "PROFILE": profiles,
    "[PROFILE]": profiles,
    "PROFILE|FILE…": profiles,
    "MODEL": models,
    "redial|goemotions|epitome": words("redial", "goemotions", "epitome"),
}
"""What is offered for an argument, or for an option that has no entry of its own."""


def offer_for(flags: Sequence[str], metavar: str | None) -> Offer | None:
    """What is offered for a parameter; None if the shell's own files are best.

    Args:
        flags: the spellings of an option; empty for an argument.
        metavar: what its help shows in the place of the value.
    """
    found = next((BY_FLAG[flag] for flag in flags if flag in BY_FLAG), None)
    return found or BY_METAVAR.get(metavar or "")


def _starting(incomplete: str, known: list[str] | tuple[str, ...]) -> list[str]:
    # A name with a line end or an escape sequence would be taken apart, or obeyed, by the shell's terminal.
    return [name for name in known if name.startswith(incomplete) and name.isprintable()]


def _run_folders(incomplete: str) -> Iterator[Path]:
    above = Path(incomplete) if incomplete.endswith("/") else Path(incomplete).parent
    for folder in dict.fromkeys((RUNS, above)):
        yield from (path.parent for path in sorted(folder.glob("*/run.json")))


def _components() -> list[str]:
    from ecr_engine.registry import Registry

    return Registry[object]("ecr_engine.rewards.components", "reward component").names()


def _models(incomplete: str, use: str | None) -> list[str]:
    from ecr_engine.models.registry import Use, model_names

    return _starting(incomplete, model_names(None if use is None else Use(use)))
