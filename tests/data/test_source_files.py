"""Where a source's files are found, and what is said of files that can't be read."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from raw_redial import raw, write_source

from ecr_engine.data import files
from ecr_engine.data.files import LineTooLongError, SourceFiles
from ecr_engine.data.reader import RawDialogue, Skipped, read
from ecr_engine.errors import DataError, ExitCode

NAME = "train_data.jsonl"


def one_line(folder: Path) -> bytes:
    return (write_source(folder, train=[raw("1")]) / NAME).read_bytes()


def ids(source: Path) -> list[str]:
    return [dialogue.conversation_id for dialogue in read(source) if isinstance(dialogue, RawDialogue)]


def check(what: str, at: str, fix: str, call: Callable[[], Any]) -> None:
    with pytest.raises(DataError) as caught:
        call()
    (problem,) = caught.value.problems
    assert (problem.what, problem.at, problem.fix) == (what, at, fix)
    assert caught.value.exit_code is ExitCode.DATA


def test_a_folder(tmp_path: Path) -> None:
    write_source(tmp_path, train=[raw("1")], test=[raw("2")])
    (tmp_path / "inner").mkdir()
    source = SourceFiles(tmp_path)
    assert source.names() == ("test_data.jsonl", NAME)
    assert source.shown(NAME) == str(tmp_path / NAME)
    assert ids(tmp_path) == ["1", "2"]


def test_a_zip_with_an_inner_folder_and_what_macs_add(tmp_path: Path) -> None:
    line = one_line(tmp_path / "plain")
    path = tmp_path / "redial.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"redial/{NAME}", line)
        archive.writestr(f"__MACOSX/redial/._{NAME}", b"junk")
        archive.writestr("redial/.DS_Store", b"junk")
    source = SourceFiles(path)
    assert source.names() == (NAME,)
    assert source.shown(NAME) == f"{path}:redial/{NAME}"
    assert ids(path) == ["1"]


def test_a_bad_line_in_a_zip_has_its_place(tmp_path: Path) -> None:
    path = tmp_path / "redial.ZIP"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"redial/{NAME}", b"\n{}\n")
    fix = "mend the line, or leave bad dialogues out with --skip-bad"
    check("the field 'conversationId' is missing", f"{path}:redial/{NAME}:2", fix, lambda: ids(path))


def test_a_single_file_of_any_name_is_training_data(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_bytes(one_line(tmp_path / "plain"))
    assert SourceFiles(path).names() == ("mine.jsonl",)
    (dialogue,) = read(path)
    assert isinstance(dialogue, RawDialogue)
    assert (dialogue.split, dialogue.source) == ("train", "mine.jsonl")


@pytest.mark.parametrize("alone", [True, False])
def test_gz_files_are_unpacked_and_seen_under_their_names(tmp_path: Path, alone: bool) -> None:
    line = one_line(tmp_path / "plain")
    path = tmp_path / "packed" / f"{NAME}.gz"
    path.parent.mkdir()
    path.write_bytes(gzip.compress(line))
    place = path if alone else path.parent
    source = SourceFiles(place)
    assert source.names() == (NAME,)
    assert source.shown(NAME) == str(path)
    assert source.digest([NAME]) == hashlib.sha256(line).hexdigest()
    assert ids(place) == ["1"]


def test_a_digest_is_of_all_files_in_the_order_given(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one")
    (tmp_path / "b").write_bytes(b"two")
    assert SourceFiles(tmp_path).digest(["b", "a"]) == hashlib.sha256(b"twoone").hexdigest()


def test_a_broken_zip(tmp_path: Path) -> None:
    path = tmp_path / "redial.zip"
    path.write_bytes(b"PK\x03\x04 not really")
    check("the archive is broken: File is not a zip file", str(path), "fetch it again", lambda: ids(path))


def test_a_zip_with_a_broken_member(tmp_path: Path) -> None:
    path = tmp_path / "redial.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(NAME, b'{"messages": 1}\n')
    path.write_bytes(path.read_bytes().replace(b"messages", b"MESSAGES", 1))
    what = f"the archive is broken: Bad CRC-32 for file '{NAME}'"
    check(what, f"{path}:{NAME}", "fetch it again", lambda: list(SourceFiles(path).lines(NAME)))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (gzip.compress(b"x" * 999, mtime=0)[:-9], "Compressed file ended before the end-of-stream marker was reached"),
        (b"plain text", "Not a gzipped file (b'pl')"),
    ],
)
def test_a_broken_gz(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / f"{NAME}.gz"
    path.write_bytes(content)
    check(f"the archive is broken: {what}", str(path), "fetch it again", lambda: ids(tmp_path))


def test_a_zip_with_a_password(tmp_path: Path) -> None:
    path = tmp_path / "redial.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(NAME, b"{}")
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1  # the flag of the directory's entry that says so
    path.write_bytes(content)
    fix = "unpack it, and give the folder"
    check("the archive has a password", f"{path}:{NAME}", fix, lambda: SourceFiles(path))


def test_a_zip_of_another_compression(tmp_path: Path) -> None:
    path = tmp_path / "redial.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(NAME, b"{}")
    content = bytearray(path.read_bytes())
    content[8] = content[content.index(b"PK\x01\x02") + 10] = 9  # Deflate64, in the member and in the directory
    path.write_bytes(content)
    what = "this kind of archive is not read: That compression method is not supported"
    fix = "unpack it, and give the folder"
    check(what, f"{path}:{NAME}", fix, lambda: ids(path))


def test_two_files_that_are_seen_under_one_name(tmp_path: Path) -> None:
    path = tmp_path / "data.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for folder in ("inspired", "redial"):
            archive.writestr(f"{folder}/{NAME}", b"{}")
            archive.writestr(f"{folder}/README.md", b"hi")
    what = f"two files of the source are seen as {NAME}: inspired/{NAME} and redial/{NAME}"
    check(what, str(path), "give a folder with one of them", lambda: ids(path))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_zip_that_holds_one_path_twice(tmp_path: Path) -> None:
    path = tmp_path / "data.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"redial/{NAME}", one_line(tmp_path / "plain"))
        archive.writestr(f"redial/{NAME}", b"{}")
    what = f"two files of the source are seen as {NAME}: redial/{NAME} and redial/{NAME}"
    check(what, str(path), "give a folder with one of them", lambda: ids(path))


def test_a_zip_of_another_name(tmp_path: Path) -> None:
    path = tmp_path / "redial.download"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"redial/{NAME}", one_line(tmp_path / "plain"))
    assert SourceFiles(path).shown(NAME) == f"{path}:redial/{NAME}"
    assert ids(path) == ["1"]


@pytest.mark.parametrize(("name", "mode"), [(f"{NAME}.gz", "w:gz"), (NAME, "w")])
def test_a_tar_of_another_name_is_refused(tmp_path: Path, name: str, mode: Literal["w", "w:gz"]) -> None:
    line = write_source(tmp_path / "plain", train=[raw("1")]) / NAME
    path = tmp_path / name
    with tarfile.open(path, mode) as archive:
        archive.add(line, NAME)
    fix = "unpack it, and give the folder"
    check("this kind of archive is not read", str(path), fix, lambda: SourceFiles(path))


def test_a_folder_with_a_zip_in_it(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "redial_dataset.zip", "w") as archive:
        archive.writestr(NAME, one_line(tmp_path.with_name("plain")))
    what = "the data source is in no format that a reader knows"
    check(what, str(tmp_path), f"give the file {tmp_path}/redial_dataset.zip", lambda: ids(tmp_path))


@pytest.mark.parametrize("name", ["redial.tar.gz", "redial.tgz", "redial.TAR", "redial.7z"])
def test_other_archives_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"anything")
    fix = "unpack it, and give the folder"
    check("this kind of archive is not read", str(path), fix, lambda: SourceFiles(path))


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_source(tmp_path, train=[raw("1")])

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    what, fix = "the file can't be read: Permission denied", "look at its permissions"
    check(what, str(tmp_path / NAME), fix, lambda: ids(tmp_path))


def test_a_folder_that_may_not_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    what, fix = "the file can't be read: Permission denied", "look at its permissions"
    check(what, str(tmp_path), fix, lambda: SourceFiles(tmp_path))


def test_lines_lose_their_ends_and_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbfone \r\n \t\r\n  two\t\n\xef\xbb\xbfthree")
    source = SourceFiles(tmp_path)
    assert list(source.lines("a")) == [(1, b"one "), (3, b"  two\t"), (4, b"\xef\xbb\xbfthree")]
    assert source.peek("a") == b"one"


def test_a_peek_skips_blank_lines_and_may_find_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\n \r\n first \nsecond")
    (tmp_path / "b").write_bytes(b"")
    source = SourceFiles(tmp_path)
    assert (source.peek("a"), source.peek("b")) == (b"first", b"")


def test_a_line_that_is_too_long_is_named_and_the_next_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LONGEST_LINE", 2000)
    write_source(tmp_path, train=[raw("1"), "x" * 4999, raw("3")])
    (long,) = [line for _, line in SourceFiles(tmp_path).lines(NAME) if isinstance(line, LineTooLongError)]
    assert (long.number, str(long)) == (2, "the line has 5,000 bytes; 2,000 is the limit")
    first, bad, third = read(tmp_path, skip_bad=True)
    assert isinstance(first, RawDialogue) and isinstance(third, RawDialogue)
    assert [first.conversation_id, third.conversation_id] == ["1", "3"]
    assert isinstance(bad, Skipped)
    assert (bad.line, bad.reason) == (2, "the line has 5,000 bytes; 2,000 is the limit")


def test_a_line_at_the_limit_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LONGEST_LINE", 4)
    (tmp_path / "a").write_bytes(b"abc\nabcd\nabcd")
    found = [line if isinstance(line, bytes) else str(line) for _, line in SourceFiles(tmp_path).lines("a")]
    assert found == [b"abc", "the line has 5 bytes; 4 is the limit", b"abcd"]


def test_files_in_a_subfolder_are_pointed_to(tmp_path: Path) -> None:
    inner = write_source(tmp_path / "inner", train=[raw("1")])
    (tmp_path / "a_empty").mkdir()
    (tmp_path / "notes.txt").write_text("hi")
    what = "the data source is in no format that a reader knows"
    check(what, str(tmp_path), f"give its folder {inner}", lambda: ids(tmp_path))
