"""Labels on their way from a file of judgements to the heads: by name, in their own ranges, and split by dialogue."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_models import example

from ecr_engine.data.schema import Split
from ecr_engine.errors import DataError, UsageError
from ecr_engine.training.critic_labels import (
    Corpus,
    JudgedResponse,
    check_emotions,
    check_heads,
    judged_set,
    wanted_heads,
)


def corpus(dialogues=60):
    known = {}
    for place in range(dialogues):
        one = replace(example(f"{place}:1", "hello there"), emotions=("like",))
        known[one.example_id] = one
    return Corpus(known, frozenset(["3:1"]), Path("processed"))


def line(dialogue, scores, **more):
    raw = {
        "example_id": f"{dialogue}:1",
        "conversation_id": str(dialogue),
        "response": f"answer {dialogue}",
        "who": "reference",
        "scores": scores,
        "reasons": {},
        "failure": None,
        "judges": ["rubric"],
    }
    return json.dumps({**raw, **more}) + "\n"


def scores(dialogue):
    return {"empathy": dialogue / 100, "engagement": round(1 - dialogue / 100, 2), "overall": 0.5}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "judged.jsonl"
    path.write_text("".join(line(place, scores(place)) for place in range(60)))
    return path


def read(*files, **changes):
    return judged_set(files, corpus(), **{"validation_share": 0.2, "test_share": 0.2, **changes})


def by_dialogue(found):
    return {int(row.conversation_id): row for rows in found.parts.values() for row in rows}


def test_rows_become_examples_with_their_labels(file):
    found = read(file)
    assert (found.dimensions, found.judges, found.failed, found.of_test) == (
        ("empathy", "engagement"),
        ("rubric",),
        0,
        1,
    )
    rows = by_dialogue(found)
    assert len(rows) == 60
    assert rows[7] == JudgedResponse(
        "seeker: hello there", "answer 7", 0.5, {"empathy": 0.07, "engagement": 0.93}, ("like",), "7"
    )


def test_the_order_of_the_labels_in_a_file_is_no_matter(file, tmp_path):
    turned = tmp_path / "turned.jsonl"
    turned.write_text(
        "".join(line(place, dict(reversed(scores(place).items()))) for place in range(60)), encoding="utf-8"
    )
    assert read(turned) == read(file)


def test_no_dialogue_is_in_two_parts_and_a_dialogue_stays_where_it_is(file, tmp_path):
    more = tmp_path / "more.jsonl"
    # The same dialogues again, in another order: each joins its own.
    more.write_text("".join(line(place, scores(place)) for place in reversed(range(60))))
    once, twice = read(file), read(file, more)
    places = {split: {row.conversation_id for row in rows} for split, rows in twice.parts.items()}
    assert places == {split: {row.conversation_id for row in rows} for split, rows in once.parts.items()}
    assert sum(map(len, places.values())) == 60 and sum(map(len, twice.parts.values())) == 120
    assert not places[Split.TRAIN] & places[Split.TEST] and not places[Split.VALID] & places[Split.TEST]
    # A greater test part takes dialogues from train only.
    wider = read(file, test_share=0.4).parts
    assert {row.conversation_id for row in wider[Split.VALID]} == places[Split.VALID]
    assert {row.conversation_id for row in wider[Split.TEST]} > places[Split.TEST]


def test_scores_are_shares_of_their_range(tmp_path):
    names = (
        "emotional_intensity",
        "emotional_persuasiveness",
        "logic_persuasiveness",
        "informativeness",
        "lifelikeness",
    )
    path = tmp_path / "paper.jsonl"
    said = dict(zip(names, (0, 9, 4.5, 9, 9), strict=True))
    path.write_text("".join(line(place, said, dimensions="paper") for place in range(60)))
    found = read(path)
    row = by_dialogue(found)[5]
    assert row.quality == dict(zip(names, (0.0, 1.0, 0.5, 1.0, 1.0), strict=True))
    # Without a summary of its own, the judge's value is the mean of the dimensions.
    assert row.overall == pytest.approx(0.7)
    assert found.ranges["lifelikeness"] == (0.0, 9.0)


def test_failures_are_left_out_and_counted(file):
    with file.open("a") as handle:
        handle.write(line(5, {}, failure="no answer"))
    assert (read(file).failed, len(by_dialogue(read(file)))) == (1, 60)


def test_a_limit_takes_the_first_rows(file):
    assert set(by_dialogue(read(file, limit=50))) == set(range(50))


def problem_of(*files, **changes):
    with pytest.raises(DataError) as caught:
        read(*files, **changes)
    problem = caught.value.problems[0]
    return problem.what, problem.at, problem.fix


def test_a_row_with_other_labels_than_the_first(file):
    with file.open("a") as handle:
        handle.write(line(5, {"empathy": 0.5, "humour": 0.1, "overall": 0.5}))
    assert problem_of(file) == (
        f"the judgement lacks 'engagement' and has 'humour' more; the first one ({file}:1) has empathy, engagement, "
        "overall",
        f"{file}:61",
        "train on files with the same dimensions",
    )


def test_a_turn_that_is_not_in_the_data(file):
    with file.open("a") as handle:
        handle.write(line(99, scores(99)))
    assert problem_of(file) == (
        "the turn '99:1' that was judged is not in processed",
        f"{file}:61",
        "name the data that was judged: --data PROCESSED, or --run RUN",
    )


def test_too_few_dialogues(file):
    what, at, fix = problem_of(file, limit=1)
    assert what.startswith("too few judged dialogues to split: ")
    assert (at, fix) == (str(file), "judge more turns: --set judge.turns=200, or `ecrctl score run` on more")


def test_the_heads_that_settings_ask_for():
    assert wanted_heads("judged", ("a", "b")) == ("a", "b")
    assert wanted_heads(" b, a,", ("a", "b")) == ("b", "a")


@pytest.mark.parametrize(
    ("heads", "what", "fix"),
    [
        (
            ("empathy",),
            "the judged dimension 'engagement' has no head: the heads are empathy",
            "give it one: --set critic.dimensions=empathy,engagement",
        ),
        (
            ("empathy", "engagement", "engagment"),
            "the head 'engagment' has no label: the judged dimensions are empathy, engagement",
            "did you mean 'engagement'?",
        ),
        (
            ("empathy", "engagement", "empathy"),
            "there are two heads 'empathy'",
            "name each once: empathy, engagement",
        ),
    ],
)
def test_heads_and_labels_have_to_be_the_same(heads, what, fix):
    check_heads(("engagement", "empathy"), ("empathy", "engagement"))
    with pytest.raises(UsageError) as caught:
        check_heads(heads, ("empathy", "engagement"))
    problem = caught.value.problems[0]
    assert (problem.what, problem.at, problem.fix) == (what, "critic.dimensions", fix)


def test_an_emotion_without_a_head():
    row = JudgedResponse("", "", 0.5, {}, ("like", "joy"), "17")
    with pytest.raises(DataError) as caught:
        check_emotions(("like",), [row])
    problem = caught.value.problems[0]
    assert (problem.what, problem.at) == ("the emotion 'joy' of dialogue 17 has no head", "dialogue 17")
    assert problem.fix.startswith("annotate the data again with the nine: like, curious, ")
