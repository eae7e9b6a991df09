"""`compare`, once its command line is read: which evaluations, with whose settings, and where the result goes."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from ecr_engine.errors import DataError, EcrError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ecr_engine.evaluation.comparison import Comparison
    from ecr_engine.evaluation.gates import GateOutcome
    from ecr_engine.runs.folder import RunFolder

EXAMPLE = "ecrctl compare runs/demo:baseline runs/demo:policy"
STDOUT = "-"
BETWEEN_SEEDS = "+"
ANOTHER_FILE = "name another file, in a folder that you can write to"


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
            UsageError: two documents want one place, or a file can't be made where it is wanted.
        """
        wanted = [flag for flag, _ in self._on_stdout()]
        if len(wanted) > 1:
            raise UsageError(
                "one document at a time fits on stdout", at=" and ".join(wanted), fix="give the others a file"
            )
        taken: dict[Path, str] = {}
        for flag, path in self._files():
            _check_place(flag, path)
            other = taken.setdefault(path.resolve(), flag)
            if other != flag:
                raise UsageError(f"two documents in one file: '{path}'", at=f"{other} and {flag}", fix=ANOTHER_FILE)

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
            try:
                write_text(path, _made(flag, comparisons, gates))
            except OSError as error:
                raise _not_written(flag, path, error.strerror or str(error)) from error
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


def _check_place(flag: str, path: Path) -> None:
    """Refuses a file that can't be made, as far as it shows without making it."""
    folder = path.parent
    if not folder.exists():
        raise UsageError(f"there is no folder '{folder}'", at=flag, fix=f"mkdir -p {shlex.quote(str(folder))}")
    if not folder.is_dir():
        raise UsageError(f"'{folder}' is a file, not a folder", at=f"{flag} {path}", fix=ANOTHER_FILE)
    if path.is_dir():
        fix = f"name a file in it: {flag} {shlex.quote(str(path / 'comparison'))}.{flag.removeprefix('--')}"
        raise UsageError(f"'{path}' is a folder", at=f"{flag} {path}", fix=fix)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _not_written(flag, path, "Permission denied")


def _not_written(flag: str, path: Path, reason: str) -> EcrError:
    return EcrError(f"the file can't be written: {reason}", at=f"{flag} {path}", fix=ANOTHER_FILE)


def _made(flag: str, comparisons: Sequence[Comparison], gates: Sequence[GateOutcome]) -> str:
    """The document that a flag asks for."""
    from ecr_engine.evaluation.comparison_html import comparison_html
    from ecr_engine.evaluation.comparison_markdown import comparison_markdown
    from ecr_engine.evaluation.comparison_rows import comparison_csv

    if flag == "--csv":
        text = comparison_csv(comparisons)
    else:
        text = (comparison_markdown if flag == "--md" else comparison_html)(comparisons, gates)
    # A lone surrogate, which a text or the name of a folder can hold and UTF-8 can't, shows as a letter that is lost.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


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
    fix = EXAMPLE if run is None else shlex.join(["ecrctl", "compare", f"{run.root}:{other}", address])
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
        fix = f"{problem.fix}; make this one: ecrctl eval run {shlex.quote(address)}"
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
