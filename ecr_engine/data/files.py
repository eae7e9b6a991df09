"""Where a source's files are: in a folder, in a zip, or in one file; `.gz` is unpacked on the way.

Readers see names and lines and need not know which of the three it is. Nothing is unpacked to disk, so an archive can't
write outside of a folder, and a line is held to `LONGEST_LINE`, so neither a bomb nor a broken file fills the memory.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from ecr_engine.errors import DataError, nearest

LONGEST_LINE = 16 * 2**20
"""A line of more bytes is no dialogue; the longest of ReDial has 20 thousand."""

_BOM = b"\xef\xbb\xbf"
_JUNK = ("__MACOSX", ".DS_Store", "Thumbs.db")
_BROKEN = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, gzip.BadGzipFile, EOFError)
_OTHER = "this kind of archive is not read"
_UNPACK = "unpack it, and give the folder"


class LineTooLongError(Exception):
    """A line is longer than `LONGEST_LINE`; the reading goes on with the next."""

    def __init__(self, number: int, length: int) -> None:
        super().__init__(f"the line has {length:,} bytes; {LONGEST_LINE:,} is the limit")
        self.number = number


def _meant(place: Path) -> str:
    """What to give instead of a path that is not there: the one beside it that is most like it."""
    beside = [entry.name for entry in place.parent.iterdir()] if place.parent.is_dir() else []
    close = nearest(place.name, beside)
    return "give the folder of the raw dialogues" if close is None else f"did you mean '{place.with_name(close)}'?"


class SourceFiles:
    """The files of one source, by name.

    Args:
        place: a folder, a zip, or a single file.

    Raises:
        DataError: `place` is missing, can't be read, or is a broken or an unsuitable archive.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        if not place.exists():
            raise DataError("the data source does not exist", at=str(place), fix=_meant(place))
        self.is_folder = place.is_dir()
        if not self.is_folder and not place.is_file():  # a pipe would be empty when read a second time
            raise DataError(
                "the data source is neither a file nor a folder",
                at=str(place),
                fix="write what it gives to a file, and give that",
            )
        self._is_zip = not self.is_folder and place.suffix.lower() == ".zip"
        self._twice: dict[str, tuple[str, str]] = {}
        with _explained(place):
            self._paths = self._find()

    def _find(self) -> dict[str, str]:
        """Name as readers see it -> path inside the source."""
        if self.is_folder:
            inside = [entry.name for entry in self.place.iterdir() if entry.is_file()]
        elif self._is_zip or zipfile.is_zipfile(self.place):
            self._is_zip = True
            inside = _members(self.place)
        else:
            _refuse_tar(self.place)
            inside = [self.place.name]
        found: dict[str, str] = {}
        for path in sorted(inside):
            name = _seen_as(path)
            if name in found:  # a zip may even hold one path twice
                self._twice[name] = (found[name], path)
            else:
                found[name] = path
        return found

    def names(self) -> tuple[str, ...]:
        """The files' names, sorted, without the folders that a zip puts around them and without `.gz`."""
        return tuple(self._paths)

    def shown(self, name: str) -> str:
        """How a file is written in a message: its path, or `ARCHIVE.zip:PATH`."""
        if self.is_folder:
            return str(self.place / self._paths[name])
        return f"{self.place}:{self._paths[name]}" if self._is_zip else str(self.place)

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """The bytes of a file, unpacked.

        Raises:
            DataError: it can't be read, its archive is broken, or two files have this name.
        """
        if name in self._twice:
            first, second = self._twice[name]
            what = f"two files of the source are seen as {name}: {first} and {second}"
            raise DataError(what, at=str(self.place), fix="give a folder with one of them")
        with _explained(self.shown(name)), self._raw(name) as raw:
            if self._paths[name].lower().endswith(".gz"):
                with gzip.GzipFile(fileobj=raw) as unpacked:
                    yield io.BufferedReader(unpacked, 1 << 20)
            else:
                yield raw

    @contextmanager
    def _raw(self, name: str) -> Iterator[BinaryIO]:
        if not self._is_zip:
            path = self.place / self._paths[name] if self.is_folder else self.place
            with path.open("rb") as handle:
                yield handle
            return
        with zipfile.ZipFile(self.place) as archive, archive.open(self._paths[name]) as member:
            yield io.BufferedReader(member, 1 << 20)  # type: ignore[type-var]  # it reads like a raw file

    def lines(self, name: str) -> Iterator[tuple[int, bytes | LineTooLongError]]:
        """Line numbers, from 1, and lines: without line ends, a byte order mark and blank lines.

        Other blanks stay: where columns are parted by tabs, the last ones may be empty.

        A line over the limit comes as a `LineTooLongError` in its place, so that the caller can name or skip it.
        """
        with self.open(name) as handle:
            for number, line in enumerate(_bounded(handle), start=1):
                if isinstance(line, int):
                    yield number, LineTooLongError(number, line)
                    continue
                text = (line.removeprefix(_BOM) if number == 1 else line).rstrip(b"\r\n")
                if text and not text.isspace():
                    yield number, text

    def peek(self, name: str) -> bytes:
        """The first line of a file that is not blank, cut at 1 MiB; empty if there is none."""
        with self.open(name) as handle:
            for line in handle.read(1 << 20).removeprefix(_BOM).splitlines():
                if line.strip():
                    return line.strip()
        return b""

    def digest(self, names: Iterable[str]) -> str:
        """SHA-256, in hexadecimal, of the unpacked bytes of files, one after the other."""
        total = hashlib.sha256()
        for name in names:
            with self.open(name) as handle:
                while block := handle.read(1 << 20):
                    total.update(block)
        return total.hexdigest()


def _bounded(handle: BinaryIO) -> Iterator[bytes | int]:
    """The lines of a file; of one that is too long only its length."""
    while line := handle.readline(LONGEST_LINE + 1):
        if len(line) <= LONGEST_LINE:
            yield line
            continue
        length = len(line)
        while not line.endswith(b"\n") and (line := handle.readline(1 << 20)):
            length += len(line)
        yield length


def _members(place: Path) -> list[str]:
    """The paths of a zip's files, without what operating systems add."""
    with zipfile.ZipFile(place) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    for entry in entries:
        if entry.flag_bits & 0x1:
            raise DataError("the archive has a password", at=f"{place}:{entry.filename}", fix=_UNPACK)
    return [entry.filename for entry in entries if not any(part in entry.filename for part in _JUNK)]


def _seen_as(path: str) -> str:
    name = PurePosixPath(path).name.encode("utf-8", "replace").decode("utf-8")
    return name[:-3] if name.lower().endswith(".gz") else name


def _refuse_tar(place: Path) -> None:
    known = place.name.lower().endswith((".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".7z", ".rar"))
    if known or _is_tar(place):
        raise DataError(_OTHER, at=str(place), fix=_UNPACK)


def _is_tar(place: Path) -> bool:
    """Whether a file is a tar, or packs one: by its mark alone, as `tarfile` would read whatever length a tar names."""
    with place.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        start = gzip.GzipFile(fileobj=raw).read(262) if packed else raw.read(262)
    return start[257:] == b"ustar"


@contextmanager
def _explained(place: Path | str) -> Iterator[None]:
    """Turns what the system says of an unreadable file into an error with its place."""
    try:
        yield
    except _BROKEN as error:
        raise DataError(
            f"the archive is broken: {error or 'it ends too early'}", at=str(place), fix="fetch it again"
        ) from error
    except NotImplementedError as error:  # a compression that Python's zipfile lacks, such as Deflate64
        raise DataError(f"{_OTHER}: {error}", at=str(place), fix=_UNPACK) from error
    except OSError as error:
        raise DataError(
            f"the file can't be read: {error.strerror or error}", at=str(place), fix="look at its permissions"
        ) from error
