"""Output folders that are complete or not there: staged beside, renamed at the end."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ecr_engine.errors import EcrError, UsageError


@contextmanager
def staged(output: Path, is_ours: Callable[[Path], bool]) -> Iterator[Path]:
    """A folder to write into, which becomes `output` if the block ends well and vanishes if it does not.

    Args:
        output: the folder to make; an empty one, or one that `is_ours`, is replaced.
        is_ours: whether a non-empty folder is an earlier result of the same work.

    Raises:
        UsageError: `output` is a file, a folder of other things, or the working directory.
        EcrError: it can't be written, such as for a full disk.
    """
    _refuse_working_directory(output)
    output = output.resolve()
    _recover(output)
    _check(output, is_ours)
    made = _missing_parents(output)
    staging = _beside(output, "staging")
    _remove(staging)
    try:
        _make(staging, output)
        try:
            yield staging
            _put_in_place(staging, output)
        except OSError as error:
            raise EcrError(
                f"the output can't be written: {error.strerror or error}",
                at=str(output),
                fix="make room there, or give another folder",
            ) from error
    except BaseException:
        _remove(staging)
        for folder in made:
            if folder.is_dir():
                folder.rmdir()
        raise


def _refuse_working_directory(output: Path) -> None:
    """The output folder is replaced at the end, which would leave the caller's shell in a folder that is gone."""
    if output.is_dir() and output.samefile("."):
        fix = "give a folder inside of it, such as --output data"
        raise UsageError("the output is the folder that you are in", at=str(output), fix=fix)


def _recover(output: Path) -> None:
    """Puts an earlier result back that a kill between the two last renames left aside."""
    old = _beside(output, "old")
    if old.is_dir() and not output.exists():
        old.rename(output)


def _make(staging: Path, output: Path) -> None:
    try:
        staging.mkdir(parents=True)
    except OSError as error:
        raise UsageError(
            f"the output folder can't be made: {error.strerror}", at=str(output), fix="give a folder you can write to"
        ) from error


def _check(output: Path, is_ours: Callable[[Path], bool]) -> None:
    if output.exists() and not output.is_dir():  # a device such as /dev/null too, which root could rename
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
