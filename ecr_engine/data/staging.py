"""Output folders that are complete or not there: staged beside, renamed at the end."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ecr_engine.errors import EcrError, UsageError
from ecr_engine.runs.lock import locked

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def staged(output: Path, is_ours: Callable[[Path], bool]) -> Iterator[Path]:
    """A folder to write into, which becomes `output` if the block ends well and vanishes if it does not.

    Args:
        output: the folder to make; an empty one, or one that `is_ours`, is replaced.
        is_ours: whether a non-empty folder is an earlier result of the same work.

    Raises:
        UsageError: `output` is a file, a folder of other things, the working directory, or can't be written.
        EcrError: another process is writing it, or the disk is full.
    """
    _refuse_working_directory(output)
    output = Path(os.path.realpath(output))  # not Path.resolve, which trips over a loop of links
    made = _missing_parents(output)
    staging = _beside(output, "staging")
    try:
        _make_parents(output)
        with locked(_beside(output, "lock"), f"the output {output}"):
            _recover(output)
            _check_folder(output, is_ours)
            _remove(staging)
            staging.mkdir()
            try:
                yield staging
                _put_in_place(staging, output)
            except BaseException:
                _remove(staging)
                raise
    except BaseException as error:
        for folder in made:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        if isinstance(error, OSError):
            raise _unwritable(output, error) from error
        raise


def check_output(output: Path, is_ours: Callable[[Path], bool]) -> None:
    """Refuses what `staged` would refuse, as far as it shows without writing anything.

    Args:
        output: the folder that is to be made.
        is_ours: as for `staged`.

    Raises:
        UsageError: `output` is a file, a folder of other things, the working directory, or can't be written or made.
    """
    _refuse_working_directory(output)
    output = Path(os.path.realpath(output))
    _check_folder(output, is_ours)
    above = next(folder for folder in output.parents if folder.exists())
    if not above.is_dir():
        raise _not_made(output, "Not a directory")
    if not os.access(above, os.W_OK | os.X_OK):
        raise _not_made(output, "Permission denied")


def _unwritable(output: Path, error: OSError) -> EcrError:
    full = error.errno in _FULL
    return EcrError(
        f"the output can't be written: {error.strerror or error}",
        at=str(output),
        fix="make room there, or give another folder" if full else "give a folder you can write to",
    )


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


def _make_parents(output: Path) -> None:
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = "Not a directory" if isinstance(error, FileExistsError) else error.strerror
        raise _not_made(output, reason or str(error)) from error


def _not_made(output: Path, reason: str) -> UsageError:
    return UsageError(
        f"the output folder can't be made: {reason}", at=str(output), fix="give a folder you can write to"
    )


def _check_folder(output: Path, is_ours: Callable[[Path], bool]) -> None:
    if output.exists() and not output.is_dir():  # a device such as /dev/null too, which root could rename
        raise UsageError("the output is a file", at=str(output), fix="give a folder that is new or empty")
    if output.is_dir() and any(output.iterdir()) and not is_ours(output):
        raise UsageError(
            "the output folder holds other files", at=str(output), fix="give a folder that is new or empty"
        )

    # Replaced by a rename, which needs no right to write into it; but what is in it could then not be taken away.
    if output.is_dir() and not os.access(output, os.W_OK | os.X_OK):
        raise UsageError("the output folder can't be written", at=str(output), fix="give a folder you can write to")


def _missing_parents(output: Path) -> list[Path]:
    """The parents that are not there yet, innermost first."""
    return [folder for folder in output.parents if not folder.exists()]


def _beside(output: Path, word: str) -> Path:
    return output.parent / f".{output.name}.ecr-{word}"


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
