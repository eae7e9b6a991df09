"""Merging judges; numbers worked out by hand."""

from __future__ import annotations

import pytest
from judged import judged_row, write_file

from ecr_engine.errors import DataError, UsageError
from ecr_engine.scoring.merge import Level, merge_files
from ecr_engine.scoring.store import read_judgements

A = [0.2, 0.4, 0.6]
B = [0.6, 0.7, 0.8]


@pytest.fixture
def files(tmp_path):
    """Judge a has items 0, 1, 2; b has 3, 2, 1, 0 and fails on 4, which a could not score either."""
    a = [judged_row(f"{n}:1", {"overall": score}) for n, score in enumerate(A)]
    a.append(judged_row("4:1", {}, failure="it refused"))
    b = [judged_row("3:1", {"overall": 0.9}, judge="b")]
    b += [judged_row(f"{n}:1", {"overall": B[n]}, judge="b", who="another name") for n in (2, 1, 0)]
    b.append(judged_row("4:1", {}, judge="b", failure="it broke"))
    return [write_file(tmp_path / "a.jsonl", a), write_file(tmp_path / "b.jsonl", b)]


def merged(files, tmp_path, **how):
    output = tmp_path / "merged.jsonl"
    summary = merge_files(files, output, **how)
    return summary, {row.example_id: row for row in read_judgements(output)}


def test_the_mean_of_what_there_is(files, tmp_path):
    summary, rows = merged(files, tmp_path)
    assert list(rows) == ["0:1", "1:1", "2:1", "4:1", "3:1"]
    scores = [rows[f"{n}:1"].judgement.scores.get("overall") for n in range(5)]
    assert scores[:4] == pytest.approx([0.4, 0.55, 0.7, 0.9])
    assert rows["4:1"].judgement.failure == "no judge scored it"
    assert (rows["0:1"].judges, rows["3:1"].judges, rows["0:1"].dimensions) == (("a", "b"), ("b",), "guide")
    assert rows["0:1"].judgement.reasons == {"overall": "a 0.2, b 0.6"}
    assert (summary.items, summary.by_judges, summary.failed) == (5, {"2": 3, "1": 1, "0": 1}, 1)
    assert summary.lacking == {"a": 2, "b": 1}
    assert summary.means == {"overall": pytest.approx((0.4 + 0.55 + 0.7 + 0.9) / 4)}


def test_z_scores_put_back_on_the_scale(files, tmp_path):
    summary, rows = merged(files, tmp_path, method="zscore")
    # Over the three shared items: a has mean .4 and sd .2, b .7 and .1; so the scale is .55 ± .15. All three are at
    # -1, 0 and 1 for both; item 3 is at (.9 - .7)/.1 = 2 for b alone.
    assert summary.levels["a"]["overall"] == Level(pytest.approx(0.4), pytest.approx(0.2))
    assert summary.levels["b"]["overall"] == Level(pytest.approx(0.7), pytest.approx(0.1))
    scores = [rows[f"{n}:1"].judgement.scores["overall"] for n in range(4)]
    assert scores == pytest.approx([0.4, 0.55, 0.7, 0.85])
    assert summary.clipped == 0


def test_what_leaves_the_scale_is_put_on_its_end(tmp_path):
    a = [judged_row(f"{n}:1", {"overall": s}) for n, s in enumerate([0.8, 0.9, 1.0])]
    b = [judged_row(f"{n}:1", {"overall": s}, judge="b") for n, s in enumerate([0.2, 0.5, 0.8, 1.0])]
    files = [write_file(tmp_path / "a.jsonl", a), write_file(tmp_path / "b.jsonl", b)]
    summary, rows = merged(files, tmp_path, method="zscore")
    # The scale is (.9 + .5)/2 = .7 ± (.1 + .3)/2 = .2; item 3 is at (1 - .5)/.3 for b alone: 1.033.
    assert rows["2:1"].judgement.scores["overall"] == pytest.approx(0.9)
    assert rows["3:1"].judgement.scores["overall"] == 1.0
    assert summary.clipped == 1


def test_a_judge_without_an_opinion_moves_nothing(tmp_path):
    a = write_file(tmp_path / "a.jsonl", [judged_row(f"{n}:1", {"overall": 0.5}) for n in range(3)])
    b = [judged_row(f"{n}:1", {"overall": s}, judge="b") for n, s in enumerate([0.1, 0.3, 0.5])]
    _, rows = merged([a, write_file(tmp_path / "b.jsonl", b)], tmp_path, method="zscore")
    # Scale: (.5 + .3)/2 ± (0 + .2)/2; distances are half of b's.
    assert [row.judgement.scores["overall"] for row in rows.values()] == pytest.approx([0.35, 0.4, 0.45])


def test_items_that_not_all_scored_can_be_failures(files, tmp_path):
    summary, rows = merged(files, tmp_path, missing="fail")
    assert rows["3:1"].judgement.failure == "not all judges scored it: a did not"
    assert (summary.failed, summary.by_judges["1"]) == (2, 1)


def test_one_response_given_twice_is_two_items(tmp_path):
    twice = [judged_row("1:1", {"overall": s}, who=who) for s, who in ((0.2, "baseline"), (0.4, "policy"))]
    other = [judged_row("1:1", {"overall": s}, judge="b") for s in (0.4, 0.8)]
    files = [write_file(tmp_path / "a.jsonl", twice), write_file(tmp_path / "b.jsonl", other)]
    merge_files(files, tmp_path / "m.jsonl")
    found = [(row.who, row.judgement.scores["overall"]) for row in read_judgements(tmp_path / "m.jsonl")]
    assert found == [("baseline", pytest.approx(0.3)), ("policy", pytest.approx(0.6))]


def test_what_cannot_be_merged(files, tmp_path):
    def refused(kind, *arguments, **how):
        with pytest.raises(kind) as caught:
            merge_files(*arguments, **how)
        [problem] = caught.value.problems
        return problem.what, problem.fix

    out = tmp_path / "m.jsonl"
    assert refused(UsageError, files[:1], out) == (
        "one file alone can't be merged",
        "name the files of two judges or more",
    )
    assert refused(UsageError, [files[0], files[0]], out)[0] == f"'{files[0]}' is named twice"
    assert refused(UsageError, files, files[0])[0] == f"'{files[0]}' is there already"
    paper = write_file(tmp_path / "p.jsonl", [judged_row("1:1", {"lifelikeness": 7.5}, dimensions="paper")])
    assert refused(UsageError, [files[0], paper], out) == (
        f"'{files[0]}' is on the dimensions 'guide', '{paper}' on 'paper'",
        "judge both with the same --dimensions",
    )
    one = write_file(tmp_path / "one.jsonl", [judged_row("0:1", {"overall": 0.5}, judge="c")])
    assert refused(DataError, [files[0], one], out, method="zscore") == (
        "'overall' has 1 items that all judges scored, too few to calibrate",
        "judge the same responses with all judges, or take --method mean",
    )
    (tmp_path / "empty.jsonl").write_text("", encoding="utf-8")
    assert refused(DataError, [files[0], tmp_path / "empty.jsonl"], out)[0] == "the file has no judgements"
    mixed = write_file(
        tmp_path / "x.jsonl",
        [judged_row("0:1", {"overall": 0.5}), judged_row("0:1", {"lifelikeness": 5}, dimensions="paper")],
    )
    assert refused(DataError, [files[0], mixed], out)[0] == (
        "the row is on the dimensions 'paper', the first one on 'guide'"
    )
    assert not out.exists()


def test_scores_of_the_paper_are_read_in_their_range(tmp_path):
    path = write_file(tmp_path / "p.jsonl", [judged_row("1:1", {"lifelikeness": 7.5}, dimensions="paper")])
    assert next(read_judgements(path)).judgement.scores == {"lifelikeness": 7.5}
    text = path.read_text(encoding="utf-8")
    for old, new, what in (
        ("7.5", "9.5", "the score 9.5 is not in [0, 9]"),
        ('"paper"', '"papre"', "there are no dimensions 'papre'"),
        ("lifelikeness", "charm", "the dimensions 'paper' have no 'charm'"),
    ):
        path.write_text(text.replace(old, new), encoding="utf-8")
        with pytest.raises(DataError) as caught:
            next(read_judgements(path))
        assert caught.value.problems[0].what == f"the line is not a judgement: {what}"
