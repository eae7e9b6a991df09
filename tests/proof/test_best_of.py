"""The best of several answers: what is chosen, by what, and that nothing else decides."""

from __future__ import annotations

import shutil
import sys

import pytest
from best_of import best_places, choose, choose_both, read_answers, without_reference
from best_of import main as best_of_main
from proof_answers import write_answers

from ecr_engine.data.process import process
from ecr_engine.data.sample import write_sample
from ecr_engine.data.schema import Split
from ecr_engine.data.store import read_examples, split_path
from ecr_engine.errors import DataError
from ecr_engine.evaluation.store import read_evaluation
from ecr_engine.rewards.composition import Composer
from ecr_engine.rewards.resources import Resources

SAID = (
    "I am so happy to hear that! Have you seen <movie>?",
    "no",
    "What kind of movies do you like?",
    "<movie> <movie> <movie> <movie>",
)
"""What each of four systems of one mind says to everyone."""


@pytest.fixture(scope="module")
def proof(tmp_path_factory):
    """A proof folder: the data of a run, settings of the RL, and four answers to each test turn."""
    out = tmp_path_factory.mktemp("proof")
    write_sample(out / "raw", dialogues=60, movies=40, seed=0)
    process(out / "raw", out / "base" / "data", validation_share=0.1, test_share=0.2, skip_bad=False)
    examples = read_examples(split_path(out / "base" / "data", Split.TEST))
    for place, text in enumerate(SAID):
        write_answers(out / "answers" / str(place), examples, [text] * len(examples), seed=place + 1)
    (out / "policy.toml").write_text("[rewards]\nbleu = 6.0\nrelevance = 1.0\n", encoding="utf-8")
    return out


def folders(proof):
    return [proof / "answers" / str(place) for place in range(4)]


def test_of_equal_answers_the_first_is_the_best():
    assert best_places([[0.5, 0.2, 0.3], [0.5, 0.4, 0.1], [0.1, 0.4, 0.3]]) == [0, 1, 0]


def test_without_a_reference_what_compares_with_it_does_not_apply(proof):
    [one] = [row.sample for row in read_evaluation(proof / "answers" / "0")[1]][:1]
    assert one.example.target
    weights = {"bleu": 6.0, "recommendation": 3.0, "slot_recall": 1.0, "distinct": 1.0}
    found = Composer(weights, resources=Resources()).score([without_reference(one)])
    assert [found.components[name] for name in ("bleu", "recommendation", "slot_recall")] == [(None,)] * 3
    # What is left weighs everything.
    assert found.total == found.components["distinct"]


def test_an_oracle_sees_the_reference_and_a_blind_choice_does_not(proof):
    answers = read_answers(folders(proof))
    composer = Composer({"recommendation": 1.0}, resources=Resources())
    seen = choose(answers, composer, blind=False)
    for sample in seen:
        slots = sample.example.target.count("<movie>")
        # Four slots agree best with more than two; one with one or two; of the answers without any, the first is it.
        assert sample.response == (SAID[1] if slots == 0 else SAID[0] if slots < 3 else SAID[3])
    # Nothing applies, so all are equal.
    assert {sample.response for sample in choose(answers, composer, blind=True)} == {SAID[0]}


def test_the_order_of_the_answers_does_not_matter(proof):
    composer = Composer({"bleu": 2.0, "distinct": 1.0, "empathy": 1.0}, resources=Resources())
    first = choose(read_answers(folders(proof)), composer, blind=False)
    second = choose(read_answers(folders(proof)[::-1]), composer, blind=False)
    assert [sample.response for sample in first] == [sample.response for sample in second]
    assert len({sample.response for sample in first}) > 1


def test_both_are_written_and_measured_with_the_corpus_of_the_run(proof):
    told = choose_both(proof)
    best, best_rows = read_evaluation(proof / "test" / "best-of-4")
    free, free_rows = read_evaluation(proof / "test" / "best-of-4-free")
    assert (best.name, free.name) == ("best-of-4", "best-of-4-free")
    assert best.checkpoint == "base:baseline"
    for result in (best, free):
        # It needs the dialogues of the run.
        assert 0 < result.metrics["reward/relevance"].value < 1
    each = [read_evaluation(folder)[1] for folder in folders(proof)]
    assert {row.sample.response for row in best_rows} | {row.sample.response for row in free_rows} <= set(SAID)
    assert len(best_rows) == len(each[0])
    lines = told.splitlines()
    alone, oracle, blind = (float(line.rsplit(" ", 1)[1]) for line in lines)
    assert [line.split(":")[0] for line in lines] == ["all answers", "best-of-4", "best-of-4-free"]
    assert oracle > blind > alone
    assert oracle == pytest.approx(best.metrics["reward"].value, abs=1e-4)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"checkpoint": "other:baseline"}, "they are of other:baseline, the first ones of base:baseline"),
        ({"decoding": {"temperature": 1.0}}, "prompts or decoding differ from those of the first ones"),
        ({"seed": 1}, "seed 1 is there twice"),
    ],
    ids=["checkpoint", "decoding", "seed"],
)
def test_answers_that_do_not_belong_together_are_refused(proof, tmp_path, change, what):
    examples = [row.sample.example for row in read_evaluation(proof / "answers" / "0")[1]]
    other = write_answers(tmp_path / "other", examples, ["no"] * len(examples), **{"seed": 9, **change})
    with pytest.raises(DataError) as caught:
        read_answers([proof / "answers" / "0", other])
    assert str(caught.value) == f"these answers can't be chosen from: {what}"
    assert caught.value.problems[0].fix == "answer again: python benchmarks/proof/run.py --until best-of"


def test_answers_to_other_turns_are_refused(proof, tmp_path):
    examples = [row.sample.example for row in read_evaluation(proof / "answers" / "0")[1]][:-1]
    other = write_answers(tmp_path / "other", examples, ["no"] * len(examples), seed=9)
    with pytest.raises(DataError, match="the turns differ from those of the first ones"):
        read_answers([proof / "answers" / "0", other])


def test_from_the_command_line(proof, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "argv", ["best_of.py", str(tmp_path / "none")])
    with pytest.raises(SystemExit):
        best_of_main()
    assert "make one with python benchmarks/proof/run.py" in capsys.readouterr().err
    broken = tmp_path / "broken"
    shutil.copytree(proof, broken)
    shutil.rmtree(broken / "answers" / "2")
    monkeypatch.setattr(sys, "argv", ["best_of.py", str(broken)])
    with pytest.raises(SystemExit) as caught:
        best_of_main()
    assert caught.value.code == 3
    assert str(broken / "answers" / "2") in capsys.readouterr().err
