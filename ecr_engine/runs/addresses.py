"""Addresses of results: `RUN`, `RUN:baseline`, `RUN:policy@best`, or a path."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from ecr_engine.errors import DataError, UsageError, nearest, suggestion
from ecr_engine.runs.checkpoints import at_step, available, best, chosen, latest, list_checkpoints
from ecr_engine.runs.folder import TRAINED_STAGES, RunFolder, list_runs
from ecr_engine.runs.links import CHECKPOINTS
from ecr_engine.runs.manifest import MANIFEST

RESULTS = "results.json"
DEFAULT_STAGE = "policy"

RUNS = Path("runs")
"""Where runs usually are."""

_LIST = "`ecrctl runs list` shows the runs"
_EVALUABLE = ("policy", "baseline")
"""The stages that answer, the last one first."""

_STEP = re.compile(r"step-(\d+)")
_LAST, _LATEST = "@last", "@latest"


@dataclass(frozen=True, slots=True)
class Address:
    """An address, taken apart.

    Attributes:
        run: the run.
        name: the stage, or the evaluation.
        which: "latest", "best", "step-000300"; empty if not said.
    """

    run: RunFolder
    name: str
    which: str


def resolve_checkpoint(address: str) -> Path:
    """The checkpoint folder at an address.

    Without `@` it is the checkpoint that the stage stands for: the best on validation, or the latest if none is marked.

    Args:
        address: `RUN`, `RUN:STAGE`, `RUN:STAGE@latest|best|step-000300`, or a path to a checkpoint folder; `@last` is
            `@latest`.

    Raises:
        UsageError: the stage, or what follows `@`, is not a known word.
        DataError: there is no such run or checkpoint; the message names what there is.
    """
    path = Path(address)
    if (path / MANIFEST).is_file():
        return path.resolve()
    found = _parse(address, "checkpoint")
    if found.name not in TRAINED_STAGES:
        raise UsageError(f"unknown stage '{found.name}'", at=address, fix=suggestion(found.name, TRAINED_STAGES))
    stage = found.run.stage(found.name)
    if not stage.is_dir():
        raise DataError(f"{found.run.root} has no {found.name}", at=address, fix=_trained(found.run))
    step = _STEP.fullmatch(found.which)
    if step is not None:
        return at_step(stage, int(step.group(1)))
    match found.which:
        case "latest":
            return latest(stage)
        case "best":
            return best(stage)
        case "":
            return chosen(stage)
    raise UsageError(
        f"unknown checkpoint '@{found.which}'", at=address, fix=f"@latest, @best or a step; {available(stage)}"
    )


def resolve_evaluation(address: str) -> Path:
    """The evaluation folder at an address.

    Args:
        address: `RUN` (its policy), `RUN:NAME`, or a path to a folder with `results.json`.

    Raises:
        DataError: there is no such run or evaluation; the message names what there is.
    """
    path = Path(address)
    if (path / RESULTS).is_file():
        return path.resolve()
    found = _parse(address, "evaluation")
    name = f"{found.name}@{found.which}" if found.which else found.name
    folder = found.run.evaluation(name)
    if not (folder / RESULTS).is_file():
        raise DataError(f"{found.run.root} has no evaluation '{name}'", at=address, fix=_evaluated(found.run))
    return folder


def usual_name(name: str) -> str:
    """What follows a run's name in an address, as it is always written: `policy@last` is `policy@latest`."""
    return f"{name.removesuffix(_LAST)}{_LATEST}" if name.endswith(_LAST) else name


def _parse(address: str, kind: str) -> Address:
    """Takes an address apart; a folder's own name may hold colons.

    Raises:
        UsageError: it names nothing.
        DataError: there is no such run.
    """
    if not address:
        raise UsageError("an empty address names nothing", at=f"{kind} ''", fix="name a run, such as runs/demo")
    if Path(address).is_dir():
        return Address(_run(address, address, kind), DEFAULT_STAGE, "")
    root, colon, rest = address.rpartition(":")
    if not colon:
        raise DataError(f"there is no run or {kind} '{address}'", at=address, fix=_meant(address, ""))
    name, at, which = usual_name(rest).partition("@")
    run = _run(root, address, kind)
    if not name:
        what = f"'{address}' names nothing between ':' and '@'" if at else f"'{address}' names nothing after ':'"
        raise UsageError(what, at=address, fix=f"did you mean '{root}:{DEFAULT_STAGE}{at}{which}'?")
    return Address(run, name, which)


def _run(root: str, address: str, kind: str) -> RunFolder:
    run = RunFolder(Path(root))
    if run.exists():
        return run
    if not run.root.is_dir():
        raise DataError(f"there is no run '{root}'", at=address, fix=_meant(root, address.removeprefix(root)))
    raise DataError(f"'{root}' is neither a run nor a folder of one {kind}", at=address, fix=_within(run.root))


def _meant(root: str, rest: str) -> str:
    """What may be meant by the folder of a run that is not there; what follows it in the address stays."""
    before, at, which = root.rpartition("@")
    if at and RunFolder(Path(before)).exists():
        return f"did you mean '{before}:{DEFAULT_STAGE}@{which}'?"
    path = Path(root)
    beside = {run.root.name: run.root for run in list_runs(path.parent)}
    usual = {run.root.name: run.root for run in list_runs(RUNS)} if path.name == root else {}
    known = usual | beside
    close = nearest(path.name, known)
    return f"did you mean '{known[close]}{rest}'?" if close else _LIST


def _within(folder: Path) -> str:
    """What to type instead of a folder inside of a run."""
    above = folder.absolute().parent
    if RunFolder(above).exists():
        return shlex.quote(f"{folder.parent}:{folder.name}")
    if folder.name == CHECKPOINTS and RunFolder(above.parent).exists():
        return shlex.quote(f"{folder.parent.parent}:{folder.parent.name}")
    if above.name == CHECKPOINTS:
        return f"see what is wrong with it: ecrctl checkpoint verify {shlex.quote(str(folder))}"
    return _LIST


def _trained(run: RunFolder) -> str:
    names = [name for name in TRAINED_STAGES if run.stage(name).is_dir()]
    return f"it has: {', '.join(names)}" if names else _untrained(run)


def _untrained(run: RunFolder) -> str:
    """What to type where nothing is trained: a look at the run says why, and what mends it."""
    return f"nothing is trained in it yet; how it stands: ecrctl runs show {shlex.quote(str(run.root))}"


def _evaluated(run: RunFolder) -> str:
    names = sorted(path.parent.name for path in run.evaluation("").glob(f"*/{RESULTS}"))
    if names:
        return f"it has: {', '.join(names)}"
    trained = [name for name in _EVALUABLE if list_checkpoints(run.stage(name))]
    if not trained:
        return _untrained(run)
    return f"it has no evaluation: ecrctl eval run {shlex.quote(f'{run.root}:{trained[0]}')}"
