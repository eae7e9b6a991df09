"""`ecrctl rl critic`: a critic whose every number is known, asked about turns that are typed, in files and in runs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch
from tiny_models import example, tiny_critic

sys.path.insert(0, str(Path(__file__).parents[1] / "evaluation"))
from run_maker import make_run

from ecr_engine.data.schema import Sample
from ecr_engine.evaluation.sample_lines import sample_to_json
from ecr_engine.models.critic import CriticOrigin
from ecr_engine.runs.checkpoints import save_checkpoint

ONE = ("--context", "i feel sad", "--response", "i am sorry")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A critic that says 0.25 of everything, an eleventh-hour one in a run, and a file of twelve samples."""
    critic = tiny_critic()
    critic.origin = CriticOrigin("small", ("rubric",), {"overall": (0.0, 8.0), "empathy": (0.0, 1.0)})
    with torch.no_grad():
        critic.value_head.bias.fill_(0.25)
        for head in (critic.quality_head, critic.emotion_head):
            head.weight.zero_()
            head.bias.zero_()
    (tmp_path / "critic").mkdir()
    critic.save(tmp_path / "critic")
    run = tmp_path / "runs" / "x"
    run.mkdir(parents=True)
    (run / "run.json").write_text("{}", encoding="utf-8")
    with torch.no_grad():
        critic.value_head.bias.fill_(1.5)
    save_checkpoint(run / "critic", 7, critic.save, metrics={}, best=True, keep_last=1)
    write_samples(tmp_path / "samples.jsonl", 12)
    return tmp_path


def write_samples(path: Path, count: int) -> None:
    samples = [Sample(example(f"{n}:1", "hello there"), f"answer {n}", True, 2) for n in range(count)]
    path.write_text("".join(json.dumps(sample_to_json(one)) + "\n" for one in samples), encoding="utf-8")


def single(text: str, start: str) -> str:
    return next(" ".join(line.split()) for line in text.splitlines() if line.startswith(start))


def test_the_range_of_each_head_in_the_judges_units(ecrctl, place) -> None:
    done = ecrctl("rl", "critic", "--critic", "critic", "--samples", "samples.jsonl")
    assert (done.code, done.err) == (0, "")
    # A quarter of the range 0 to 8; a logit of 0 is a chance of one half.
    assert single(done.out, "overall") == "overall 2.000 2.000 2.000 0 … 8 0"
    assert single(done.out, "before the response") == "before the response 2.000 2.000 2.000 0 … 8 0"
    assert single(done.out, "empathy") == "empathy 0.500 0.500 0.500 0 … 1 0"
    assert single(done.out, "like") == "like 0.500 0.500 0.500 0 … 1 0"
    assert single(done.out, "3:1") == "3:1 2.000 2.000 answer 3"
    assert "and 2 more: --json has all of them" in done.out
    assert single(done.out, "judges") == "judges rubric"


def test_rows_in_the_short_form(ecrctl, place) -> None:
    rows = [{"context": ["hello"], "response": "ok"}, {"context": ["hello"]}, {"context": "hi", "response": "no"}]
    (place / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    asked = ("rl", "critic", "--critic", "critic", "--samples", "rows.jsonl")
    found = json.loads(ecrctl(*asked, "--json").out)["rows"]
    assert [(row["example_id"], row["response"]) for row in found] == [("rows:1", "ok"), ("rows:3", "no")]
    (place / "rows.jsonl").write_text(json.dumps(rows[1]), encoding="utf-8")
    refused = ecrctl(*asked)
    assert (refused.code, refused.err) == (
        3,
        "error: no row has a response\n  at   rows.jsonl\n  fix  name a file whose rows have the field `response`\n",
    )


@pytest.mark.parametrize("width", [40, 80])
def test_tables_fit(ecrctl, place, monkeypatch, width) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    done = ecrctl("rl", "critic", "--critic", "critic", "--samples", "samples.jsonl", "--limit", "3")
    assert max(map(len, done.out.splitlines())) <= width
    assert single(done.out, "overall").startswith("overall 2.000 2.000 2.000")


def test_values_outside_of_the_range_are_counted(ecrctl, place) -> None:
    done = ecrctl("rl", "critic", "--run", "runs/x", "--samples", "samples.jsonl", "--limit", "5")
    assert single(done.out, "overall") == "overall 12.000 12.000 12.000 0 … 8 5"
    assert single(done.out, "critic") == "critic runs/x/critic/checkpoints/step-000007"


def test_one_typed_turn_as_json(ecrctl, place) -> None:
    document = json.loads(ecrctl("rl", "critic", "--critic", "critic", *ONE, "--json").out)
    assert document["rows"] == [
        {
            "example_id": "given:0",
            "response": "i am sorry",
            "scores": {"overall": 2.0, "before the response": 2.0, "empathy": 0.5, "like": 0.5},
        }
    ]
    assert (document["folder"], document["encoder"], document["judges"]) == ("critic", "small", ["rubric"])
    heads = {head["head"]: head for head in document["heads"]}
    assert (heads["overall"]["least"], heads["overall"]["greatest"], heads["overall"]["high"]) == (2.0, 2.0, 8.0)


def test_one_turn_of_a_file_and_another_answer_to_it(ecrctl, place) -> None:
    asked = ("rl", "critic", "--critic", "critic", "--samples", "samples.jsonl", "--json")
    [row] = json.loads(ecrctl(*asked, "--turn", "4:1").out)["rows"]
    assert (row["example_id"], row["response"]) == ("4:1", "answer 4")
    [row] = json.loads(ecrctl(*asked, "--turn", "2", "--response", "hello").out)["rows"]
    assert (row["example_id"], row["response"]) == ("1:1", "hello")


def test_a_run_without_more_is_asked_about_its_policy(ecrctl, place) -> None:
    folder = place / "runs" / "x" / "evaluation" / "policy"
    folder.mkdir(parents=True)
    (folder / "results.json").write_text("{}", encoding="utf-8")
    write_samples(folder / "samples.jsonl", 3)
    document = json.loads(ecrctl("rl", "critic", "--run", "runs/x", "--json").out)
    assert [row["example_id"] for row in document["rows"]] == ["0:1", "1:1", "2:1"]


@pytest.mark.parametrize(
    ("sources", "said", "marked"),
    [
        ({"components": ["critic"], "judges": []}, "yes: what it says of these responses is no evidence", True),
        ({"components": ["judge"], "judges": ["rubric"]}, "yes: what it says of these responses is no evidence", True),
        ({"components": ["bleu"], "judges": ["other"]}, "no: held out", False),
    ],
    ids=["critic", "its-judge", "another"],
)
def test_a_critic_that_is_in_the_reward_is_named_as_such(ecrctl, place, sources, said, marked) -> None:
    run = make_run(place / "runs" / "made", turns=4)
    results = run.evaluation("policy") / "results.json"
    reward = {"reward_sources": {**sources, "encoders": []}}
    results.write_text(json.dumps({**json.loads(results.read_text()), **reward}), encoding="utf-8")
    asked = ("rl", "critic", "--critic", "critic", "--samples", "runs/made")
    assert single(ecrctl(*asked).out, "in reward") == f"in reward {said}"
    assert json.loads(ecrctl(*asked, "--json").out)["in_reward"] is marked
    assert "in reward" not in ecrctl("rl", "critic", "--critic", "critic", "--samples", "samples.jsonl").out


@pytest.mark.parametrize(
    ("arguments", "code", "err"),
    [
        (
            ["--samples", "samples.jsonl"],
            2,
            "error: no critic is named\n  at   ecrctl rl critic\n  fix  name a run: --run runs/demo; or --critic DIR\n",
        ),
        (
            ["--critic", "critic"],
            2,
            "error: there are no responses to look at\n  at   ecrctl rl critic\n"
            '  fix  give one: --context "…" --response "…"; or many: --samples FILE\n',
        ),
        (
            ["--critic", "none", *ONE],
            3,
            "error: there is no critic in 'none'\n  at   none/critic.json\n  fix  train one: ecrctl train critic "
            "--run RUN, or ecrctl train critic --scores FILE --data PROCESSED\n",
        ),
        (
            ["--critic", "critic", *ONE, "--reference", "no"],
            2,
            "error: a critic reads the dialogue and the response, nothing else\n  at   --reference\n"
            "  fix  leave it out\n",
        ),
        (
            ["--critic", "critic", *ONE, "--emotion", "sad"],
            2,
            "error: a critic reads the dialogue and the response, nothing else\n  at   --emotion\n"
            "  fix  leave it out\n",
        ),
        (
            ["--run", "runs/y", *ONE],
            3,
            "error: there is no run in 'runs/y'\n  at   runs/y/run.json\n"
            "  fix  see what there is: ecrctl runs list runs\n",
        ),
    ],
)
def test_errors(ecrctl, place, arguments, code, err) -> None:
    refused = ecrctl("rl", "critic", *arguments)
    assert (refused.code, refused.out, refused.err) == (code, "", err)
