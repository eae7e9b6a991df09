"""Archives, honest and hostile."""

from __future__ import annotations

import gzip
import io
import os
import struct
import tarfile
import warnings
import zipfile
from pathlib import Path

import pytest

from ecr_engine.data.fetch.archive import ASK, Limits
from ecr_engine.data.fetch.unpack import unpacked
from ecr_engine.errors import DataError, EcrError

MIB = 2**20
LIMITS = Limits(max_bytes=4 * MIB, members=20, ratio=10, ratio_from=MIB)
BROKEN_FIX = "fetch it again with --force"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where the archive is; nothing but it may be there afterwards."""
    folder = tmp_path / "deep" / "raw"
    folder.mkdir(parents=True)
    return folder / "archive.zip"


def zipped(place: Path, *members: tuple[str | zipfile.ZipInfo, bytes], packing: int = zipfile.ZIP_DEFLATED) -> None:
    with warnings.catch_warnings(), zipfile.ZipFile(place, "w", packing) as archive:
        warnings.simplefilter("ignore")
        for name, content in members:
            archive.writestr(name, content)


def tarred(place: Path, *members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w") as archive:
        for info, content in members:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    place.write_bytes(gzip.compress(inner.getvalue()))
    return inner.getvalue()


def entry(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def contents(place: Path, limits: Limits = LIMITS) -> dict[str, bytes]:
    with unpacked(place, limits) as folder:
        found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    only_the_archive(place)
    return found


def only_the_archive(place: Path) -> None:
    assert [path.name for path in place.parent.iterdir()] == [place.name]
    assert [path.name for path in place.parent.parent.iterdir()] == [place.parent.name]


def refused(place: Path, limits: Limits = LIMITS) -> tuple[str, str, str]:
    with pytest.raises(DataError) as caught, unpacked(place, limits):
        pass
    only_the_archive(place)
    problem = caught.value.problems[0]
    return problem.what, problem.at.removeprefix(str(place)), problem.fix


def test_a_zip(place: Path) -> None:
    zipped(place, ("a.txt", b"one"), ("in/b.txt", b"two"), ("empty/", b""))
    assert contents(place) == {"a.txt": b"one", "in/b.txt": b"two"}


def test_a_tar_whatever_its_name(place: Path) -> None:
    tarred(place, (entry("./", tarfile.DIRTYPE), b""), (entry("./a.txt"), b"one"), (entry("in/b.txt"), b"two"))
    assert contents(place) == {"a.txt": b"one", "in/b.txt": b"two"}


def test_a_folder_around_everything_and_what_systems_add_are_left_out(place: Path) -> None:
    zipped(
        place,
        ("data/", b""),
        ("data/a.txt", b"one"),
        ("data/in/b.txt", b"two"),
        ("data/.DS_Store", b"x"),
        ("__MACOSX/data/._a.txt", b"x"),
    )
    assert contents(place) == {"a.txt": b"one", "in/b.txt": b"two"}


NAMES = {
    "../out.txt": "a member's path leaves the folder",
    "in/../../out.txt": "a member's path leaves the folder",
    "..\\out.txt": "a member's path leaves the folder",
    "/etc/out.txt": "a member has an absolute path",
    "C:/out.txt": "a member has an absolute path",
    "c:out.txt": "a member has an absolute path",
    "in\\b.txt": "a member has an impossible name",
    "bell\x07.txt": "a member has an impossible name",
    "n" * 252 + ".txt": "a member's name is longer than 255 bytes",
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", ["zip", "tar"])
def test_names_that_are_refused(place: Path, name: str, form: str) -> None:
    if form == "zip":
        zipped(place, ("good.txt", b"x"), (name, b"x"))
    else:
        tarred(place, (entry("good.txt"), b"x"), (entry(name), b"x"))
    shown = name.replace("\x07", "?")[:255]
    assert refused(place) == (f"the archive is not safe: {NAMES[name]}", f":{shown}", ASK)


def test_a_zero_byte_in_a_name(place: Path) -> None:
    """`zipfile` would cut the name there."""
    zipped(place, ("good.txt!.exe", b"x"))
    place.write_bytes(place.read_bytes().replace(b"good.txt!.exe", b"good.txt\0.exe"))
    assert refused(place) == (
        "the archive is not safe: a member has an impossible name",
        ":good.txt?.exe",
        ASK,
    )


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        (tarfile.SYMTYPE, "a member is a link"),
        (tarfile.LNKTYPE, "a member is a link"),
        (tarfile.FIFOTYPE, "a member is a device or another special file"),
        (tarfile.CHRTYPE, "a member is a device or another special file"),
        (tarfile.BLKTYPE, "a member is a device or another special file"),
    ],
)
def test_members_of_a_tar_that_are_no_files(place: Path, kind: bytes, what: str) -> None:
    tarred(place, (entry("x", kind, "../../../secret"), b""), (entry("x/out.txt"), b"x"))
    assert refused(place) == (f"the archive is not safe: {what}", ":x", ASK)


@pytest.mark.parametrize(
    ("mode", "what"), [(0o120777, "a member is a link"), (0o020666, "a member is a device or another special file")]
)
def test_members_of_a_zip_that_are_no_files(place: Path, mode: int, what: str) -> None:
    info = zipfile.ZipInfo("x")
    info.external_attr = mode << 16
    zipped(place, (info, b"../../secret"))
    assert refused(place) == (f"the archive is not safe: {what}", ":x", ASK)


@pytest.mark.parametrize(("first", "second"), [("a.txt", "a.txt"), ("a.txt", "A.TXT"), ("a.txt/b", "a.txt")])
def test_two_members_of_one_path(place: Path, first: str, second: str) -> None:
    zipped(place, (first, b"one"), ("z", b""), (second, b"two"))
    what, _, fix = refused(place)
    assert (what, fix) == ("the archive is not safe: two members have one path", ASK)


def test_a_bomb_is_stopped_by_its_ratio(place: Path) -> None:
    zipped(place, ("zeros", bytes(3 * MIB)))
    assert place.stat().st_size < 10_000
    assert refused(place) == ("the archive unpacks to more than 10 times its size", "", ASK)
    tarred(place, (entry("zeros"), bytes(3 * MIB)))
    assert refused(place) == ("the archive unpacks to more than 10 times its size", "", ASK)


def test_many_members_are_counted_together(place: Path) -> None:
    noise = os.urandom(MIB)
    zipped(place, *[(f"{number}", noise) for number in range(5)])
    what, at, fix = refused(place)
    assert (what, at) == ("the archive unpacks to more than 4 MiB", "")
    assert fix == "if it is meant to, allow more: --set fetch.max_unpacked_mib=N"
    assert len(contents(place, Limits(5 * MIB))) == 5


def test_too_many_members(place: Path) -> None:
    zipped(place, *[(f"{number}", b"") for number in range(21)])
    assert refused(place) == ("the archive has more than 20 members", "", ASK)
    tarred(place, *[(entry(f"{number}"), b"") for number in range(21)])
    assert refused(place) == ("the archive has more than 20 members", "", ASK)


def test_a_directory_that_would_fill_the_memory_is_not_read(place: Path) -> None:
    zipped(place, *[(f"{'n' * 200}{number}", b"") for number in range(21)])
    assert refused(place, Limits(4 * MIB, members=4)) == ("the archive has more than 4 members", "", ASK)


def claimed(place: Path, size: int) -> None:
    """Writes another unpacked size into both headers of a zip of one member."""
    raw = bytearray(place.read_bytes())
    struct.pack_into("<L", raw, raw.index(b"PK\x03\x04") + 22, size)
    struct.pack_into("<L", raw, raw.index(b"PK\x01\x02") + 24, size)
    place.write_bytes(raw)


def test_a_header_that_claims_less(place: Path) -> None:
    zipped(place, ("a", b"x" * 5000))
    claimed(place, 10)
    assert refused(place) == ("the archive is broken: Bad CRC-32 for file 'a'", "", BROKEN_FIX)


def test_a_header_that_claims_more(place: Path) -> None:
    zipped(place, ("a", b"x" * 5000))
    claimed(place, 6000)
    assert refused(place) == (
        "the archive is broken: a member has 5,000 bytes, and its header claims 6,000",
        ":a",
        BROKEN_FIX,
    )


def test_a_password(place: Path) -> None:
    zipped(place, ("a", b"x"))
    raw = bytearray(place.read_bytes())
    raw[raw.index(b"PK\x03\x04") + 6] |= 1
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    place.write_bytes(raw)
    assert refused(place) == ("the archive has a password", ":a", ASK)


def test_an_unusual_packing(place: Path) -> None:
    zipped(place, ("a", b"x"), packing=zipfile.ZIP_LZMA)
    assert refused(place) == ("the member is packed in an unusual way", ":a", "pack it with deflate")


def test_a_truncated_zip(place: Path) -> None:
    zipped(place, ("a", os.urandom(5000)), ("b", os.urandom(5000)))
    place.write_bytes(place.read_bytes()[:6000])
    assert refused(place) == (
        "the archive is broken: its directory is missing, it may have been cut off",
        "",
        BROKEN_FIX,
    )


def test_a_zip_with_damaged_bytes(place: Path) -> None:
    zipped(place, ("a", b"good" * 100), packing=zipfile.ZIP_STORED)
    place.write_bytes(place.read_bytes().replace(b"good", b"evil", 1))
    assert refused(place) == ("the archive is broken: Bad CRC-32 for file 'a'", "", BROKEN_FIX)


def test_a_truncated_tar(place: Path) -> None:
    inner = tarred(place, (entry("a"), os.urandom(5000)), (entry("b"), os.urandom(5000)))
    place.write_bytes(place.read_bytes()[:7000])
    what, at, fix = refused(place)
    assert what == "the archive is broken: Compressed file ended before the end-of-stream marker was reached"
    assert (at, fix) == ("", BROKEN_FIX)
    place.write_bytes(gzip.compress(inner[:8000]))
    assert refused(place) == ("the archive is broken: unexpected end of data", "", BROKEN_FIX)


def test_a_damaged_header_in_a_tar_is_not_its_end(place: Path) -> None:
    """`tarfile` would stop there and say nothing."""
    inner = bytearray(tarred(place, (entry("a"), b"x" * 512), (entry("b"), b"y" * 512)))
    inner[1024 + 148 : 1024 + 156] = b"99999999"
    place.write_bytes(gzip.compress(bytes(inner)))
    assert refused(place) == ("the archive is broken: a member's header is damaged", "", BROKEN_FIX)


def test_what_is_no_archive(place: Path) -> None:
    place.write_bytes(b"<html>sign in</html>")
    assert refused(place) == ("this is neither a zip nor a tar.gz", "", ASK)


def test_a_full_disk_leaves_the_archive_only(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zipped(place, ("a", b"x"))
    opening = Path.open

    def on_a_full_disk(path: Path, mode: str = "r", **how):
        return opening(Path("/dev/full"), "wb", **how) if "x" in mode else opening(path, mode, **how)

    monkeypatch.setattr(Path, "open", on_a_full_disk)
    with pytest.raises(EcrError) as caught, unpacked(place, LIMITS):
        pass
    monkeypatch.undo()
    assert caught.value.problems[0].what == "the disk is full"
    only_the_archive(place)


def test_what_an_earlier_process_left_is_swept(place: Path) -> None:
    zipped(place, ("a", b"x"))
    left = place.with_name(".archive.zip.unpacking")
    left.mkdir()
    (left / "old").write_bytes(b"old")
    assert contents(place) == {"a": b"x"}
