"""The judge of a run: a language model in a folder, and names that are refused before anything runs."""

import json

import pytest
from small_jobs import events, job
from tiny_models import tiny_tokenizer

from ecr_engine.errors import UsageError
from ecr_engine.pipeline.job import plan, run_job


@pytest.fixture
def judge_folder(tmp_path):
    """A GPT-2 with random weights."""
    from transformers import GPT2Config, GPT2LMHeadModel

    tokenizer = tiny_tokenizer()
    config = GPT2Config(vocab_size=len(tokenizer), n_embd=16, n_layer=1, n_head=2, n_positions=1500)
    GPT2LMHeadModel(config).save_pretrained(tmp_path / "judge")
    tokenizer.save_pretrained(tmp_path / "judge")
    return tmp_path / "judge"


def test_a_language_model_judges_the_run(copied, judge_folder):
    run_job(job(copied, f"judge.name={judge_folder}", "judge.precision=no"), until="judge")
    lines = (copied / "scores" / "judgements.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    # 24 turns, the baseline's answer and the human one.
    assert [row["who"] for row in rows] == ["baseline"] * 24 + ["reference"] * 24
    assert {(*row["judges"], row["dimensions"]) for row in rows} == {(str(judge_folder), "guide")}
    assert len({row["fingerprint"] for row in rows}) == 1
    assert rows[0]["fingerprint"].startswith("local-")
    for row in rows:
        if row["response"].strip():
            assert set(row["scores"]) == {"empathy", "informativeness", "recommendation", "engagement", "overall"}
            assert all(0 < score < 1 for score in row["scores"].values())
        else:
            assert (row["scores"], row["failure"]) == ({}, "the response is empty")
    failed = sum(row["failure"] is not None for row in rows)
    told = [event.values["what"] for event in events(copied, "judge", "note")]
    assert told[-1].startswith(f"48 responses judged by '{judge_folder}', {failed} failed")
    done = [event.values for event in events(copied, "judge", "progress") if event.values["what"] == "judgements"]
    assert {"done": 48, "total": 48, "what": "judgements"} in done


@pytest.mark.parametrize(
    ("sets", "what", "fix"),
    [
        (["judge.name=rubrik"], "unknown judge 'rubrik'", "did you mean 'rubric'?"),
        (["judge.dimensions=papers"], "there are no dimensions 'papers'", "did you mean 'paper'?"),
        (
            ["judge.dimensions=paper"],
            "the judge 'rubric' has no rules for the dimensions 'paper'",
            "--set judge.dimensions=guide, or name a language model as the judge",
        ),
    ],
)
def test_a_judge_that_can_not_be_is_refused_before_anything_runs(tmp_path, sets, what, fix):
    for refuse in (plan, run_job):
        with pytest.raises(UsageError) as caught:
            refuse(job(tmp_path / "run", *sets))
        assert (caught.value.problems[0].what, caught.value.problems[0].fix) == (what, fix)
    assert not (tmp_path / "run").exists()
