"""`compare`, once its command line is read: which two evaluations, and with whose settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from ecr_engine.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecr_engine.runs.folder import RunFolder

EXAMPLE = "ecrctl compare runs/demo:baseline runs/demo:policy"


@dataclass(frozen=True, slots=True)
class Pair:
    """What is compared.

    Attributes:
        a: folder of the first evaluation.
        b: folder of the second.
        names: what to call them; None: by their own names.
        base: the settings of the run that both are of; None if they are of two.
    """

    a: Path
    b: Path
    names: tuple[str, str] | None
    base: Path | None


def pair_of(addresses: Sequence[str]) -> Pair:
    """The two evaluations that were named; of one run, its baseline and its policy.

    Raises:
        UsageError: more than two, or one that is no run.
        DataError: there is no such evaluation.
    """
    from ecr_engine.runs.folder import RunFolder

    if len(addresses) > 2:
        raise UsageError(
            f"{len(addresses)} results are named, and two are compared at a time",
            at=f"ecrctl compare {' '.join(addresses)}",
            fix=f"ecrctl compare {addresses[0]} {addresses[1]}",
        )
    first, second = addresses[0], addresses[1] if len(addresses) == 2 else None
    if second is not None:
        a, b = _evaluation(first), _evaluation(second)
        return Pair(a, b, (first, second), _settings_of_both(a, b))
    run = RunFolder(Path(first))
    if not run.exists():
        _refuse_single(first)
    a, b = _evaluation(f"{first}:baseline"), _evaluation(f"{first}:policy")
    return Pair(a, b, None, _settings_of_both(a, b))


def _refuse_single(address: str) -> NoReturn:
    """One result that is no run: what it could be compared with."""
    folder = _evaluation(address)
    run = _run_of(folder)
    other = "baseline" if folder.name != "baseline" else "policy"
    fix = EXAMPLE if run is None else f"ecrctl compare {run.root}:{other} {address}"
    raise UsageError("one evaluation alone can't be compared", at=address, fix=fix)


def _evaluation(address: str) -> Path:
    """The evaluation at an address.

    Raises:
        DataError: there is none; where the checkpoint could be evaluated, with the command that does.
    """
    from ecr_engine.runs.addresses import resolve_checkpoint, resolve_evaluation

    try:
        return resolve_evaluation(address)
    except DataError as missing:
        [problem] = missing.problems
        try:
            stage = resolve_checkpoint(address).parents[1].name
        except (DataError, UsageError):
            raise missing from None
        if stage == "critic":
            raise
        fix = f"{problem.fix}; make this one: ecrctl eval run {address}"
        raise DataError(problem.what, at=problem.at, fix=fix) from missing


def _settings_of_both(a: Path, b: Path) -> Path | None:
    """The settings of the run that both evaluations are of."""
    first, second = _run_of(a), _run_of(b)
    if first is None or second is None or first.root.resolve() != second.root.resolve():
        return None
    return first.resolved_config if first.resolved_config.is_file() else None


def _run_of(evaluation: Path) -> RunFolder | None:
    """The run that an evaluation lies in: RUN/evaluation/NAME."""
    from ecr_engine.runs.folder import RunFolder

    run = RunFolder(evaluation.parents[1])
    return run if run.exists() else None
