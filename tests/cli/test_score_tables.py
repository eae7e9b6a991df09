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
            ["merge", "a.jsonl", "b.jsonl", "--output", "."],
            2,
            "error: the output is a folder\n  at   --output .\n  fix  --output merged.jsonl\n",
        ),
        (
            ["merge", "a.jsonl", "b.jsonl", "--output", "a.jsonl"],
            2,
            "error: 'a.jsonl' is there already\n  at   --output a.jsonl\n  fix  name another file, or remove it\n",
        ),
        (
            ["merge", "a.jsonl", "./a.jsonl", "--output", "m.jsonl"],
            2,
            "error: 'a.jsonl' is named twice\n  at   a.jsonl\n  fix  name the files of different judges\n",
        ),
        (
            ["agree", "a.jsonl", "b.jsonl", "--seed", "-1"],
            2,
            "error: the value must be at least 0, not -1\n  at   ecrctl score agree --seed\n"
            "  fix  ecrctl score agree --help\n",
        ),
        (
            ["report", "a.jsonl", "--output", "b.jsonl"],
            2,
            "error: the output is a file\n  at   HERE/b.jsonl\n  fix  give a folder that is new or empty\n",
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
    assert (refused.code, refused.err.replace(str(Path.cwd()), "HERE"), refused.out) == (code, text, "")


LINE = {"example_id": "0:1", "conversation_id": "0", "response": "x", "who": "y", "scores": {"overall": 0.5}}
LINE |= {"reasons": {}, "failure": None, "judges": ["a"], "dimensions": "guide"}

TORN = "its end is torn: go on with it by the same `ecrctl score run` and --resume auto"


@pytest.mark.parametrize("command", ["report", "agree", "merge"])
@pytest.mark.parametrize(
    ("text", "what", "fix"),
    [
        ("", "", "make it with `ecrctl score run`"),
        ("\n", "it is empty", None),
        (json.dumps(LINE)[:60], "Unterminated string starting at column 59", TORN),
        (json.dumps({**LINE, "scores": {"overall": float("nan")}}) + "\n", "the score nan is not in [0, 1]", None),
        (json.dumps({**LINE, "scores": {"overall": "NaN"}}) + "\n", "the score 'NaN' is not in [0, 1]", None),
        (json.dumps({**LINE, "scores": {"overall": True}}) + "\n", "the score True is not in [0, 1]", None),
        (json.dumps({**LINE, "judges": "rubric"}) + "\n", "'judges' is no list", None),
        (json.dumps({**LINE, "turns_cut": "x"}) + "\n", "'turns_cut' is no count", None),
        (json.dumps({**LINE, "places": 5}) + "\n", "'places' is no list", None),
        (json.dumps({**LINE, "places": [{"place": 3, "of": 2}]}) + "\n", "there is no place 3 of 2", None),
    ],
    ids=["empty", "blank", "torn", "nan", "nan-text", "true", "judges", "turns-cut", "places", "place"],
)  # fmt: skip
def test_a_file_that_is_damaged(ecrctl, command, text, what, fix):
    Path("x.jsonl").write_text(text, encoding="utf-8")
    more = {"report": (), "agree": ("a.jsonl",), "merge": ("a.jsonl", "--output", "m.jsonl")}[command]
    refused = ecrctl("score", command, "x.jsonl", *more)
    said = f"the line is not a judgement: {what}" if text else "the file has no judgements"
    assert (refused.code, refused.out, refused.err) == (
        3,
        "",
        f"error: {said}\n  at   x.jsonl{':1' if text else ''}\n"
        f"  fix  {fix or 'make the file again with `ecrctl score run`'}\n",
    )
    assert not Path("m.jsonl").exists()


def test_files_of_other_systems(ecrctl):
    whole = Path("a.jsonl").read_bytes()
    Path("bom.jsonl").write_bytes(b"\xef\xbb\xbf" + whole.replace(b"\n", b"\r\n"))
    [plain, marked] = json.loads(ecrctl("score", "report", "a.jsonl", "bom.jsonl", "--json").out)["files"]
    assert {**marked, "path": "a.jsonl"} == plain


def test_a_dimension_that_one_judge_lacks_is_named(ecrctl, tmp_path):
    both = [judged_row(f"{n}:1", {"overall": s, "empathy": 1 - s}) for n, s in enumerate(A)]
    write_file(tmp_path / "a.jsonl", both)
    done = ecrctl("score", "merge", "a.jsonl", "b.jsonl", "--output", "m.jsonl")
    assert "only by a      empathy\n" in done.out
    document = json.loads(ecrctl("score", "merge", "a.jsonl", "b.jsonl", "--output", "n.jsonl", "--json").out)
    assert document["partial"] == {"empathy": ["a"]}
    calibrated = ("score", "merge", "a.jsonl", "b.jsonl", "--output", "o.jsonl", "--method", "zscore")
    assert ecrctl(*calibrated).err.startswith(
        "error: 'empathy' has 0 items that all judges scored, too few to calibrate\n"
    )
    [pair] = json.loads(ecrctl("score", "agree", "a.jsonl", "b.jsonl", "--json", "--resamples", 100).out)["pairs"]
    assert [each["dimension"] for each in pair["dimensions"]] == ["overall"]


@pytest.mark.parametrize("width", [40, 80])
def test_tables_fit(ecrctl, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    for command in (("agree", "a.jsonl", "b.jsonl", "--resamples", 100), ("report", "a.jsonl", "b.jsonl")):
        shown = ecrctl("score", *command).out.splitlines()
        # Sentences are left to the terminal; tables are not.
        tables = [line for line in shown if not line.startswith(("95 %", "items", "rows", "failed"))]
        assert max(map(len, tables)) <= width
        assert any(line.startswith("overall") for line in tables)


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
