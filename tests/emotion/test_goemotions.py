"""GoEmotions: what its labels become, how its files are read, and what the real ones say about the mapping."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from pathlib import Path

import pytest
from goemotions_fixture import LABELS, write_goemotions, write_rows

from ecr_engine.emotion.goemotions import COVERED, MAPPING, LabelledText, read_goemotions
from ecr_engine.errors import DataError

REAL = Path(os.environ.get("ECR_SHARED", "../shared")) / "data" / "goemotions"
real = pytest.mark.skipif(not REAL.is_dir(), reason="the real GoEmotions is not at hand")

FETCH = "fetch the corpus: ecrctl data fetch goemotions --output DIR"


def problem(caught):
    (found,) = caught.value.problems
    return found.what, found.at, found.fix


def test_every_label_has_an_emotion_and_only_nostalgia_has_no_label() -> None:
    assert sorted(MAPPING) == sorted(LABELS)
    gathered = {emotion: {label for label, to in MAPPING.items() if to == emotion} for emotion in COVERED}
    assert gathered == {
        "like": {"admiration", "love", "desire", "excitement", "optimism", "caring"},
        "curious": {"curiosity", "confusion"},
        "happy": {"joy", "amusement", "relief", "pride"},
        "grateful": {"gratitude"},
        "negative": {
            *("anger", "annoyance", "disappointment", "disapproval", "disgust", "embarrassment", "fear", "grief"),
            *("remorse", "sadness", "nervousness"),
        },
        "neutral": {"neutral"},
        "agreement": {"approval", "realization"},
        "surprise": {"surprise"},
    }


def test_rows_become_texts_with_emotions_in_their_order(tmp_path: Path) -> None:
    folder = write_goemotions(tmp_path / "g")
    # ids: admiration 0, love 18, anger 2, surprise 26, gratitude 15
    rows = [('one “quoted" text', "0,18"), ("two ", "26,2"), ("three", "15"), *[("rest", "27")] * 17]
    write_rows(folder / "train.tsv", rows)
    corpus = read_goemotions(folder)
    assert corpus.train[:4] == (
        LabelledText('one “quoted" text', ("like",)),
        LabelledText("two ", ("negative", "surprise")),
        LabelledText("three", ("grateful",)),
        LabelledText("rest", ("neutral",)),
    )
    assert (len(corpus.train), len(corpus.dev), len(corpus.test)) == (20, 48, 48)
    whole = b"".join((folder / name).read_bytes() for name in ("labels.txt", "train.tsv", "dev.tsv", "test.tsv"))
    assert corpus.fingerprint == hashlib.sha256(whole).hexdigest()
    few = corpus.limited(3, 2)
    assert (few.train, few.dev, few.test) == (corpus.train[:3], corpus.dev[:2], corpus.test[:2])


def test_the_folder_that_a_fetch_leaves_is_known(tmp_path: Path) -> None:
    write_goemotions(tmp_path / "g" / "raw")
    assert read_goemotions(tmp_path / "g") == read_goemotions(tmp_path / "g" / "raw")


def test_missing_files_are_named_together(tmp_path: Path) -> None:
    folder = write_goemotions(tmp_path / "g")
    (folder / "dev.tsv").unlink()
    (folder / "labels.txt").unlink()
    with pytest.raises(DataError) as caught:
        read_goemotions(folder)
    assert problem(caught) == ("GoEmotions' labels.txt, dev.tsv not found", str(folder), FETCH)


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    folder = write_goemotions(tmp_path / "g")
    fix = f"give GoEmotions' folder, or {FETCH}"
    for path, what in (
        (tmp_path / "none", f"there is no folder '{tmp_path / 'none'}'"),
        (folder / "train.tsv", f"'{folder / 'train.tsv'}' is a file, not a folder"),
    ):
        with pytest.raises(DataError) as caught:
            read_goemotions(path)
        assert problem(caught) == (what, str(path), fix)


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("only a text", "the row has 1 fields, not text, label ids and comment id"),
        ("a\ttab\t27\tc1", "the row has 4 fields, not text, label ids and comment id"),
        (" \t27\tc1", "the row has no text"),
        ("fine\t28\tc1", "'28' is no label id: they go from 0 to 27"),
        ("fine\t1,x\tc1", "'x' is no label id: they go from 0 to 27"),
        ("fine\t-1\tc1", "'-1' is no label id: they go from 0 to 27"),
        ("fine\t\tc1", "'' is no label id: they go from 0 to 27"),
        (f"fine\t{'9' * 5000}\tc1", f"'{'9' * 19}…' is no label id: they go from 0 to 27"),
        ("fine\t²\tc1", "'²' is no label id: they go from 0 to 27"),
    ],
)
def test_a_bad_row_is_an_error_with_its_line(tmp_path: Path, row: str, what: str) -> None:
    folder = write_goemotions(tmp_path / "g")
    path = folder / "dev.tsv"
    path.write_text(f"good\t27\tc0\n{row}\n")
    with pytest.raises(DataError) as caught:
        read_goemotions(folder)
    assert problem(caught) == (what, f"{path}:2", FETCH)


def test_a_row_that_is_not_utf_8(tmp_path: Path) -> None:
    folder = write_goemotions(tmp_path / "g")
    (folder / "test.tsv").write_bytes(b"good\t27\tc0\nb\xffd\t27\tc1\n")
    with pytest.raises(DataError) as caught:
        read_goemotions(folder)
    assert problem(caught)[:2] == ("the line is not UTF-8", f"{folder / 'test.tsv'}:2")


def test_labels_of_another_corpus(tmp_path: Path) -> None:
    folder = write_goemotions(tmp_path / "g")
    (folder / "labels.txt").write_text("admiration\namusment\n")
    with pytest.raises(DataError) as caught:
        read_goemotions(folder)
    where = f"{folder / 'labels.txt'}:2"
    assert problem(caught) == ("'amusment' is no label of GoEmotions", where, "did you mean 'amusement'?")
    (folder / "labels.txt").write_text("")
    with pytest.raises(DataError) as caught:
        read_goemotions(folder)
    assert problem(caught) == ("the file names no label", str(folder / "labels.txt"), FETCH)


def test_too_few_texts(tmp_path: Path) -> None:
    folder = write_goemotions(tmp_path / "g", held_out=19)
    with pytest.raises(DataError) as caught:
        read_goemotions(folder)
    assert problem(caught) == ("the split holds 19 texts; it takes at least 20", str(folder / "dev.tsv"), FETCH)


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_goemotions(tmp_path / "g")
    opened = Path.open

    def refuse(path, *rest, **more):
        if path.name == "test.tsv":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *rest, **more)

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DataError) as caught:
        read_goemotions(folder)
    where = str(folder / "test.tsv")
    assert problem(caught) == ("the file can't be read: Permission denied", where, "look at its permissions")


@real
def test_the_real_corpus() -> None:
    corpus = read_goemotions(REAL)
    assert (len(corpus.train), len(corpus.dev), len(corpus.test)) == (43_410, 5_426, 5_427)
    counts = Counter(emotion for text in corpus.test for emotion in text.emotions)
    # counted with cut, tr and awk on test.tsv
    assert (counts["grateful"], counts["surprise"], counts["neutral"]) == (352, 141, 1787)


@real
def test_the_unnamed_labels_go_with_the_one_that_they_most_often_stand_beside() -> None:
    """What the module says about caring, nervousness and realization, counted on the training split."""
    rows = [line.split("\t")[1].split(",") for line in (REAL / "train.tsv").read_text("utf-8").split("\n") if line]
    shown = [frozenset(LABELS[int(label)] for label in row) for row in rows]
    total, alone = len(shown), Counter(label for labels in shown for label in labels)

    def companions(label):
        """Labels that share at least 20 texts with this one: texts and lift, the greatest lift first."""
        beside = Counter(other for labels in shown if label in labels for other in labels - {label})
        lifts = {other: (n, n * total / (alone[label] * alone[other])) for other, n in beside.items() if n >= 20}
        return sorted(((other, n, round(lift, 2)) for other, (n, lift) in lifts.items()), key=lambda row: -row[2])

    assert companions("caring")[0] == ("optimism", 90, 2.27)
    assert companions("nervousness")[0] == ("fear", 34, 15.1)
    assert companions("realization")[:2] == [("approval", 80, 1.06), ("surprise", 26, 0.96)]
