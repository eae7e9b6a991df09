"""Evaluations as somebody may have left or named them: what is wrong is an error with its place."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from sides import talk, turns, write_measured

from ecr_engine.config.sections.evaluation import CompareSettings
from ecr_engine.data.schema import Role
from ecr_engine.errors import DataError, EcrError, UsageError
from ecr_engine.evaluation.compare import compare, compare_all
from ecr_engine.evaluation.compare_metrics import Resampling
from ecr_engine.evaluation.gates import GRAMMAR, parse_gate
from ecr_engine.evaluation.judging import judge_evaluation
from ecr_engine.evaluation.rescore import rescore
from ecr_engine.evaluation.responses import read_responses
from ecr_engine.evaluation.store import read_evaluation, read_result
from ecr_engine.rewards.resources import Resources
from ecr_engine.scoring.judge import find_judge

REDO = "evaluate again: ecrctl eval run RUN"
MARK = b"\xef\xbb\xbf"
"""What some editors put at the start of a text in UTF-8."""


def told(error: pytest.ExceptionInfo[EcrError]) -> tuple[str, str, str]:
    [problem] = error.value.problems
    return problem.what, problem.at, problem.fix


@pytest.fixture
def made(tmp_path) -> Path:
    """An evaluation of six turns."""
    return write_measured(tmp_path / "policy", talk(turns(6), 1), ["rouge_l", "length"])


@pytest.mark.parametrize(
    ("key", "value", "what"),
    [
        ("seed", -1, "'seed' is -1, not 0 or more"),
        ("seed", 1.5, "'seed' is 1.5, not a whole number"),
        ("turns", True, "'turns' is true, not a whole number"),
        ("turns", "6", "'turns' is \"6\", not a whole number"),
        ("name", None, "'name' is null, not a text"),
        ("split", ["test"], "'split' is a list, not a text"),
        ("checkpoint", 7, "'checkpoint' is 7, not a text"),
    ],
)
def test_a_field_of_the_results_that_is_something_else(made, key, value, what) -> None:
    path = made / "results.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    with pytest.raises(DataError) as error:
        read_result(made)
    assert told(error) == (f"a results file with a wrong or missing field: {what}", f"{path}:1", REDO)


@pytest.mark.parametrize(
    ("key", "value", "what"),
    [
        # Any of these would turn the direction, or the mark of the reward, without a word.
        ("higher_is_better", "false", "'higher_is_better' is \"false\", not true or false"),
        ("higher_is_better", 0, "'higher_is_better' is 0, not true or false"),
        ("in_reward", "false", "'in_reward' is \"false\", not true or false"),
        ("in_reward", None, "'in_reward' is null, not true or false"),
        ("explanation", None, "'explanation' is null, not a text"),
    ],
)
def test_a_field_of_a_metric_that_is_something_else(made, key, value, what) -> None:
    path = made / "results.json"
    raw = json.loads(path.read_text())
    raw["metrics"]["rouge_l"][key] = value
    path.write_text(json.dumps(raw))
    with pytest.raises(DataError) as error:
        read_result(made)
    assert told(error)[0] == f"a results file with a wrong or missing field: rouge_l: {what}"


def test_a_byte_order_mark_is_no_part_of_an_evaluation(made) -> None:
    before = read_evaluation(made)
    for name in ("results.json", "samples.jsonl"):
        (made / name).write_bytes(MARK + (made / name).read_bytes())
    assert read_evaluation(made) == before


def test_a_byte_order_mark_is_no_torn_line_of_an_input(tmp_path) -> None:
    line = json.dumps({"context": "I feel low", "response": "Ünder the sea"}, ensure_ascii=False).encode()
    path = tmp_path / "in.jsonl"
    # Two such files, one behind the other.
    path.write_bytes(MARK + line + b"\r\n" + MARK + line + b"\n")
    rows = list(read_responses(path).rows())
    assert [row.sample.response for row in rows] == ["Ünder the sea"] * 2
    assert [turn.text for turn in rows[0].sample.example.context if turn.role == Role.SEEKER] == ["I feel low"]


def test_one_evaluation_is_no_two_seeds(made, tmp_path) -> None:
    other = write_measured(tmp_path / "other", talk(turns(6), 2), ["rouge_l"])
    link = tmp_path / "link"
    link.symlink_to(made)
    with pytest.raises(UsageError) as error:
        compare_all([[made, link], [other]], Resampling(100, 0.95, 0), names=(None, None))
    fix = "name each seed of a side once, with + between: runs/a1+runs/a2"
    assert told(error) == ("one evaluation is named as two seeds of a side", str(link), fix)


def test_a_folder_that_vanishes_is_said_to_be_gone(made, tmp_path) -> None:
    (tmp_path / "other").symlink_to(tmp_path / "gone")
    with pytest.raises(DataError) as error:
        compare(made, tmp_path / "other", resamples=100, confidence=0.95, seed=0)
    assert told(error) == ("there is no evaluation here", str(tmp_path / "other" / "results.json"), REDO)


@pytest.mark.parametrize("text", ["reward>=1e999", "reward<-1e400%"])
def test_a_bound_that_no_number_can_hold(text) -> None:
    with pytest.raises(UsageError) as error:
        parse_gate(text)
    assert told(error) == (f"'{text}' is no gate", f"--require '{text}'", GRAMMAR)


class _Unheard:
    """Says that it was asked."""

    asked = 0

    def __init__(self) -> None:
        self._rubric = find_judge("rubric")
        self.name, self.dimensions, self.fingerprint = "rubric", self._rubric.dimensions, "f"

    def judge(self, samples):
        type(self).asked += 1
        return self._rubric.judge(samples)


def test_where_the_result_can_not_go_no_judge_is_asked(made, tmp_path) -> None:
    taken = tmp_path / "notes.txt"
    taken.write_text("mine")
    with pytest.raises(UsageError) as error:
        judge_evaluation(made, taken, _Unheard(), CompareSettings(resamples=100))
    assert told(error) == ("the output is a file", os.path.realpath(taken), "give a folder that is new or empty")
    assert (_Unheard.asked, taken.read_text()) == (0, "mine")


def test_where_the_result_can_not_go_nothing_is_measured(made, tmp_path, monkeypatch) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    monkeypatch.setattr("ecr_engine.evaluation.rescore.measure", None)
    with pytest.raises(UsageError) as error:
        rescore(
            made,
            tmp_path / "mine",
            CompareSettings(resamples=100),
            metric_names=["length"],
            composer=None,
            resources=Resources(),
        )
    assert told(error)[0] == "the output folder holds other files"


def test_half_a_character_is_written_as_it_came(made, tmp_path) -> None:
    path = made / "samples.jsonl"
    path.write_text(path.read_text().replace('"response": "', r'"response": "\ud83c ', 1))
    options = {"metric_names": ["length"], "composer": None, "resources": Resources()}
    rescore(made, tmp_path / "again", CompareSettings(resamples=100), **options)
    assert r'"response": "\ud83c ' in (tmp_path / "again" / "samples.jsonl").read_text()
    assert read_evaluation(tmp_path / "again")[1][0].sample.response.startswith("\ud83c ")
