"""Agreement of judges: numbers worked out by hand, and beside scipy's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from judged import GUIDE, judged_row, write_file
from scipy import stats

from ecr_engine.errors import DataError, UsageError
from ecr_engine.scoring.agreement import agreement, nearest_ratings
from ecr_engine.scoring.compare_judges import compare_judges
from ecr_engine.scoring.dimensions import dimension_set
from ecr_engine.scoring.items import read_files
from ecr_engine.scoring.labels import parse_scale

RATINGS = {1: 0.0, 2: 0.25, 3: 0.5, 4: 0.75, 5: 1.0}


def files(tmp_path, a, b, dialogues=None):
    names = [f"{n if dialogues is None else dialogues[n]}:{n}" for n in range(len(a))]
    paths = [
        write_file(
            tmp_path / f"{judge}.jsonl",
            [judged_row(name, {"overall": s}, judge=judge) for name, s in zip(names, scores, strict=True)],
        )
        for judge, scores in (("a", a), ("b", b))
    ]
    return read_files(paths)


def test_kappa_and_limits_by_hand(tmp_path):
    # Ratings (1, 1), (2, 3), (3, 3), (4, 2). Squares of differences: 0, 1, 0, 4: 5 in all. By chance, over the 16 pairs
    # of an a of 1, 2, 3, 4 with a b of 1, 3, 3, 2: 1 to them 0 4 4 1, 2: 1 1 1 0, 3: 4 0 0 1, 4: 9 1 1 4: 32 / 4 = 8.
    # kappa = 1 - 5/8. The differences b - a are 0, .25, 0, -.5: mean -.0625, squares of deviations .0039 + .0977 +
    # .0039 + .1914 = .296875, sd = sqrt(.296875 / 3) = .314576.
    a, b = [RATINGS[r] for r in (1, 2, 3, 4)], [RATINGS[r] for r in (1, 3, 3, 2)]
    [found] = agreement(*files(tmp_path, a, b)).dimensions
    assert found.kappa.value == pytest.approx(0.375)
    assert found.difference.value == pytest.approx(-0.0625)
    assert found.low_limit.value == pytest.approx(-0.0625 - 1.959964 * 0.314576, abs=1e-6)
    assert found.high_limit.value == pytest.approx(-0.0625 + 1.959964 * 0.314576, abs=1e-6)
    assert (found.items, found.mean_a, found.mean_b) == (4, 0.375, 0.3125)


def test_correlations_are_those_of_scipy(tmp_path):
    rng = np.random.default_rng(3)
    a = np.round(rng.random(200), 1)
    b = np.clip(np.round(a + rng.normal(0, 0.2, 200), 1), 0, 1)
    [found] = agreement(*files(tmp_path, a.tolist(), b.tolist())).dimensions
    assert found.pearson.value == pytest.approx(stats.pearsonr(a, b).statistic)
    assert found.spearman.value == pytest.approx(stats.spearmanr(a, b).statistic)
    # With a dialogue for each item, the bootstrap is near Fisher's interval.
    low, high = stats.pearsonr(a, b).confidence_interval()
    assert found.pearson.interval == (pytest.approx(low, abs=0.02), pytest.approx(high, abs=0.02))
    gaps = b - a
    reach = 1.96 * gaps.std(ddof=1) / math.sqrt(200)
    assert found.difference.interval == (
        pytest.approx(gaps.mean() - reach, abs=0.004),
        pytest.approx(gaps.mean() + reach, abs=0.004),
    )


def test_intervals_draw_dialogues(tmp_path):
    # 400 items in 10 dialogues that each agree with themselves: as good as 10 items.
    rng = np.random.default_rng(5)
    gaps = np.repeat(rng.normal(0.1, 0.05, 10), 40)
    a = np.full(400, 0.4)
    whole = agreement(*files(tmp_path, a.tolist(), (a + gaps).tolist(), [n // 40 for n in range(400)])).dimensions[0]
    single = agreement(*files(tmp_path, a.tolist(), (a + gaps).tolist())).dimensions[0]
    width = [each.difference.interval[1] - each.difference.interval[0] for each in (whole, single)]
    assert width[0] / width[1] == pytest.approx(math.sqrt(40), rel=0.25)


def test_what_does_not_exist_is_none(tmp_path):
    [found] = agreement(*files(tmp_path, [0.5, 0.5], [0.5, 0.5])).dimensions
    assert (found.pearson.value, found.spearman.value, found.kappa.value) == (None, None, None)
    assert found.difference.value == 0.0
    [found] = agreement(*files(tmp_path, [0.5], [0.7])).dimensions
    assert (found.difference.value, found.difference.interval, found.low_limit.value) == (
        pytest.approx(0.2),
        None,
        None,
    )


def test_perfect_agreement(tmp_path):
    scores = [0.0, 0.3, 0.6, 1.0]
    [found] = agreement(*files(tmp_path, scores, scores)).dimensions
    assert [found.pearson.value, found.spearman.value, found.kappa.value] == pytest.approx([1.0, 1.0, 1.0])
    assert found.kappa.interval == (pytest.approx(1.0), pytest.approx(1.0))


def test_scores_go_to_their_nearest_rating():
    found = nearest_ratings(np.array([0.0, 0.124, 0.125, 0.5, 0.874, 0.875, 1.0]), "overall", GUIDE)
    assert found.tolist() == [1, 1, 2, 3, 4, 5, 5]
    paper = dimension_set("paper")
    assert nearest_ratings(np.array([0.0, 4.4, 4.5, 9.0]), "lifelikeness", paper).tolist() == [0, 4, 5, 9]


def test_what_is_in_one_file_only_is_counted(tmp_path):
    a = [judged_row(f"{n}:1", {"overall": 0.1 * n}) for n in range(5)] + [judged_row("5:1", {}, failure="no")]
    b = [judged_row(f"{n}:1", {"overall": 0.1 * n}, judge="b") for n in range(3, 9)]
    one, other = read_files([write_file(tmp_path / "a.jsonl", a), write_file(tmp_path / "b.jsonl", b)])
    found = agreement(one, other)
    assert (found.both, found.only_a, found.only_b, found.unscored) == (3, 3, 3, 1)
    assert found.dimensions[0].items == 2


@pytest.fixture
def judged(tmp_path):
    rows = [judged_row(f"{n}:1", {"overall": n / 4, "empathy": 0.5}, response="w " * n) for n in range(5)]
    return write_file(tmp_path / "j.jsonl", rows)


def compared(judged, tmp_path, text, columns=("overall",), **how):
    path = tmp_path / "labels.csv"
    path.write_text(text, encoding="utf-8")
    return compare_judges([judged], human=path, columns=columns, resamples=100, seed=0, **how)


def test_labels_of_people(judged, tmp_path):
    # Labels 1 to 5 are 0 to 1; item 3 was given a 3 and a 5: 4, so .75. Item 9 was not judged, item 4 has no label.
    text = "example_id,stars\n0:1,1\n1:1,2\n2:1,2\n3:1,3\n3:1,5\n4:1,\n9:1,5\n"
    [pair] = compared(judged, tmp_path, text, ("stars=overall",), scale=(1, 5)).pairs
    assert (pair.a, pair.both, pair.only_a, pair.only_b) == ("a", 4, 1, 1)
    [found] = pair.dimensions
    assert found.items == 4
    # a: 0 .25 .5 .75, people: 0 .25 .25 .75.
    assert found.difference.value == pytest.approx(-0.0625)
    assert found.pearson.value == pytest.approx(stats.pearsonr([0, 1, 2, 3], [0, 1, 1, 3]).statistic)


def test_length_is_reported(judged, tmp_path):
    [length] = compared(judged, tmp_path, "example_id,overall\n0:1,0\n1:1,1\n").length
    found = {each.dimension: each.spearman for each in length.dimensions}
    assert found == {"overall": pytest.approx(1.0), "empathy": None}


NO_NUMBER = "the label '{}' in column 'overall' is no number from 0 to 1"


@pytest.mark.parametrize(
    ("text", "what", "at"),
    [
        ("example_id,overall\n0:1,1\n1:1,7\n", NO_NUMBER.format("7"), ":3"),
        ("example_id,overall\n0:1,good\n", NO_NUMBER.format("good"), ":2"),
        ("example_id,overall\n0:1,nan\n", NO_NUMBER.format("nan"), ":2"),
        ("id,overall\n0:1,1\n", "the labels have no column 'example_id'", ":1"),
        ("example_id,stars\n0:1,1\n", "the labels have no column 'overall'", ":1"),
        ("example_id,overall\n", "the file has no labels", ""),
    ],
)
def test_labels_that_are_none(judged, tmp_path, text, what, at):
    with pytest.raises(DataError) as caught:
        compared(judged, tmp_path, text)
    [problem] = caught.value.problems
    assert (problem.what, problem.at) == (what, f"{tmp_path / 'labels.csv'}{at}")


def test_a_label_that_could_be_of_several_responses(tmp_path):
    rows = [judged_row("0:1", {"overall": 0.5}, who=who, response=who) for who in ("baseline", "policy")]
    judged = write_file(tmp_path / "j.jsonl", rows)
    with pytest.raises(DataError) as caught:
        compared(judged, tmp_path, "example_id,overall\n0:1,1\n")
    [problem] = caught.value.problems
    assert problem.what == "the label of '0:1' could be of several responses"
    assert problem.fix == "add a column `who` that says whose response was labelled"
    text = "\ufeffexample_id,who,overall\n0:1,policy,1\n"
    [pair] = compared(judged, tmp_path, text).pairs
    assert (pair.both, pair.only_a) == (1, 1)


def test_wrong_questions(judged, tmp_path):
    def refused(kind, call):
        with pytest.raises(kind) as caught:
            call()
        return caught.value.problems[0].what

    assert refused(UsageError, lambda: compare_judges([judged], resamples=100, seed=0)) == (
        "one judge alone can't be compared"
    )
    assert refused(UsageError, lambda: compared(judged, tmp_path, "", ("stars",))) == (
        "the dimensions 'guide' have no 'stars'"
    )
    assert refused(UsageError, lambda: compared(judged, tmp_path, "", ("overall", "x=overall"))) == (
        "two columns for 'overall'"
    )
    assert refused(UsageError, lambda: parse_scale("5:1")) == "'5:1' is no scale"
    other = write_file(tmp_path / "o.jsonl", [judged_row("77:1", {"overall": 0.5}, judge="b")])
    assert refused(DataError, lambda: compare_judges([judged, other], resamples=100, seed=0)) == (
        "the two have no response in common"
    )
    missing = lambda: compare_judges(  # noqa: E731
        [judged], human=tmp_path / "no.csv", columns=("overall",), resamples=100, seed=0
    )
    assert refused(DataError, missing) == f"there is no file '{tmp_path / 'no.csv'}'"
