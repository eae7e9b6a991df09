"""A turn of an evaluation with a wrong field is an error that names the field and the line."""

from __future__ import annotations

import json

import pytest

from ecr_engine.errors import DataError
from ecr_engine.evaluation.store import read_evaluation

PREFIX = "a sample with a wrong or missing field: "


@pytest.mark.parametrize(
    ("field", "value", "what"),
    [
        ("response", "null", f"{PREFIX}'response' is null, not a text"),
        ("reference", "5", f"{PREFIX}'reference' is 5, not a text"),
        ("context", "[7]", f"{PREFIX}'context[0]' is 7, not an object"),
        ("turn", "1e400", "1e400 is not a finite number"),
        ("metrics", "[]", f"{PREFIX}'metrics' is a list, not an object"),
        ("metrics", '{"reward": []}', f"{PREFIX}reward: a list is not a number"),
        ("metrics", "[" * 100_000, "not a sample: lists or objects are nested too deep"),
        ("turn", "9" * 5000, "not a sample: a number has too many digits"),
    ],
)
def test_a_wrong_field(evaluation, field, value, what):
    path = evaluation("policy", [0.5, 0.25]) / "samples.jsonl"
    first, second = path.read_text(encoding="utf-8").splitlines()
    raw = {key: held for key, held in json.loads(second).items() if key != field}
    path.write_text(f'{first}\n{json.dumps(raw)[:-1]}, "{field}": {value}}}\n', encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_evaluation(path.parent)
    [problem] = caught.value.problems
    assert (problem.what, problem.at, problem.fix) == (what, f"{path}:2", "evaluate again: ecrctl eval run RUN")
