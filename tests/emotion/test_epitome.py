"""Reading EPITOME's files: which file is which mechanism, what a row must be, and the split by post."""

from __future__ import annotations

import csv
import hashlib
import re
from collections import Counter
from pathlib import Path

import pytest
from epitome_fixture import HEAD, NAMES, levels_of, rows, write_csv, write_epitome

from ecr_engine.data.schema import Split
from ecr_engine.emotion.epitome import find_files, prepare, read_rows
from ecr_engine.errors import DataError, EcrError, UsageError

SHARES = {"validation_share": 0.2, "test_share": 0.3}


def problem(caught: pytest.ExceptionInfo[EcrError]) -> tuple[str, str, str]:
    found = caught.value.problems[0]
    return found.what, found.at, found.fix


def test_a_post_over_several_lines_with_quotes_commas_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "explorations.csv"
    path.write_bytes(
        b"\xef\xbb\xbf" + HEAD.encode() + b's1,r1,"I said ""no"",\nand left.",Why?,2,Why?|\r\n\r\ns1,r2,"a, b",Hm.,0,\n'
    )
    first, second = read_rows(path)
    assert (first.post, first.reply, first.seeker, first.response, first.level) == (
        "s1",
        "r1",
        'I said "no",\nand left.',
        "Why?",
        2,
    )
    assert (second.reply, second.seeker, second.level) == ("r2", "a, b", 0)


def test_columns_may_stand_in_any_order_and_rationales_may_be_missing(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("level,response_post,seeker_post,rp_id,sp_id,more\n1,b,a,r1,s1,x\n0,d,c,r2,s2,y\n")
    assert [(row.post, row.seeker, row.response, row.level) for row in read_rows(path)] == [
        ("s1", "a", "b", 1),
        ("s2", "c", "d", 0),
    ]


GOOD = "s1,r1,a,b,1,\ns2,r2,a,b,0,\n"
QUOTES = "mend its quotes; a quote in a text is doubled"


@pytest.mark.parametrize(
    ("content", "line", "what", "fix"),
    [
        ("", 1, "the file is empty", "give a CSV with the columns sp_id, rp_id, seeker_post, response_post, level"),
        (
            "sp_id,rp_id,text,level\n",
            1,
            "the columns seeker_post, response_post are missing",
            "name the columns in the first line: sp_id,rp_id,seeker_post,response_post,level",
        ),
        (
            "\n\nsp_id,rp_id,seeker_post,response_post\n",
            3,
            "the column level is missing",
            "name the columns in the first line: sp_id,rp_id,seeker_post,response_post,level",
        ),
        (
            f"sp_id,sp_id,rp_id,seeker_post,response_post,level\n{GOOD}",
            1,
            "the column sp_id is there twice",
            "take one of the two out",
        ),
        (HEAD, 1, "the file has no rows", "give one with graded pairs"),
        (
            f"{HEAD}{GOOD}s3,r3,a,b,3,\n",
            4,
            "'3' is no level",
            "give one of 0 (none), 1 (weak), 2 (strong)",
        ),
        (f"{HEAD}s3,r3,a,b,,\n", 2, "'' is no level", "give one of 0 (none), 1 (weak), 2 (strong)"),
        (f'{HEAD}{GOOD}s3,r3,"  ",b,0,\n', 4, "'seeker_post' is empty", "fill it in, or take the row out"),
        (f"{HEAD}{GOOD}s3,r3,a,,0,\n", 4, "'response_post' is empty", "fill it in, or take the row out"),
        (f"{HEAD},r3,a,b,0,\n", 2, "'sp_id' is empty", "fill it in, or take the row out"),
        (f"{HEAD}s3,,a,b,0,\n", 2, "'rp_id' is empty", "fill it in, or take the row out"),
        (
            f'{HEAD}{GOOD}s3,r3,"a\na",b,0,\ns4,r1,a,b,0,\n',
            6,
            "rp_id 'r1' is there twice, first in line 2",
            "keep one of the two rows",
        ),
        (
            f"{HEAD}{GOOD}s3,r3,a, and b,c,0,\n",
            4,
            "the row has 7 fields, and the first line names 6",
            "put texts with commas in quotes",
        ),
        (f'{HEAD}{GOOD}s3,r3,"a,b,0,\n', 4, "the row can't be read: unexpected end of data", QUOTES),
        (f'{HEAD}s3,r3,"a"b,b,0,\n', 2, "the row can't be read: ',' expected after '\"'", QUOTES),
    ],
)
def test_a_bad_file_is_told_with_its_line(tmp_path: Path, content: str, line: int, what: str, fix: str) -> None:
    path = tmp_path / "reactions.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_rows(path)
    assert problem(caught) == (what, f"{path}:{line}", fix)


def test_a_line_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "reactions.csv"
    path.write_bytes(f"{HEAD}{GOOD}".encode() + b"s3,r3,caf\xe9,b,0,\n")
    with pytest.raises(DataError) as caught:
        read_rows(path)
    assert problem(caught) == ("the line is not UTF-8", f"{path}:4", "save the file as UTF-8")


def test_a_file_with_one_level_only(tmp_path: Path) -> None:
    path = tmp_path / "reactions.csv"
    path.write_text(f"{HEAD}s1,r1,a,b,1,\ns2,r2,a,b,1,\n")
    with pytest.raises(DataError) as caught:
        read_rows(path)
    assert problem(caught) == (
        "all 2 rows have level 1",
        str(path),
        "give a file with at least two levels: nothing can be learned from one",
    )


def test_a_file_is_told_by_its_name_or_by_what_stands_before_it(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("Emotional-REACTIONS-mine.csv", "graded.csv"):
        Path(name).touch()
    found = find_files(["exploration=graded.csv", "Emotional-REACTIONS-mine.csv"])
    assert list(found.items()) == [
        ("reaction", Path("Emotional-REACTIONS-mine.csv")),
        ("exploration", Path("graded.csv")),
    ]


@pytest.mark.parametrize("inner", ["", "raw"])
def test_a_folder_stands_for_its_files(tmp_path: Path, inner: str) -> None:
    files = write_epitome(tmp_path / inner)
    (tmp_path / inner / "reactions.txt").touch()
    (tmp_path / inner / "labels.csv").touch()
    assert find_files([str(tmp_path)]) == files


@pytest.mark.parametrize(
    ("given", "kind", "what", "at", "fix"),
    [
        (
            ["graded.csv"],
            UsageError,
            "the file's name does not tell its mechanism",
            "graded.csv",
            "say which one it is: --data reaction=FILE.csv",
        ),
        (
            ["reaction-or-exploration.csv"],
            UsageError,
            "the file's name does not tell its mechanism",
            "reaction-or-exploration.csv",
            "say which one it is: --data reaction=FILE.csv",
        ),
        (
            ["explore=graded.csv"],
            UsageError,
            "unknown mechanism 'explore'",
            "--data explore=graded.csv",
            "did you mean 'exploration'?",
        ),
        (
            ["reactions.csv", "reaction=graded.csv"],
            UsageError,
            "two files for reaction: reactions.csv and graded.csv",
            "--data",
            "give one of them",
        ),
        (
            ["reaction=none.csv"],
            DataError,
            "there is no file 'none.csv'",
            "--data",
            "give EPITOME's files, or their folder",
        ),
        (["reaction=empty"], DataError, "'empty' is a folder, not a file", "--data", "name the file in it"),
        (
            ["empty"],
            DataError,
            "the folder has no files of EPITOME",
            "empty",
            "fetch them: ecrctl data fetch epitome --output epitome/",
        ),
    ],
)
def test_data_that_cant_be_told(tmp_path: Path, monkeypatch, given, kind, what, at, fix) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("graded.csv", "reactions.csv", "reaction-or-exploration.csv"):
        Path(name).touch()
    Path("empty").mkdir()
    with pytest.raises(kind) as caught:
        find_files(given)
    assert problem(caught) == (what, at, fix)


def test_the_same_pair_in_three_files_is_one_pair_with_three_levels(tmp_path: Path) -> None:
    data = prepare(write_epitome(tmp_path), **SHARES)
    pairs = {pair.reply: pair for part in data.parts.values() for pair in part}
    assert len(pairs) == 108
    # 17 = 2 + 3·2 + 9·1
    assert pairs["r17"].levels == (2, 2, 1)
    assert (pairs["r17"].post, pairs["r17"].seeker) == ("s8", "I moved to a new town and I don't know anybody here.")
    assert all(pairs[f"r{number}"].levels == tuple(levels_of(number).values()) for number in range(108))


def test_a_mechanism_without_a_file_has_no_level(tmp_path: Path) -> None:
    data = prepare(write_epitome(tmp_path, ("exploration",)), **SHARES)
    assert data.mechanisms == ("exploration",)
    assert {(pair.levels[0], pair.levels[1]) for part in data.parts.values() for pair in part} == {(None, None)}
    assert data.grades("reaction", Split.TRAIN) == []


def test_other_words_under_the_same_ids_are_another_pair(tmp_path: Path) -> None:
    files = write_epitome(tmp_path, ("reaction", "exploration"))
    changed = [
        (post, reply, seeker, "Other words." if reply == "r1" else response, level, shown)
        for post, reply, seeker, response, level, shown in rows("exploration")
    ]
    write_csv(files["exploration"], changed)
    pairs = [pair for part in prepare(files, **SHARES).parts.values() for pair in part if pair.reply == "r1"]
    assert sorted((pair.response, pair.levels) for pair in pairs) == [
        (rows("reaction")[1][3], (1, None, None)),
        ("Other words.", (None, None, 0)),
    ]


def places(data) -> dict[str, Split]:
    return {pair.post: part for part, pairs in data.parts.items() for pair in pairs}


def test_the_split_is_by_the_hash_of_the_post(tmp_path: Path) -> None:
    data = prepare(write_epitome(tmp_path), **SHARES)

    def expected(post: str) -> Split:
        place = int(hashlib.sha256(post.encode()).hexdigest()[:16], 16) / 2**64
        return Split.TEST if place < 0.3 else Split.VALID if place >= 0.8 else Split.TRAIN

    assert places(data) == {f"s{number}": expected(f"s{number}") for number in range(54)}
    parts = {part: {pair.post for pair in pairs} for part, pairs in data.parts.items()}
    assert not parts[Split.TRAIN] & parts[Split.TEST] and not parts[Split.TRAIN] & parts[Split.VALID]
    assert {part: data.posts(part) for part in Split} == Counter(places(data).values())


def test_the_split_does_not_move_with_order_growth_or_the_mechanism(tmp_path: Path) -> None:
    small = prepare(write_epitome(tmp_path / "small"), **SHARES)
    large = prepare(write_epitome(tmp_path / "large", ("interpretation",), pairs=216), **SHARES)
    write_csv(tmp_path / "turned" / NAMES["reaction"], rows("reaction")[::-1])
    turned = prepare(find_files([str(tmp_path / "turned")]), **SHARES)
    assert places(small).items() <= places(large).items()
    assert len(places(large)) == 2 * len(places(small))
    assert places(turned) == places(small)
    assert [pair.reply for pair in turned.parts[Split.TEST]] == [pair.reply for pair in small.parts[Split.TEST]]


def test_a_limit_leaves_the_other_posts_where_they_are(tmp_path: Path) -> None:
    files = write_epitome(tmp_path)
    few, every = places(prepare(files, **SHARES, limit=40)), places(prepare(files, **SHARES))
    assert set(few) == set(sorted(every)[:40])
    assert few.items() <= every.items()


def test_too_little_data(tmp_path: Path) -> None:
    files = write_epitome(tmp_path, ("reaction",), pairs=12)
    with pytest.raises(DataError) as caught:
        prepare(files, **SHARES)
    placed = [int(hashlib.sha256(f"s{post}".encode()).hexdigest()[:16], 16) / 2**64 for post in range(6)]
    train, valid = sum(0.3 <= place < 0.8 for place in placed), sum(place >= 0.8 for place in placed)
    part, posts, fix = (
        ("train", train, "give rows of more posts: all responses to a post go to one part")
        if 2 * train < 5
        else (
            "valid",
            valid,
            "give rows of more posts, or a larger part: --set empathy_training.validation_share=0.2",
        )
    )
    assert problem(caught) == (
        f"too little data for reaction: its {part} part has {2 * posts} rows, and 5 are needed (posts in all: 6)",
        str(files["reaction"]),
        fix,
    )


def test_responses_to_one_post(tmp_path: Path) -> None:
    path = tmp_path / "reactions.csv"
    path.write_text(HEAD + "".join(f"s1,r{n},a,b,{n % 3},\n" for n in range(60)))
    with pytest.raises(DataError) as caught:
        prepare({"reaction": path}, **SHARES)
    assert re.fullmatch(
        r"too little data for reaction: its (train|valid) part has 0 rows, and 5 are needed \(posts in all: 1\)",
        str(caught.value),
    )
    assert problem(caught)[2].startswith("give rows of more posts")


def test_a_limit_that_leaves_too_little(tmp_path: Path) -> None:
    files = write_epitome(tmp_path, ("reaction",))
    with pytest.raises(DataError) as caught:
        prepare(files, **SHARES, limit=2)
    assert str(caught.value).endswith("(posts in all: 2)")
    assert problem(caught)[2] == "raise --limit, or leave it out"


def test_a_training_part_with_one_level(tmp_path: Path) -> None:
    where = places(prepare(write_epitome(tmp_path, ("reaction",)), **SHARES))
    content = [(*row[:4], "0" if where[row[0]] is Split.TRAIN else "2", "") for row in rows("reaction")]
    path = write_csv(tmp_path / NAMES["reaction"], content)
    with pytest.raises(DataError) as caught:
        prepare({"reaction": path}, **SHARES)
    assert problem(caught) == (
        "too little data for reaction: all its train rows have level 0",
        str(path),
        "give more rows of the other levels",
    )


def test_the_format_is_that_of_the_corpus_that_can_be_fetched(tmp_path: Path) -> None:
    from ecr_engine.data.fetch.corpora import epitome

    write_epitome(tmp_path)
    with (tmp_path / NAMES["reaction"]).open(newline="") as handle:
        assert next(csv.reader(handle)) == list(epitome.COLUMNS)
    assert [(count.name, count.rows, count.labels) for count in epitome.count(tmp_path)] == [
        (NAMES[name], 108, {"0": 36, "1": 36, "2": 36}) for name in ("reaction", "interpretation", "exploration")
    ]
    assert list(find_files([str(tmp_path)])) == ["reaction", "interpretation", "exploration"]
