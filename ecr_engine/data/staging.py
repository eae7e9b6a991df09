"""Output folders that are complete or not there: staged beside, renamed at the end."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ecr_engine.errors import UsageError


@contextmanager
def staged(output: Path, is_ours: Callable[[Path], bool]) -> Iterator[Path]:
    """A folder to write into, which becomes `output` if the block ends well and vanishes if it does not.

    Args:
        output: the folder to make; an empty one, or one that `is_ours`, is replaced.
        is_ours: whether a non-empty folder is an earlier result of the same work.

    Raises:
        UsageError: `output` is a file, or a folder of other things.
    """
    output = output.resolve()
    _check(output, is_ours)
    made = _missing_parents(output)
    staging = _beside(output, "staging")
    _remove(staging)
    try:
        _make(staging, output)
        yield staging
        _put_in_place(staging, output)
    except BaseException:
        _remove(staging)
        for folder in made:
            if folder.is_dir():
                folder.rmdir()
        raise


def _make(staging: Path, output: Path) -> None:
    try:
        staging.mkdir(parents=True)
    except OSError as error:
        raise UsageError(
            f"the output folder can't be made: {error.strerror}", at=str(output), fix="give a folder you can write to"
        ) from error


def _check(output: Path, is_ours: Callable[[Path], bool]) -> None:
    if output.is_file():
        raise UsageError("the output is a file", at=str(output), fix="give a folder that is new or empty")
    if output.is_dir() and any(output.iterdir()) and not is_ours(output):
        raise UsageError(
            "the output folder holds other files", at=str(output), fix="give a folder that is new or empty"
        )


def _missing_parents(output: Path) -> list[Path]:
    """The parents that are not there yet, innermost first."""
    return [folder for folder in output.parents if not folder.exists()]


def _beside(output: Path, word: str) -> Path:
    return output.parent / f".{output.name}.{word}"


def _put_in_place(staging: Path, output: Path) -> None:
    old = _beside(output, "old")
    _remove(old)
    if output.exists():
        output.rename(old)
    staging.rename(output)
    _remove(old)


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
