"""Reading INSPIRED's tables of utterances."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from source_makers import dialogues, fault, form_of, oddities, said, skipped

from ecr_engine.data.schema import Item, Split
from ecr_engine.errors import DataError

COLUMNS = (
    "dialog_id", "utt_id", "speaker", "turn_id", "text", "text_with_placeholder", "movies", "genres", "people_names",
    "movie_dict", "genre_dict", "case", "movie_id",
)  # fmt: skip
MOVIES = "{'Heat (1995)': 0, \"Pan's Labyrinth (2006)\": 1, 'It (2017)': 2}"


def row(speaker: str, text: str, marked: str | None = None, **fields: str) -> dict[str, str]:
    return {
        "dialog_id": "a.pkl",
        "speaker": speaker,
        "text": text,
        "text_with_placeholder": text if marked is None else marked,
        "movie_dict": MOVIES,
        **fields,
    }


def table(folder: Path, *rows: dict[str, str], name: str = "train.tsv", columns: tuple[str, ...] = COLUMNS) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["\t".join(columns), *("\t".join(one.get(column, "") for column in columns) for one in rows)]
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def test_a_dialogue(tmp_path: Path) -> None:
    folder = table(
        tmp_path,
        row("RECOMMENDER", 'QUOTATION_MARKHeatQUOTATION_MARK & "more?', '"[MOVIE_TITLE_0]" & "more?'),
        row("SEEKER", "I love Pan's  Labyrinth with Al Pacino!", "I love [MOVIE_TITLE_1] with [MOVIE_P_ACTOR_0]!",
            movies="Pan's Labyrinth (2006)", genres="drama; comedy", people_names="Al Pacino"),
        row("SEEKER", "hm", dialog_id="b.pkl", movie_dict="{}"),
    )  # fmt: skip
    assert form_of(folder) == "inspired"
    first, second = dialogues(folder)
    assert (first.conversation_id, first.line, second.conversation_id, second.line) == ("a.pkl", 2, "b.pkl", 4)
    assert said(first) == [
        ("recommender", ('"', '" & "more?'), ("Heat (1995)",)),
        ("seeker", ("I love ", " with Al Pacino!"), ("Pan's Labyrinth (2006)",)),
    ]
    assert first.messages[1].entities == ("drama", "comedy", "Al Pacino")
    assert list(first.items) == ["Heat (1995)", "Pan's Labyrinth (2006)", "It (2017)"]
    assert said(second) == [("seeker", ("hm",), ())]


def test_two_files_for_one_split(tmp_path: Path) -> None:
    for name in ("train.tsv", "dev.tsv", "valid.tsv"):
        table(tmp_path, row("SEEKER", "hi", dialog_id=name), name=name)
    with pytest.raises(DataError) as caught:
        dialogues(tmp_path)
    (problem,) = caught.value.problems
    assert (problem.what, problem.at, problem.fix) == (
        "two files of the source are for the split valid: dev.tsv and valid.tsv",
        str(tmp_path),
        "give a folder with one of them",
    )


def test_a_row_whose_last_column_is_empty(tmp_path: Path) -> None:
    columns = ("dialog_id", "speaker", "text", "text_with_placeholder", "movie_dict")
    folder = table(tmp_path, row("SEEKER", "hi", movie_dict=""), columns=columns)
    assert (folder / "train.tsv").read_bytes().endswith(b"\thi\thi\t\n")
    assert [said(dialogue) for dialogue in dialogues(folder)] == [[("seeker", ("hi",), ())]]


def test_words_that_the_marked_text_lacks_are_kept(tmp_path: Path) -> None:
    text = "My family, but not it: heat, and It were funny"
    marked = "My but not it: [MOVIE_TITLE_0], and [MOVIE_TITLE_2] were"
    (dialogue,) = dialogues(table(tmp_path, row("SEEKER", text, marked)))
    assert said(dialogue) == [
        ("seeker", ("My family, but not it: ", ", and ", " were funny"), ("Heat (1995)", "It (2017)"))
    ]


def test_a_movie_that_the_words_do_not_have_is_told_as_an_oddity(tmp_path: Path) -> None:
    text = "the entire end. Bye all"
    folder = table(
        tmp_path,
        row("SEEKER", text, "[MOVIE_TITLE_0] Bye", movies="Heat (1995)"),
        row("SEEKER", "what?", "[MOVIE_TITLE_9]"),
    )
    (dialogue,) = dialogues(folder)
    assert said(dialogue) == [("seeker", (text,), ()), ("seeker", ("what?",), ())]
    assert oddities(folder) == [("a listed movie is not in the words", f"Heat (1995) in '{text}'")]


def test_the_official_splits(tmp_path: Path) -> None:
    for name in ("train.tsv", "dev.tsv", "test.tsv"):
        table(tmp_path, row("SEEKER", "hi", dialog_id=name), name=name)
    assert [dialogue.split for dialogue in dialogues(tmp_path)] == [Split.TRAIN, Split.VALID, Split.TEST]


@pytest.mark.parametrize("column", ["case", "fine_label"])
@pytest.mark.parametrize(
    ("label", "liked"),
    [("accept_rating_good", True), ("reject", False), ("accept_rating_mod", None), ("accept_others", None), ("", None)],
)
def test_the_verdict_is_on_the_one_movie_that_the_recommender_brought_up(
    tmp_path: Path, column: str, label: str, liked: bool | None
) -> None:
    rows = (
        row("SEEKER", "Heat", "[MOVIE_TITLE_0]", **{column: label}),
        row("RECOMMENDER", "Heat? It!", "[MOVIE_TITLE_0]? [MOVIE_TITLE_2]!", **{column: label}),
    )
    columns = tuple(column if name == "case" else name for name in COLUMNS)
    (dialogue,) = dialogues(table(tmp_path, *rows, columns=columns))
    assert dialogue.items["It (2017)"] == Item("It (2017)", "It (2017)", liked=liked)
    assert dialogue.items["Heat (1995)"].liked is None


def test_a_verdict_on_one_of_two_movies_is_on_neither(tmp_path: Path) -> None:
    rows = row("RECOMMENDER", "Heat or It", "[MOVIE_TITLE_0] or [MOVIE_TITLE_2]", case="reject")
    (dialogue,) = dialogues(table(tmp_path, rows))
    assert {item.liked for item in dialogue.items.values()} == {None}


UNREADABLE = "'movie_dict' can't be read: it must be a dictionary of title to number"
BAD: dict[str, tuple[dict[str, str], str]] = {
    "speaker": (row("HOST", "a"), "'speaker' must be seeker or recommender, found 'HOST'"),
    "dict": (row("SEEKER", "a", movie_dict="{'a': "), UNREADABLE),
    "list": (row("SEEKER", "a", movie_dict="[1]"), "'movie_dict' must be a dictionary of title to number"),
    "call": (row("SEEKER", "a", movie_dict="open('x')"), UNREADABLE),
    "number": (row("SEEKER", "a", movie_dict="{1: 'a'}"),
        "'movie_dict' must be a dictionary of title to number, found 1: 'a'"),
    "blank": (row("SEEKER", " "), "the dialogue has no messages"),
    "empty id": (row("SEEKER", "a", dialog_id=" "), "'dialog_id' is empty"),
    "tab": (row("SEEKER", "a\tb", movie_id="x"), "row 1 of the dialogue has 15 columns; the first line names 13"),
}  # fmt: skip


@pytest.mark.parametrize(("line", "what"), BAD.values(), ids=BAD.keys())
def test_what_is_said_of_a_bad_row(tmp_path: Path, line: dict[str, str], what: str) -> None:
    folder = table(
        tmp_path,
        row("SEEKER", "hi", dialog_id="first"),
        line,
    )
    assert fault(folder) == (what, "train.tsv:3")
    assert skipped(folder) == [(3, what)]


def test_a_cut_row_and_bytes_that_are_not_utf8(tmp_path: Path) -> None:
    folder = table(tmp_path, row("SEEKER", "hi"))
    with (folder / "train.tsv").open("ab") as handle:
        handle.write(b"b.pkl\t1\tSEEKER\t1\t\xff\t\t\t\t\t{}\nc.pkl\t1\tSEE")
    assert skipped(folder) == [
        (3, "the line is not UTF-8: byte 0xff at column 18"),
        (4, "row 1 of the dialogue has 3 columns; the first line names 13"),
    ]


def test_a_missing_column(tmp_path: Path) -> None:
    folder = table(tmp_path, row("SEEKER", "hi"), columns=("dialog_id", "speaker", "text", "movie_dict"))
    assert fault(folder) == ("the column 'text_with_placeholder' is missing", "train.tsv:2")


def test_a_table_of_something_else_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "train.tsv").write_text("text\tlabel\nhi\t2\n")
    unused: Any = fault(tmp_path)
    assert unused[0] == "the data source is in no format that a reader knows"
