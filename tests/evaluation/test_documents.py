"""JSON that the reader itself gives up on is an error with a place, like all other damage."""

from __future__ import annotations

import pytest

from ecr_engine.errors import DataError
from ecr_engine.evaluation.documents import read_document

DEEP = '{"a":' * 100_000 + "1" + "}" * 100_000
LONG = '{"schema": ' + "7" * 5_000 + "}"


@pytest.mark.parametrize(
    ("text", "what"),
    [(DEEP, "not a document of ours: it is nested too deep"), (LONG, "a number has too many digits")],
    ids=["deep", "long"],
)
def test_a_document_that_the_reader_gives_up_on(tmp_path, text, what) -> None:
    path = tmp_path / "results.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_document(path, "evaluation", 1, "type this")
    (problem,) = caught.value.problems
    assert (problem.what, problem.at, problem.fix) == (what, f"{path}:1", "type this")
