"""Evaluations survive the disk, and damaged ones are errors with a place."""

from __future__ import annotations

import json

import pytest

from ecr_engine.errors import DataError, UsageError
from ecr_engine.evaluation.store import read_evaluation, read_result


def message(error):
    problem = error.value.problems[0]
    return f"{problem.what} | {problem.at} | {problem.fix}"


def test_what_is_written_is_read_back(evaluation, sample):
    folder = evaluation("policy", [0.25, None, 0.75], corpus={"dist@1": 1.5})
    result, rows = read_evaluation(folder)
    assert (result.name, result.checkpoint, result.split, result.turns, result.seed) == (
        "policy",
        "runs/demo:policy",
        "test",
        3,
        3,
    )
    assert result.decoding == {"decoding": "sample", "temperature": 0.7}
    assert result.metrics["reward"].value == 0.5
    assert result.metrics["reward"].interval.high == pytest.approx(0.6)
    assert result.metrics["dist@1"].value == 1.5
    assert [row.metrics for row in rows] == [{"reward": 0.25}, {"reward": None}, {"reward": 0.75}]
    assert rows[2].sample == sample("policy says 2", conversation="0001", turn=1)


def test_a_line_has_what_people_look_for(evaluation):
    folder = evaluation("policy", [0.25])
    row = json.loads((folder / "samples.jsonl").read_text().splitlines()[0])
    assert row["example_id"] == "0000:1"
    assert row["context"][0]["role"] == "seeker"
    assert row["context"][0]["text"] == "I feel low & like Heat (1995)"
    assert row["reference"] == "you should see <movie> !"
    assert row["items"][0]["name"] == "Alien (1979)"
    assert row["metrics"] == {"reward": 0.25}


def test_a_second_evaluation_replaces_the_first(evaluation):
    evaluation("policy", [0.1, 0.2])
    folder = evaluation("policy", [0.9])
    assert read_result(folder).metrics["reward"].value == 0.9
    assert sorted(path.name for path in folder.parent.iterdir()) == ["policy"]


def test_a_folder_of_other_things_is_not_replaced(evaluation, tmp_path):
    folder = tmp_path / "evaluation" / "policy"
    folder.mkdir(parents=True)
    (folder / "thesis.tex").write_text("years of work")
    with pytest.raises(UsageError):
        evaluation("policy", [0.1])
    assert (folder / "thesis.tex").read_text() == "years of work"


def test_a_missing_evaluation(tmp_path):
    with pytest.raises(DataError) as error:
        read_evaluation(tmp_path / "nowhere")
    assert message(error) == (
        f"there is no evaluation here | {tmp_path}/nowhere/results.json | evaluate again: ecrctl eval run RUN"
    )


def test_missing_samples(evaluation):
    folder = evaluation("policy", [0.1])
    (folder / "samples.jsonl").unlink()
    with pytest.raises(DataError) as error:
        read_evaluation(folder)
    assert message(error).startswith(f"an evaluation without its samples | {folder}/samples.jsonl")


def test_a_torn_line(evaluation):
    path = evaluation("policy", [0.1, 0.2, 0.3]) / "samples.jsonl"
    path.write_text(path.read_text()[:-40])
    with pytest.raises(DataError) as error:
        read_evaluation(path.parent)
    assert message(error).startswith("a torn line, not JSON: ")
    assert f" | {path}:3 | " in message(error)


def test_a_line_without_a_field(evaluation):
    path = evaluation("policy", [0.1, 0.2]) / "samples.jsonl"
    lines = path.read_text().splitlines()
    row = json.loads(lines[1])
    del row["response"]
    path.write_text("\n".join([lines[0], json.dumps(row)]))
    with pytest.raises(DataError) as error:
        read_evaluation(path.parent)
    assert message(error).startswith(f"a sample with a wrong or missing field: 'response' | {path}:2")


def test_fewer_samples_than_promised(evaluation):
    path = evaluation("policy", [0.1, 0.2]) / "samples.jsonl"
    path.write_text(path.read_text().splitlines()[0] + "\n")
    with pytest.raises(DataError) as error:
        read_evaluation(path.parent)
    assert message(error).startswith(f"1 samples where results.json speaks of 2 | {path}:1")


def test_an_example_twice(evaluation):
    path = evaluation("policy", [0.1, 0.2]) / "samples.jsonl"
    line = path.read_text().splitlines()[0]
    path.write_text(f"{line}\n{line}\n")
    with pytest.raises(DataError) as error:
        read_evaluation(path.parent)
    assert message(error).startswith(f"the example '0000:1' is there twice | {path}:2")


def test_results_of_another_schema(evaluation):
    path = evaluation("policy", [0.1]) / "results.json"
    path.write_text(path.read_text().replace('"schema": 1', '"schema": 7'))
    with pytest.raises(DataError) as error:
        read_result(path.parent)
    assert message(error).startswith(f"the evaluation is of schema 7; this version reads schema 1 | {path}:1")


def test_results_that_are_not_json(evaluation):
    path = evaluation("policy", [0.1]) / "results.json"
    path.write_text('{\n"schema": 1,\n')
    with pytest.raises(DataError) as error:
        read_result(path.parent)
    assert message(error).startswith("not JSON: ")
    assert f" | {path}:3 | " in message(error)


def test_results_without_a_field(evaluation):
    path = evaluation("policy", [0.1]) / "results.json"
    path.write_text(path.read_text().replace('"turns"', '"torns"'))
    with pytest.raises(DataError) as error:
        read_result(path.parent)
    assert message(error).startswith(f"a results file with a wrong or missing field: 'turns' | {path}:1")


def changed(path, old, new):
    """The file with one part replaced, and the line where it stood."""
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    return text[: text.index(old)].count("\n") + 1


@pytest.mark.parametrize(
    ("literal", "what"),
    [
        ("NaN", "NaN is not a finite number"),
        ("-Infinity", "-Infinity is not a finite number"),
        ("1e999", "1e999 is not a finite number"),
        ('"0.5"', 'a results file with a wrong or missing field: reward: "0.5" is not a number'),
        ('"nan"', 'a results file with a wrong or missing field: reward: "nan" is not a number'),
        ("true", "a results file with a wrong or missing field: reward: true is not a number"),
        ("9" * 400, "a results file with a wrong or missing field: reward: int too large to convert to float"),
    ],
)
def test_a_value_that_is_no_number(evaluation, literal, what):
    path = evaluation("policy", [0.5, 0.25]) / "results.json"
    line = changed(path, '"value": 0.375', f'"value": {literal}')
    with pytest.raises(DataError) as error:
        read_result(path.parent)
    # A wrong field is found by its metric, whose name stands one line above the value.
    at = line - 1 if "field" in what else line
    assert message(error) == f"{what} | {path}:{at} | evaluate again: ecrctl eval run RUN"


def test_an_interval_with_a_missing_end(evaluation):
    path = evaluation("policy", [0.5]) / "results.json"
    raw = json.loads(path.read_text())
    raw["metrics"]["reward"]["interval"] = [0.1, None]
    path.write_text(json.dumps(raw))
    with pytest.raises(DataError, match="a wrong or missing field: reward: null is not a number"):
        read_result(path.parent)


@pytest.mark.parametrize(
    ("literal", "what"),
    [
        ("NaN", "NaN is not a finite number"),
        ("1e999", "1e999 is not a finite number"),
        ('"nan"', 'a sample with a wrong or missing field: reward: "nan" is not a number'),
    ],
)
def test_a_turn_whose_value_is_no_number(evaluation, literal, what):
    path = evaluation("policy", [0.5, 0.25]) / "samples.jsonl"
    line = changed(path, '"metrics": {"reward": 0.25}', f'"metrics": {{"reward": {literal}}}')
    assert line == 2
    with pytest.raises(DataError) as error:
        read_evaluation(path.parent)
    assert message(error) == f"{what} | {path}:2 | evaluate again: ecrctl eval run RUN"


@pytest.mark.parametrize(("value", "shown"), [("0.9", "0.9"), ("0.375002", "0.375002"), ("null", "nothing")])
def test_a_mean_that_its_turns_contradict(evaluation, value, shown):
    path = evaluation("policy", [0.5, 0.25]) / "results.json"
    line = changed(path, '"value": 0.375', f'"value": {value}')
    with pytest.raises(DataError) as error:
        read_evaluation(path.parent)
    assert message(error) == (
        f"'reward' is {shown}, and the mean of its turns in samples.jsonl is 0.375 | {path}:{line - 1} | "
        "evaluate again: ecrctl eval run RUN"
    )


def test_a_mean_that_is_off_by_rounding_alone_is_read(evaluation):
    path = evaluation("policy", [0.5, 0.25]) / "results.json"
    changed(path, '"value": 0.375', '"value": 0.3750005')
    assert read_evaluation(path.parent)[0].metrics["reward"].value == 0.3750005
