"""The numbers of a corpus: hand-counted small ones, and the published table."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from processed_data import write_processed
from raw_redial import raw, write_source

from ecr_engine.data._distribution import Bin, distribution, histogram
from ecr_engine.data.process import process
from ecr_engine.data.statistics import PUBLISHED, statistics, to_json
from ecr_engine.errors import DataError

SHARED = Path(os.environ.get("ECR_SHARED", "../shared")) / "data" / "redial"


def answers(suggested, seen, liked):
    return {"suggested": suggested, "seen": seen, "liked": liked}


@pytest.fixture
def source(tmp_path):
    """Two training dialogues and one for tests."""
    first = raw(
        "1",
        [("S", "hi"), ("S", "I liked @1"), ("R", "see @2 or @3"), ("S", ""), ("S", "ok")],
        movieMentions={"1": "A (2001)", "2": "B (2002)", "3": "C (2003)", "4": "D (2004)"},
        initiatorQuestions={"1": answers(0, 1, 1), "2": answers(1, 0, 2), "3": answers(1, 2, 0)},
    )
    second = raw(
        "2",
        [("S", "hello you"), ("R", "try @1")],
        initiatorWorkerId=20,
        movieMentions={"1": "A (2001)"},
        initiatorQuestions={"1": answers(1, 1, 1)},
    )
    for message in second["messages"]:
        message["senderWorkerId"] = {7: 20}.get(message["senderWorkerId"], message["senderWorkerId"])
    third = raw("3", [("S", "a b c d"), ("R", "bye")])
    return write_source(tmp_path / "raw", train=[first, second, "{"], test=[third])


def test_the_published_numbers_check_each_other() -> None:
    # 16,278 + 35,421 = 16,516 + 31,694 + 3,489 = 2,556 + 41,998 + 7,145 = 51,699
    ways = (
        ("seeker mentioned", "recommender suggested"),
        ("not seen", "seen", "did not say (seen)"),
        ("disliked", "liked", "did not say (liked)"),
    )
    assert [sum(PUBLISHED[name] for name in way) for way in ways] == [51_699] * 3
    assert PUBLISHED["movie mentions"] == 51_699


def test_the_paper_s_table_leaves_the_test_split_out(source) -> None:
    rows = {row.what: row for row in statistics(source).paper}
    assert {name: row.here for name, row in rows.items()} == {
        "conversations": 2,
        "utterances": 7,
        "users": 3,
        "movie mentions": 4,
        "seeker mentioned": 1,
        "recommender suggested": 3,
        "not seen": 1,
        "seen": 2,
        "did not say (seen)": 1,
        "disliked": 1,
        "liked": 2,
        "did not say (liked)": 1,
    }
    # 4 mentions in 2 conversations are 2 each; the paper has 51,699 in 10,006.
    assert rows["movie mentions"].ratio == pytest.approx(2 / (51_699 / 10_006))
    assert rows["users"].ratio is None


def test_each_split_by_hand(source) -> None:
    found = statistics(source)
    train = found.splits["train"]
    # Turns: "hi I liked A (2001)", "see B (2002) or C (2003)", "ok"; "hello you", "try A (2001)".
    assert (train.counts.dialogues, train.counts.turns, train.counts.recommender_turns) == (2, 5, 2)
    assert train.turn_words.mean == pytest.approx((5 + 6 + 1 + 2 + 3) / 5)
    assert (train.turn_words.median, train.turn_words.p95) == (3, 6)
    assert (train.dialogue_turns.mean, train.dialogue_movies.mean, train.distinct_movies) == (2.5, 2.0, 3)
    assert (train.counts.messages, train.counts.joined_messages, train.counts.blank_messages) == (7, 1, 1)
    assert train.emotions is None
    assert found.overall.counts.dialogues == 3
    assert found.likes == {"liked": 2, "disliked": 1, "not said": 1}
    assert (found.read, found.skipped) == (4, 1)


def test_a_processed_folder_does_not_make_up_what_it_cant_know(source, tmp_path) -> None:
    process(source, tmp_path / "out", validation_share=0.0, test_share=0.0, skip_bad=True, form="redial")
    found = statistics(tmp_path / "out")
    rows = {row.what: row.here for row in found.paper}
    assert (found.form, rows["conversations"], rows["utterances"]) == ("processed", 2, 7)
    assert {rows[name] for name in PUBLISHED if name not in ("conversations", "utterances")} == {None}
    assert found.overall.turn_words.mean == statistics(source).overall.turn_words.mean
    assert (found.read, found.skipped) == (4, 1)
    assert len(found.fingerprint) == 64


def test_the_document_has_a_split_s_counts_beside_the_rest(source) -> None:
    train = to_json(statistics(source))["splits"]["train"]
    assert (train["recommender_turns"], train["distinct_movies"], train["turn_words"]["p95"]) == (2, 3, 6)


def test_a_source_of_test_dialogues_alone_is_compared_too(tmp_path) -> None:
    found = statistics(write_source(tmp_path, test=[raw("1")]))
    assert (found.paper[0].what, found.paper[0].here) == ("conversations", 1)


def test_nothing_to_count(tmp_path) -> None:
    with pytest.raises(DataError) as caught:
        statistics(write_source(tmp_path, train=["{"]), form="redial")
    problem = caught.value.problems[0]
    assert (problem.what, problem.at) == ("the data source holds no dialogue that can be read", str(tmp_path))
    assert problem.fix == f"see what is wrong with it: ecrctl data validate {tmp_path}"


def test_a_summary_that_was_edited_to_say_nothing(tmp_path) -> None:
    found = statistics(write_processed(tmp_path / "p"))
    assert [(row.what, row.here) for row in found.paper[:2]] == [("conversations", 0), ("utterances", 0)]
    assert {row.ratio for row in found.paper} == {None}


def test_percentiles_are_numbers_that_occur() -> None:
    found = distribution(Counter(range(1, 101)))
    assert (found.mean, found.median, found.p95, found.largest) == (50.5, 50, 95, 100)
    assert distribution(Counter({7: 1})).p95 == 7
    assert distribution(Counter()).mean == 0.0


def test_a_histogram_has_round_bars_and_an_open_end() -> None:
    few = histogram(Counter({3: 2, 5: 1}))
    assert few == (Bin(3, 3, 2), Bin(4, 4, 0), Bin(5, 5, 1))
    # 1 to 99 once each and a far one: 99 % lie at or below 99, in ten bars of ten.
    many = histogram(Counter([*range(1, 100), 100_000]))
    assert many[0] == Bin(0, 9, 9)
    assert many[-1] == Bin(100, None, 1)
    assert [bar.count for bar in many[1:-1]] == [10] * 9
    assert histogram(Counter()) == ()


@pytest.mark.skipif(not SHARED.is_dir(), reason="real ReDial dialogues are not at hand")
def test_real_dialogues_have_the_published_rates() -> None:
    rows = {row.what: row for row in statistics(SHARED, form="redial").paper}
    assert rows["conversations"].here == 1550
    by_form = list(PUBLISHED)[3:]
    assert all(0.9 < rows[name].ratio < 1.1 for name in by_form), [rows[name].ratio for name in by_form]
