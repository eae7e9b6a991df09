"""`ecrctl compare` on evaluations that lie on the disk: of itself, torn, and of another layout."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ecr_engine.data.schema import Example, Role, Sample, Turn
from ecr_engine.evaluation.measure import measure
from ecr_engine.evaluation.store import SCHEMA, EvaluationResult, write_evaluation


@pytest.fixture
def folder(tmp_path) -> Path:
    """An evaluation of 24 turns of 12 dialogues."""
    said = Turn(Role.SEEKER, "I feel low", "I feel low")
    samples = [
        Sample(
            Example(
                f"{n // 2:02d}:{n % 2}", f"{n // 2:02d}", 1, (said,), "try <movie> now", (), (), (), "x.jsonl", n + 1
            ),
            f"you could try <movie> number {n % 5}" if n % 3 else "oh no",
            finished=True,
            tokens=6,
        )
        for n in range(24)
    ]
    measured = measure(samples, metric_names=["bleu_1", "dist_2", "distinct_1", "slot_f1", "sacrebleu"], resamples=100)
    result = EvaluationResult(SCHEMA, "one", "c", "test", "s", "p", 24, {}, 0, measured.metrics, 1.0)
    columns = {key: values for key, values in measured.per_sample.items() if values}
    write_evaluation(tmp_path / "one", result, samples, columns)
    return tmp_path / "one"


def test_of_itself_there_is_no_difference(ecrctl, folder) -> None:
    finished = ecrctl("compare", "one", "one", "--json")
    assert finished.code == 0, finished.err
    metrics = json.loads(finished.out)["metrics"]
    assert set(metrics) == {"bleu@1", "dist@2", "distinct@1", "slot_f1", "sacrebleu"}
    for metric in metrics.values():
        assert (metric["difference"], metric["interval"], metric["p"], metric["p_holm"]) == (0.0, [0.0, 0.0], 1.0, 1.0)


def test_a_torn_line(ecrctl, folder) -> None:
    path = folder / "samples.jsonl"
    path.write_bytes(path.read_bytes()[:-30])
    finished = ecrctl("compare", "one", "one")
    assert (finished.code, finished.out) == (3, "")
    what, at, fix = finished.err.splitlines()
    assert what.startswith("error: a torn line, not JSON: ")
    assert (at, fix) == (f"  at   {path}:24", "  fix  evaluate again: ecrctl eval run RUN")


def test_another_layout(ecrctl, folder) -> None:
    path = folder / "results.json"
    path.write_text(path.read_text().replace('"schema": 1', '"schema": 7'))
    finished = ecrctl("compare", "one", "one")
    assert (finished.code, finished.out) == (3, "")
    assert finished.err == (
        "error: the evaluation is of schema 7; this version reads schema 1\n"
        f"  at   {path}:1\n"
        "  fix  evaluate again: ecrctl eval run RUN; `ecrctl compare --force` reads it as far as it can\n"
    )
    forced = ecrctl("compare", "one", "one", "--force")
    assert forced.code == 0
    assert "forced: one is of schema 7, and this version knows schema 1" in forced.out.splitlines()


def test_other_prompts(ecrctl, folder) -> None:
    other = folder.parent / "two"
    other.mkdir()
    (other / "samples.jsonl").write_bytes((folder / "samples.jsonl").read_bytes())
    text = (folder / "results.json").read_text()
    (other / "results.json").write_text(text.replace('"prompt_fingerprint": "p"', '"prompt_fingerprint": "q"'))
    finished = ecrctl("compare", "one", "two")
    assert (finished.code, finished.out) == (2, "")
    assert finished.err == (
        "error: these evaluations can't be compared: their prompts differ\n"
        f"  at   {folder} and {other}\n"
        "  fix  evaluate both with the same settings, or compare the turns they share with --force\n"
    )
