"""`ecrctl runs show --samples`: rollouts and evaluated responses, sorted by any score, filtered by an emotion."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ecr_engine.data.schema import Example, Role, Sample, Turn
from ecr_engine.data.store import write_examples
from ecr_engine.evaluation.store import SCHEMA, EvaluationResult, write_evaluation
from ecr_engine.evaluation.values import MetricValue
from ecr_engine.runs.events import EventLog
from ecr_engine.runs.folder import RunFolder
from ecr_engine.runs.record import RunRecord

ANSWERS = (("one two three", 0.25, 0.5), ("one", 0.75, 0.0), ("one two", 0.5, 1.0))
"""Responses with their reward and their empathy."""
FELT = (("negative",), ("happy", "like"), ("negative", "neutral"))


def example(number: int) -> Example:
    return Example(
        example_id=f"7:{number}",
        conversation_id="7",
        turn=number,
        context=(Turn(Role.RECOMMENDER, "hello", "hello"), Turn(Role.SEEKER, f"I feel {number}", f"I feel {number}")),
        target="a reference",
        items=(),
        mentioned=(),
        emotions=FELT[number],
        source="train_data.jsonl",
        line=1,
    )


@pytest.fixture
def run(tmp_path) -> Path:
    """A run with three rollouts, and an evaluation of one more response than that."""
    folder = RunFolder(tmp_path / "demo")
    folder.create()
    folder.write_record(RunRecord(("ecrctl", "run"), 0, None, {}, {}, None, (), started=1.0, status="done"))
    write_examples(folder.data / "train.jsonl", [example(number) for number in range(3)])
    log = EventLog(folder.events)
    for number, (response, reward, empathy) in enumerate(ANSWERS):
        log.emit(
            "rl",
            "sample",
            number + 1,
            example=f"7:{number}",
            context=f"recommender: hello\nseeker: I feel\n{number}",
            response=response,
            reference="a reference",
            reward=reward,
            components={"bleu": None if number else 0.125, "empathy": empathy},
        )
    return folder.root


def evaluate(run: Path) -> None:
    """Adds an evaluation whose slot_f1 is 1.0, none and 0.0."""
    samples = [Sample(example(number), f"answer {number}", True, 2) for number in range(3)]
    columns = {"reward": [0.25, 0.75, 0.5], "reward/empathy": [0.5, 0.0, 1.0], "slot_f1": [1.0, None, 0.0]}
    metrics = {key: MetricValue(0.5, None, True, 0.0, 1.0, True, "") for key in columns}
    result = EvaluationResult(SCHEMA, "policy", "x", "test", "f", "p", 3, {}, 0, metrics, 1.0)
    write_evaluation(run / "evaluation" / "policy", result, samples, columns)


def order(ecrctl, *arguments: str) -> list[str]:
    finished = ecrctl("runs", "show", *arguments, "--samples", "--json")
    assert finished.code == 0, finished.err
    return [sample["response"] for sample in json.loads(finished.out)["samples"]]


@pytest.mark.parametrize(
    ("options", "responses"),
    [
        ([], ["one", "one two", "one two three"]),
        (["--ascending"], ["one two three", "one two", "one"]),
        (["--sort", "length"], ["one two three", "one two", "one"]),
        (["--sort", "empathy"], ["one two", "one two three", "one"]),
        # Where a component does not apply it is neither high nor low.
        (["--sort", "bleu"], ["one two three", "one", "one two"]),
        (["--sort", "bleu", "--ascending"], ["one two three", "one", "one two"]),
        (["--emotion", "negative"], ["one two", "one two three"]),
        (["--emotion", "like"], ["one"]),
        (["--emotion", "surprise"], []),
        (["--limit", "2"], ["one", "one two"]),
    ],
    ids=lambda value: "-".join(value).replace("--", "") if isinstance(value, list) else None,
)
def test_rollouts_in_order(ecrctl, run, options, responses) -> None:
    assert order(ecrctl, "demo", *options) == responses


def test_an_evaluation_takes_the_place_of_the_rollouts_which_have_an_address(ecrctl, run) -> None:
    evaluate(run)
    assert order(ecrctl, "demo") == ["answer 1", "answer 2", "answer 0"]
    assert order(ecrctl, "demo:policy", "--sort", "slot_f1", "--ascending") == ["answer 2", "answer 0", "answer 1"]
    assert order(ecrctl, "demo", "--sort", "empathy", "--emotion", "negative") == ["answer 2", "answer 0"]
    assert order(ecrctl, "demo:rollouts", "--limit", "1") == ["one"]


def test_what_is_printed(ecrctl, run) -> None:
    lines = ecrctl("runs", "show", "demo", "--samples", "--sort", "empathy", "--limit", "1", "--emotion", "neutral").out
    assert [" ".join(line.split()) for line in lines.splitlines()] == [
        "1 empathy 1.0000 · reward 0.5000 · update 3 · turn 7:2 · negative · neutral",
        "seeker I feel 2",
        "response one two",
        "reference a reference",
        "components empathy 1.0000",
        "",
        "shown 1 of 1 samples where the seeker shows 'neutral', the highest empathy first",
        "from demo:rollouts",
        "sort by reward, length, bleu, empathy",
        "next ecrctl runs show demo:rollouts --samples --sort empathy --emotion neutral --ascending",
    ]
    assert "recommender  hello" in ecrctl("runs", "show", "demo", "--samples", "--verbose").out


@pytest.mark.parametrize("columns", [20, 40, 80])
def test_long_texts_fold(ecrctl, run, monkeypatch, columns) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    EventLog(run / "events.jsonl").emit("rl", "sample", 4, response="千と千尋 🎬 " * 30, reward=9.0, components={})
    lines = ecrctl("runs", "show", "demo", "--samples", "--limit", "1").out.partition("\n\n")[0].splitlines()
    from rich.cells import cell_len

    assert "".join(lines[1:]).count("千尋") == 30
    assert max(cell_len(line) for line in lines) <= max(columns, 33)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (
            ["demo", "--samples", "--sort", "empaty"],
            "error: no score is called 'empaty'\n  at   --sort\n  fix  did you mean 'empathy'?\n",
        ),
        (
            ["demo", "--samples", "--emotion", "nostalgic"],
            "error: unknown emotion 'nostalgic'\n  at   --emotion\n  fix  did you mean 'nostalgia'?\n",
        ),
        (
            ["demo", "--sort", "bleu"],
            "error: --sort is about samples\n  at   --sort\n  fix  ecrctl runs show demo --samples --sort …\n",
        ),
    ],
    ids=["sort", "emotion", "stray"],
)
def test_wrong_wishes(ecrctl, run, arguments, error) -> None:
    finished = ecrctl("runs", "show", *arguments)
    assert (finished.code, finished.err) == (2, error)


def test_a_run_without_samples_says_how_to_get_some(ecrctl, run) -> None:
    (run / "events.jsonl").unlink()
    finished = ecrctl("runs", "show", "demo", "--samples")
    assert (finished.code, finished.err) == (
        3,
        "error: demo has no samples yet\n  at   demo/events.jsonl\n  fix  ecrctl rl train --run demo\n",
    )
