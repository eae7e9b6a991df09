"""Judgements in files."""

import pytest

from ecr_engine.errors import DataError
from ecr_engine.scoring.judge import Judgement
from ecr_engine.scoring.store import JudgedRow, read_judgements, write_judgements

ROWS = [
    JudgedRow(
        "1:1", "1", "Try <movie> – it’s fun", "baseline", Judgement("1:1", {"empathy": 0.25}, {"empathy": "why"})
    ),
    JudgedRow("1:3", "1", "", "reference", Judgement("1:3", {}, {}, "the judge gave no rating")),
]
LINE = (
    '{"example_id":"1:1","conversation_id":"1","response":"Try <movie> – it’s fun","who":"baseline",'
    '"scores":{"empathy":0.25},"reasons":{"empathy":"why"},"failure":null}'
)


def test_written_rows_come_back(tmp_path):
    path = tmp_path / "judgements.jsonl"
    assert write_judgements(path, iter(ROWS)) == 2
    assert path.read_text(encoding="utf-8").splitlines()[0] == LINE
    assert list(read_judgements(path)) == ROWS


def test_a_failure_while_writing_leaves_what_was_there(tmp_path):
    path = tmp_path / "judgements.jsonl"
    write_judgements(path, ROWS[:1])

    def broken():
        yield ROWS[1]
        raise RuntimeError("the judge died")

    with pytest.raises(RuntimeError):
        write_judgements(path, broken())
    assert list(read_judgements(path)) == ROWS[:1]
    assert [entry.name for entry in tmp_path.iterdir()] == ["judgements.jsonl"]


def test_reading_streams(tmp_path):
    path = tmp_path / "judgements.jsonl"
    path.write_text(LINE + "\nnot json\n", encoding="utf-8")
    rows = read_judgements(path)
    assert next(rows) == ROWS[0]
    with pytest.raises(DataError):
        next(rows)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("nonsense", "Expecting value at column 1"),
        ("[]", "it is no object"),
        (LINE.replace('"who"', '"whose"'), "the field 'who' is missing"),
        (LINE.replace("0.25", "1.25"), "the score 1.25 is not in [0, 1]"),
        (LINE.replace("0.25", "NaN"), "the score nan is not in [0, 1]"),
        (LINE.replace("0.25", '"high"'), "the score 'high' is not in [0, 1]"),
        (LINE.replace('{"empathy":0.25}', "{}"), "it has neither scores nor a failure"),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, reason):
    path = tmp_path / "judgements.jsonl"
    path.write_text(f"{LINE}\n{line}\n", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        list(read_judgements(path))
    problem = caught.value.problems[0]
    assert problem.what == f"the line is not a judgement: {reason}"
    assert problem.at == f"{path}:2"
    assert problem.fix == "make the file again with `ecrctl score run`"


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError) as caught:
        next(read_judgements(tmp_path / "none.jsonl"))
    assert caught.value.problems[0].what == "there is no file of judgements"
    assert caught.value.problems[0].at == str(tmp_path / "none.jsonl")
