"""`compare`, once its command line is read: which evaluations, with whose settings, and where the result goes."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from ecr_engine.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ecr_engine.evaluation.comparison import Comparison
    from ecr_engine.evaluation.gates import GateOutcome
    from ecr_engine.runs.folder import RunFolder

EXAMPLE = "ecrctl compare runs/demo:baseline runs/demo:policy"
STDOUT = "-"
BETWEEN_SEEDS = "+"


@dataclass(frozen=True, slots=True)
class Sides:
    """What is compared.

    Attributes:
        folders: the evaluation folders of each side, one for each of its seeds; the first side is the baseline.
        names: what to call each side; None: by its own name.
        base: the settings of the run that all are of; None if they are of several.
    """

    folders: tuple[tuple[Path, ...], ...]
    names: tuple[str | None, ...]
    base: Path | None


@dataclass(frozen=True, slots=True)
class Documents:
    """What is made of the result.

    Attributes:
        as_json: whether JSON goes to stdout.
        md: the Markdown file.
        csv: the CSV file.
        html: the HTML file; of these, "-" is stdout and None is nothing.
    """

    as_json: bool
    md: Path | None
    csv: Path | None
    html: Path | None

    def __post_init__(self) -> None:
        """Refuses what can't be written, before anything is computed.

        Raises:
            UsageError: two documents want stdout, or a folder is missing.
        """
        wanted = [flag for flag, _ in self._on_stdout()]
        if len(wanted) > 1:
            raise UsageError(
                "one document at a time fits on stdout", at=" and ".join(wanted), fix="give the others a file"
            )
        for flag, path in self._files():
            if not path.parent.is_dir():
                raise UsageError(f"there is no folder '{path.parent}'", at=flag, fix=f"mkdir -p '{path.parent}'")

    def give(self, comparisons: Sequence[Comparison], gates: Sequence[GateOutcome], *, dialogues: bool) -> None:
        """Writes the files, then the document of stdout, or the tables where there is none.

        Args:
            comparisons: what was compared.
            gates: what became of the gates.
            dialogues: whether dialogues stand under the tables.
        """
        from ecr_engine.runs.atomic import write_text
        from ecrctl.ui.comparison import show_comparisons
        from ecrctl.ui.console import results
        from ecrctl.ui.document import print_document

        for flag, path in self._files():
            write_text(path, _made(flag, comparisons, gates))
        on_stdout = [flag for flag, _ in self._on_stdout()]
        if not on_stdout:
            show_comparisons(results(), comparisons, gates, dialogues=dialogues)
        elif self.as_json:
            print_document(_document(comparisons, gates))
        else:
            sys.stdout.write(_made(on_stdout[0], comparisons, gates))

    def _flags(self) -> Iterator[tuple[str, Path]]:
        for flag, path in (("--md", self.md), ("--csv", self.csv), ("--html", self.html)):
            if path is not None:
                yield flag, path

    def _files(self) -> list[tuple[str, Path]]:
        return [(flag, path) for flag, path in self._flags() if str(path) != STDOUT]

    def _on_stdout(self) -> list[tuple[str, Path]]:
        named = [(flag, path) for flag, path in self._flags() if str(path) == STDOUT]
        return [("--json", Path(STDOUT)), *named] if self.as_json else named


def _made(flag: str, comparisons: Sequence[Comparison], gates: Sequence[GateOutcome]) -> str:
    """The document that a flag asks for."""
    from ecr_engine.evaluation.comparison_html import comparison_html
    from ecr_engine.evaluation.comparison_markdown import comparison_markdown
    from ecr_engine.evaluation.comparison_rows import comparison_csv

    if flag == "--csv":
        return comparison_csv(comparisons)
    return (comparison_markdown if flag == "--md" else comparison_html)(comparisons, gates)


def _document(comparisons: Sequence[Comparison], gates: Sequence[GateOutcome]) -> dict[str, object]:
    """The first comparison; of several, all under `comparisons`; and the gates if there are any."""
    document: dict[str, object] = dict(comparisons[0].to_json())
    if len(comparisons) > 1:
        document["comparisons"] = [one.to_json() for one in comparisons]
    if gates:
        document["gates"] = list(gates)
    return document


def sides_of(addresses: Sequence[str]) -> Sides:
    """The evaluations that were named; of one run, its baseline and its policy.

    Raises:
        UsageError: one result alone that is no run.
        DataError: there is no such evaluation.
    """
    if len(addresses) > 1:
        folders = tuple(tuple(map(_evaluation, _seeds(address))) for address in addresses)
        return Sides(folders, tuple(addresses), _settings_of_all(folders))
    runs = _seeds(addresses[0])
    for run in runs:
        _need_run(run)
    folders = tuple(tuple(_evaluation(f"{run}:{stage}") for run in runs) for stage in ("baseline", "policy"))
    return Sides(folders, (None, None), _settings_of_all(folders))


def _seeds(address: str) -> list[str]:
    """The addresses of each seed of a side; a folder's own name may hold a `+`."""
    return [address] if Path(address).exists() else address.split(BETWEEN_SEEDS)


def _need_run(address: str) -> None:
    from ecr_engine.runs.folder import RunFolder

    if not RunFolder(Path(address)).exists():
        _refuse_single(address)


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


def _settings_of_all(sides: Sequence[Sequence[Path]]) -> Path | None:
    """The settings of the run that all evaluations are of."""
    runs = [_run_of(folder) for side in sides for folder in side]
    first = runs[0]
    if first is None or any(run is None or run.root.resolve() != first.root.resolve() for run in runs):
        return None
    return first.resolved_config if first.resolved_config.is_file() else None


def _run_of(evaluation: Path) -> RunFolder | None:
    """The run that an evaluation lies in: RUN/evaluation/NAME."""
    from ecr_engine.runs.folder import RunFolder

    run = RunFolder(evaluation.parents[1])
    return run if run.exists() else None
