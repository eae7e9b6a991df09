"""Hits on what the seeker liked, with numbers by hand."""

from __future__ import annotations

import json
import shutil
import sys

import numpy as np
import pytest
from hits import BASELINE, MEASURES, Turns, compare, measure, measures, read_turns, slots_of, sums, wanted
from hits import main as hits_main
from hits_recommender import fit
from proof_answers import write_answers

from ecr_engine.data.schema import Example, Item, Role, Split, Turn
from ecr_engine.data.store import split_path, write_examples
from ecr_engine.errors import DataError


def example(dialogue, number=1, *, items=(), mentioned=(), reply=()):
    """A turn; `items` are ids that the seeker liked, or with a minus before them ids that they did not."""
    named = tuple(Item(one.lstrip("-"), one, liked=not one.startswith("-")) for one in items)
    slots = " ".join(["<movie>"] * len(reply))
    said = Turn(Role.SEEKER, slots, slots, items=tuple(reply)) if reply else None
    turns = (Turn(Role.SEEKER, "hi", "hi"),)
    target = " or ".join(["<movie>"] * len(items)) or "no"
    return Example(f"{dialogue}:{number}", dialogue, number, turns, target, named, tuple(mentioned), (), "x", 1, said)


# Baskets: {a, b}, {a, b, c}, {a}.
TRAIN = [
    example("1", items=("a",), reply=("b",)),
    example("2", items=("-b",), mentioned=("a",)),
    example("2", 3, items=("c",), mentioned=("a", "b")),
    example("3", mentioned=("a",)),
]


def test_the_recommender_by_hand():
    made = fit(TRAIN)
    assert made.items == ("a", "b", "c")
    # Three dialogues name a, two of them b and one of them c; 5 are added to the three. Popularity on top.
    assert made.scores(["a"]) == pytest.approx([3 / 8 + 3 / 3, 2 / 8 + 2 / 3, 1 / 8 + 1 / 3])
    assert made.scores([]) == pytest.approx([1.0, 2 / 3, 1 / 3])
    assert made.scores(["c", "never named"]) == pytest.approx([1 / 12 + 1, 1 / 12 + 2 / 3, 1 / 12 + 1 / 3])
    assert made.best(["a"], 10) == ("b", "c")
    assert made.best([], 1) == ("a",)


def test_wanted_are_movies_that_are_liked_and_new():
    assert wanted(example("1", items=("a", "b", "-c"), mentioned=("b",))) == {"a"}


def test_what_would_be_named_and_whether_it_is_liked():
    answered = [
        example("8", items=("b",), mentioned=("a",)),
        example("8", 3, items=("c",), mentioned=("a",)),
        example("9", items=("-c",)),
        example("9", 3),
    ]
    turns = read_turns(fit(TRAIN), answered)
    assert turns.counts.tolist() == [1, 1, 0, 0]
    assert turns.first.tolist() == [1, 0, 0, 0]
    assert turns.among.tolist() == [1, 1, 0, 0]
    assert turns.named.tolist() == [1, 1, 1, 0]


def turns_of(*, first, among, counts, named):
    answered = tuple(example(str(place)) for place in range(len(first)))
    return Turns(answered, *(np.array(part, dtype=float) for part in (counts, named, first, among)))


FOUR = turns_of(first=[1, 0, 0, 0], among=[1, 1, 0, 0], counts=[1, 1, 1, 0], named=[1, 1, 1, 0])


def test_measures_by_hand():
    slots = slots_of([["<movie>", "no", "<movie>", "<movie>"], ["<movie>", "<movie>", "no", "no"]])
    assert slots.tolist() == [1.0, 0.5, 0.5, 0.5]
    found = dict(zip(MEASURES, measures(sums(FOUR, slots).sum(axis=0)), strict=True))
    assert found == pytest.approx(
        {
            "hit@1": 1 / 3,
            "hit@10": 1.5 / 3,
            "slot_precision": 2 / 2.5,
            "slot_recall": 2 / 3,
            "slot_f1": 4 / 5.5,
            "slot_rate": 2.5 / 4,
        }
    )


def test_nothing_to_divide_by_is_no_number():
    silent = compare(FOUR, {BASELINE: np.zeros(4), "policy": np.zeros(4)}, resamples=20)["policy"]
    assert silent["slot_precision"] is None
    assert silent["slot_precision change"] is None
    assert silent["slot_precision interval"] is None


def test_equal_sides_differ_by_exactly_nothing():
    slots = np.array([1.0, 0.0, 0.5, 1.0])
    found = compare(FOUR, {BASELINE: slots, "policy": slots.copy()}, resamples=200)
    assert "hit@1 change" not in found[BASELINE]
    assert found["policy"]["slot_rate change"] == 0.0
    assert found["policy"]["slot_rate interval"] == [0.0, 0.0]
    assert found["policy"]["hit@1 interval"] == [0.0, 0.0]


def test_dialogues_are_drawn_whole():
    # One dialogue gained everything, the other nothing: of two draws both, one or none is the first.
    answered = tuple(example("1" if place < 4 else "2", place) for place in range(8))
    ones = np.ones(8)
    turns = Turns(answered, ones, ones, ones, ones)
    found = compare(turns, {BASELINE: np.zeros(8), "policy": np.array([1.0] * 4 + [0.0] * 4)}, resamples=4000)["policy"]
    assert found["slot_rate change"] == 0.5
    assert found["slot_rate interval"] == [0.0, 1.0]


@pytest.fixture
def proof(tmp_path):
    answered = [example("8", items=("b",), mentioned=("a",)), example("9", items=("c",), mentioned=("b",))]
    (tmp_path / "base" / "data").mkdir(parents=True)
    write_examples(split_path(tmp_path / "base" / "data", Split.TRAIN), TRAIN)
    for name, responses in {
        "baseline": ["no", "no"],
        "policy-0": ["<movie>", "no"],
        "policy-1": ["<movie>", "<movie>"],
        "policy-2": ["<movie>", "no"],
    }.items():
        write_answers(tmp_path / "test" / name, answered, responses)
    return tmp_path


def test_seeds_are_one_side_and_each_its_own(proof, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["hits.py", str(proof)])
    hits_main()
    told = json.loads((proof / "hits.json").read_text())
    assert told["turns"] == 2
    assert told["turns that hits are counted over"] == 2
    assert told["baseline"]["hit@10"] == 0.0
    # Among the ten best both are named; the second turn has a slot with one seed of three.
    assert told["policy"]["hit@10"] == pytest.approx((1 + 1 / 3) / 2)
    assert told["policy-1"]["hit@10"] == 1.0
    assert told["policy"]["slot_rate change"] == pytest.approx(2 / 3)
    assert told["a slot in every response"]["hit@10"] == 1.0
    assert "policy-1" in capsys.readouterr().out


def test_answers_to_other_turns_are_refused(proof):
    answered = [example("8", items=("b",), mentioned=("a",)), example("7")]
    write_answers(proof / "test" / "longer", answered, ["no", "no"])
    with pytest.raises(DataError) as caught:
        measure(proof)
    assert str(caught.value) == "an evaluation answers other turns than the baseline's"
    assert caught.value.problems[0].fix == "evaluate both on the same split, without --limit"


def test_a_baseline_without_turns_is_refused(proof):
    for name in ("baseline", "policy-0", "policy-1", "policy-2"):
        shutil.rmtree(proof / "test" / name)
        write_answers(proof / "test" / name, [], [])
    with pytest.raises(DataError) as caught:
        measure(proof)
    assert str(caught.value) == "the baseline's evaluation has no turns"
    assert caught.value.problems[0].fix == "make it again: python benchmarks/proof/run.py --until test-baseline"


def test_a_folder_that_is_not_there_is_refused(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["hits.py", str(tmp_path / "none")])
    with pytest.raises(SystemExit):
        hits_main()
    assert "make one with python benchmarks/proof/run.py" in capsys.readouterr().err


def test_the_reference_with_no_new_liked_movie_counts_for_slots_alone():
    turns = read_turns(fit(TRAIN), [example("8", items=("a",), mentioned=("a",))])
    assert (turns.counts.tolist(), turns.named.tolist()) == ([0.0], [1.0])
