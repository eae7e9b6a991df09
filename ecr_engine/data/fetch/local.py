"""Takes a corpus's files from this machine in place of a download; they are held to the same hashes."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from ecr_engine.data.fetch.address import Address
from ecr_engine.data.fetch.corpus import RemoteFile
from ecr_engine.data.fetch.part import Origin, Part
from ecr_engine.data.fetch.progress import Advance, Listener
from ecr_engine.data.fetch.verify import Received, check_hash, too_large
from ecr_engine.errors import DataError, UsageError

_BLOCK = 1 << 20


def find_local(place: Path, file: RemoteFile, address: Address, *, alone: bool) -> Path:
    """The local copy of a file.

    Args:
        place: a folder that holds it under the name it is stored under or the one of its address; or the file itself.
        file: what is looked for.
        address: its address.
        alone: whether the corpus is this one file.

    Raises:
        UsageError: `place` is one file, and the corpus is several.
        DataError: it is not there.
    """
    if place.is_file():
        if alone:
            return place
        raise UsageError("the corpus is several files, and this is one", at=str(place), fix="give the folder of them")
    names = dict.fromkeys((file.name, PurePosixPath(urlsplit(address.url).path).name))
    found = next((place / name for name in names if name and (place / name).is_file()), None)
    if found is None:
        what = f"there is no {file.name} in it" if place.is_dir() else "it does not exist"
        raise DataError(
            f"the file can't be taken from here: {what}",
            at=str(place),
            fix=f"get it from {address.shown}, and give it or its folder",
        )
    return found


def copy(source: Path, address: Address, target: Path, *, max_bytes: int, listener: Listener) -> Received:
    """Copies a local file to `target` if it is what the address says.

    Raises:
        DataError: it is another file, is too large or can't be read.
        EcrError: the disk is full.
    """
    with Part(target, Origin(str(source), address.sha256)) as part:
        part.restart(part.origin)
        try:
            handle = source.open("rb")
        except OSError as error:
            raise DataError(
                f"the file can't be read: {error.strerror}", at=str(source), fix="look at its permissions"
            ) from error
        with handle:
            total = source.stat().st_size
            while block := handle.read(_BLOCK):
                if part.size + len(block) > max_bytes:
                    raise too_large(part, max_bytes, str(source))
                part.write(block)
                listener(Advance(target.name, part.size, total))
        check_hash(part, address, str(source))
        part.finish()
        return Received(part.sha256, part.size)
