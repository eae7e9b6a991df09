"""`ecrctl score merge`, `agree` and `report`: what they print and write."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "scoring"))
from judged import judged_row, write_file

A = [0.0, 0.25, 0.5, 0.75]
B = [0.0, 0.5, 0.5, 0.25]


@pytest.fixture(autouse=True)
def files(tmp_path):
    a = [judged_row(f"{n}:1", {"overall": s}) for n, s in enumerate(A)]
    b = [judged_row(f"{n}:1", {"overall": s}, judge="b") for n, s in enumerate(B)]
    b.append(judged_row("4:1", {}, judge="b", failure="the reply is empty"))
    write_file(tmp_path / "a.jsonl", a)
    write_file(tmp_path / "b.jsonl", b)


def words(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_merge(ecrctl):
    done = ecrctl("score", "merge", "a.jsonl", "b.jsonl", "--output", "m.jsonl")
    assert done.code == 0, done.err
    shown = words(done.out)
    assert shown[:2] == [["dimension", "merged"], ["overall", "0.3438"]]
    assert "items          5: 4 scored by 2, 0 scored by 1, 1 scored by 0\n" in done.out
    assert "not scored by  a 1, b 1\n" in done.out
    assert "failures       1 in the merged file\n" in done.out
    scores = [json.loads(line)["scores"] for line in Path("m.jsonl").read_text(encoding="utf-8").splitlines()]
    assert scores == [{"overall": 0.0}, {"overall": 0.375}, {"overall": 0.5}, {"overall": 0.5}, {}]


def test_merge_calibrated_as_json(ecrctl):
    done = ecrctl("score", "merge", "a.jsonl", "b.jsonl", "--output", "m.jsonl", "--method", "zscore", "--json")
    document = json.loads(done.out)
    assert document["levels"]["a"]["overall"]["mean"] == 0.375
    assert document["levels"]["b"]["overall"]["mean"] == 0.3125
    assert (document["judges"], document["method"], document["missing"]) == (["a", "b"], "zscore", "keep")


def test_agree(ecrctl):
    done = ecrctl("score", "agree", "a.jsonl", "b.jsonl", "--resamples", 200)
    assert done.code == 0, done.err
    assert "items  4 in both, 0 of them not scored by both; only in a 0, only in b 1\n" in done.out
    [row] = [line for line in words(done.out) if line[:2] == ["overall", "4"]]
    # The kappa of .375 is worked out in tests/scoring/test_agreement.py; limits are -.0625 ± 1.96 * .3146.
    assert (row[8], row[-3:]) == ("0.38", ["-0.6791", "…", "+0.5541"])
    found = json.loads(ecrctl("score", "agree", "a.jsonl", "b.jsonl", "--resamples", 200, "--json").out)
    [dimension] = found["pairs"][0]["dimensions"]
    assert dimension["kappa"]["value"] == pytest.approx(0.375)
    assert [one["judge"] for one in found["length"]] == ["a", "b"]


def test_agree_with_people(ecrctl, tmp_path):
    (tmp_path / "labels.csv").write_text("example_id,stars\n0:1,1\n1:1,3\n2:1,3\n3:1,2\n", encoding="utf-8")
    arguments = ("--human", "labels.csv", "--column", "stars=overall", "--scale", "1:5", "--json", "--resamples", 100)
    found = json.loads(ecrctl("score", "agree", "a.jsonl", *arguments).out)
    [pair] = found["pairs"]
    assert (pair["a"], pair["b"], pair["both"]) == ("a", "labels.csv", 4)
    assert pair["dimensions"][0]["kappa"]["value"] == pytest.approx(0.375)


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (
            ["agree", "a.jsonl"],
            2,
            "error: one judge alone can't be compared\n  at   ecrctl score agree\n"
            "  fix  name a second file of judgements, or labels: --human FILE.csv --column overall\n",
        ),
        (
            ["agree", "a.jsonl", "--column", "overall"],
            2,
            "error: there are columns and no file of labels\n  at   --column, --scale\n  fix  --human FILE.csv\n",
        ),
        (
            ["agree", "a.jsonl", "--human", "x.csv"],
            2,
            "error: no column of labels is named\n  at   --human x.csv\n  fix  --column overall\n",
        ),
        (
            ["agree", "a.jsonl", "--human", "x.csv", "--column", "overal"],
            2,
            "error: the dimensions 'guide' have no 'overal'\n  at   --column overal\n"
            "  fix  did you mean 'overall'?; a column of another name: --column COLUMN=DIMENSION\n",
        ),
        (
            ["merge", "a.jsonl", "--output", "m.jsonl"],
            2,
            "error: one file alone can't be merged\n  at   ecrctl score merge\n"
            "  fix  name the files of two judges or more\n",
        ),
        (
            ["merge", "a.jsonl", "b.jsonl", "--output", "no/m.jsonl"],
            3,
            "error: there is no folder 'no'\n  at   --output no/m.jsonl\n  fix  mkdir -p no\n",
        ),
        (
            ["report", "c.jsonl"],
            3,
            "error: there is no file of judgements\n  at   c.jsonl\n  fix  make it with `ecrctl score run`\n",
        ),
    ],
)
def test_what_cannot_be(ecrctl, arguments, code, text):
    refused = ecrctl("score", *arguments)
    assert (refused.code, refused.err, refused.out) == (code, text, "")


def test_report(ecrctl):
    done = ecrctl("score", "report", "a.jsonl", "b.jsonl", "--output", "rep")
    assert done.code == 0, done.err
    shown = words(done.out)
    # a: mean .375, sd of 0 .25 .5 .75 = sqrt(.3125 / 3) = .3227.
    assert shown[2][:9] == ["overall", "4", "0.3750", "0.3227", "0", "0.1875", "0.3750", "0.5625", "0.7500"]
    assert ["rows", "5,", "1", "failures"] in shown
    assert "failed, the reply is empty  1\n" in done.out
    assert Path("rep/scores.png").read_bytes().startswith(b"\x89PNG")
    with Path("rep/scores.csv").open(encoding="utf-8", newline="") as handle:
        table = list(csv.DictReader(handle))
    its = [row for row in table if (row["judges"], row["dimension"]) == ("b", "overall")]
    mine = [(row["from"], row["to"], row["count"]) for row in its]
    assert [(low, count) for low, _, count in mine if count != "0"] == [("0.0", "1"), ("0.2", "1"), ("0.5", "2")]
    assert mine[3][:2] == ("0.3", "0.4")
    assert [row["count"] for row in table if row["dimension"] == "failure"] == ["0", "1"]


def test_report_replaces_its_own_folder_and_no_other(ecrctl):
    assert ecrctl("score", "report", "a.jsonl", "--output", "rep").code == 0
    assert ecrctl("score", "report", "b.jsonl", "--output", "rep").code == 0
    Path("other").mkdir()
    Path("other/mine.txt").write_text("", encoding="utf-8")
    refused = ecrctl("score", "report", "a.jsonl", "--output", "other")
    assert (refused.code, Path("other/scores.csv").exists()) == (2, False)
    assert "error: the output folder holds other files\n" in refused.err


def test_report_as_json(ecrctl):
    found = json.loads(ecrctl("score", "report", "b.jsonl", "--json").out)
    [file] = found["files"]
    assert (file["rows"], file["failed"], file["failures"]) == (5, 1, {"the reply is empty": 1})
    [dimension] = file["dimensions"]
    assert dimension["counts"] == [1, 0, 1, 0, 0, 2, 0, 0, 0, 0]
    assert dimension["quantiles"] == [0.0, 0.1875, 0.375, 0.5, 0.5]
