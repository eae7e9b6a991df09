"""`ecrctl train critic --scores` and `ecrctl rl critic` at the command line, on judgements of a made-up taste."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import tiny_models
from goemotions_fixture import write_encoder
from processed_data import write_processed

from ecr_engine.scoring.judge import Judgement
from ecr_engine.scoring.store import JudgedRow, write_judgements

assert tiny_models  # one thread

SMALL = ("--set", "critic.hidden_size=32", "--set", "critic.layers=1", "--set", "critic.heads=2")
FAST = (
    *(*SMALL, "--set", "critic.max_length=32", "--set", "backbone.vocabulary=400", "--set", "compare.resamples=200"),
    *("--critic-learning-rate", "1e-4"),
)
TURNS = 120


def taste(response: str) -> dict[str, float]:
    """A judge that likes sympathy."""
    kind = "sorry" in response
    empathy, engagement = (0.9, 0.4) if kind else (0.1, 0.6)
    return {"engagement": engagement, "empathy": empathy, "overall": 0.8 if kind else 0.3}


def responses(count: int = TURNS) -> list[tuple[str, str]]:
    # As many words in each: their number says nothing.
    texts = (
        "i am sorry you feel sad",
        "have you seen <movie> , hello",
        "so sorry , <movie> is good",
        "hello there , hello you there",
    )
    return [(f"{place}:1", texts[(place * 7 + place // 4) % 4]) for place in range(count)]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The working folder, with a processed corpus and a file of judgements of its training split."""
    turns = [tiny_models.example(name, "hello there , i feel sad", target="hello") for name, _ in responses()]
    test = [
        replace(turn, example_id=f"t{turn.example_id}", conversation_id=f"t{turn.conversation_id}") for turn in turns
    ]
    write_processed(tmp_path / "data", turns, (), test[:3])
    write_judgements(tmp_path / "judged.jsonl", rows())
    return tmp_path


def rows(prefix: str = "") -> list[JudgedRow]:
    return [
        JudgedRow(prefix + name, prefix + name[:-2], text, "reference", Judgement(name, taste(text), {}), ("tastes",))
        for name, text in responses()
    ]


def train(ecrctl, *arguments: str):
    """Runs the command on the judgements."""
    return ecrctl("train", "critic", "--scores", "judged.jsonl", "--data", "data", *FAST, *arguments)


def line(text: str, start: str) -> str:
    """The first line that starts so, single-spaced."""
    return next(" ".join(each.split()) for each in text.splitlines() if each.startswith(start))


def test_a_critic_is_trained_reported_and_asked(ecrctl, place) -> None:
    done = train(ecrctl, "--num_train_epochs", "14", "--per-device-train-batch-size", "8", "--set", "critic.patience=9")
    assert done.code == 0, done.err
    assert line(done.out, "head").startswith("head MSE of mean MAE R² Pearson Spearman interval")
    found = line(done.out, "empathy").split()
    # 0.9 and 0.1 about equally often: 0.4 away from their mean.
    assert float(found[1]) < 0.04 < 0.15 < float(found[2]) < 0.17
    assert found[-1] == "yes"
    assert line(done.out, "judges") == "judges tastes"
    assert "stage=critic event=note what=" in done.err

    folder = place / "critics" / "critic"
    report = json.loads((folder / "report.json").read_text())
    assert (report["judges"], report["encoder"], report["crossed"]) == (["tastes"], "small", [])
    assert sum(report["rows"].values()) == TURNS and report["rows"] == report["dialogues"]
    heads = {head["head"]: head for head in report["heads"]}
    assert list(heads) == ["overall", "before the response", "empathy", "engagement"]
    assert heads["empathy"]["critic"]["spearman"]["value"] > 0.8
    assert not heads["before the response"]["beats"]
    assert (folder / "calibration.png").is_file() and (folder / "calibration.csv").is_file()
    assert (folder / "best").resolve().name == (folder / "latest").resolve().name
    facts = json.loads((folder / "best" / "critic.json").read_text())
    assert (facts["dimensions"], facts["judges"]) == (["empathy", "engagement"], ["tastes"])

    asked = ("rl", "critic", "--critic", "critics/critic", "--json")
    said = json.loads(ecrctl(*asked, *one("i am sorry you feel sad")).out)
    other = json.loads(ecrctl(*asked, *one("hello there , hello you there")).out)
    [row], [cold] = said["rows"], other["rows"]
    assert row["scores"]["empathy"] > 0.6 > 0.4 > cold["scores"]["empathy"]
    assert row["scores"]["overall"] > cold["scores"]["overall"] + 0.2
    assert row["scores"]["before the response"] == cold["scores"]["before the response"]


def one(response: str) -> list[str]:
    return ["--context", "hello there , i feel sad", "--response", response]


def test_a_pretrained_encoder_json_and_smoke(ecrctl, place) -> None:
    write_encoder(place / "encoder")
    done = train(ecrctl, "--encoder", "encoder", "--output", "o", "--smoke", "--json", "--quiet")
    assert (done.code, done.err) == (0, "")
    document = json.loads(done.out)
    assert (document["folder"], document["kept"]["steps"], document["report"]["encoder"]) == ("o", 2, "encoder")
    assert {path.name for path in (place / "o" / "checkpoints").iterdir()} == {"step-000002"}


def test_several_files_and_a_limit(ecrctl, place) -> None:
    document = json.loads(train(ecrctl, "--scores", "judged.jsonl", "--limit", "150", "--dry-run", "--json").out)
    assert sum(document["rows"].values()) == 150
    assert document["scores"] == ["judged.jsonl", "judged.jsonl"]


def test_a_dry_run_shows_the_plan_and_writes_nothing(ecrctl, place) -> None:
    before = sorted(place.rglob("*"))
    done = train(ecrctl, "--dry-run", "--seed", "7")
    assert done.code == 0, done.err
    assert line(done.out, "quality heads") == "quality heads empathy, engagement"
    assert line(done.out, "critic.learning_rate") == "critic.learning_rate 0.0001"
    assert line(done.out, "seed") == "seed 7"
    assert sorted(place.rglob("*")) == before


def test_a_dry_run_loads_no_transformers(place) -> None:
    code = (
        "import sys\nfrom ecrctl.__main__ import invoke\n"
        "assert invoke(['train', 'critic', '--scores', 'judged.jsonl', '--data', 'data', '--dry-run']) == 0\n"
        "print([name for name in ('torch', 'transformers') if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=place)
    assert done.stderr == "[]\n"


def test_judgements_of_test_turns_are_warned_of(ecrctl, place) -> None:
    write_judgements(place / "test.jsonl", rows("t")[:3])
    done = train(ecrctl, "--scores", "test.jsonl", "--smoke", "1", "--output", "o")
    assert done.code == 0, done.err
    assert "3 of the judged responses are to turns of the test split" in done.err


@pytest.mark.parametrize(
    ("arguments", "code", "err"),
    [
        (
            ["--scores", "judged.jsonl"],
            2,
            "error: a file of judgements holds no dialogues, and it is not said which turns were judged\n"
            "  at   --scores\n  fix  name them: --data PROCESSED, or --run RUN\n",
        ),
        (
            ["--scores", "none.jsonl", "--data", "data"],
            3,
            "error: there is no file of judgements\n  at   none.jsonl\n  fix  make it with `ecrctl score run`\n",
        ),
        (
            ["--scores", "judged.jsonl", "--data", "."],
            3,
            "error: the folder holds no processed data\n  at   summary.json\n"
            "  fix  name a run or a processed folder: --run RUN, or --data PROCESSED\n",
        ),
        (
            ["--scores", "judged.jsonl", "--data", "data", "--set", "critic.dimensions=empathy"],
            2,
            "error: the judged dimension 'engagement' has no head: the heads are empathy\n  at   critic.dimensions\n"
            "  fix  give it one: --set critic.dimensions=empathy,engagement\n",
        ),
        (
            ["--scores", "judged.jsonl", "--data", "data", "--set", "critic.dimensions=empathy,engagement,warmth"],
            2,
            "error: the head 'warmth' has no label: the judged dimensions are empathy, engagement\n"
            "  at   critic.dimensions\n  fix  choose from: empathy, engagement\n",
        ),
        (
            ["--scores", "judged.jsonl", "--data", "data", "--output", "data"],
            2,
            "error: the output folder holds other files\n  at   data\n  fix  give a folder that is new or empty\n",
        ),
        (
            ["--scores", "judged.jsonl", "--data", "data", "--output", "trained"],
            2,
            "error: the folder holds a trained critic already\n  at   trained\n"
            "  fix  train another beside it: --output trained-2; or remove this one\n",
        ),
        (
            ["--scores", "judged.jsonl", "--data", "data", "--encoder", "llama2-7b-chat"],
            2,
            "error: 'llama2-7b-chat' can't be the encoder: it is Llama 2 Chat, the guide's backbone (gated)\n"
            "  at   critic.encoder\n  fix  use one of small, minilm-l6, roberta-base, or a folder with an encoder\n",
        ),
        (
            ["--output", "o"],
            2,
            "error: a critic that learns from its run's judge is written into the run\n  at   --output o\n"
            "  fix  leave it out, or name files of judgements: --scores FILE\n",
        ),
        (
            ["--scores", "judged.jsonl", "--data", "data", "--set", "critic.test_share=0.9"],
            2,
            "error: critic.test_share must be a number above 0 and at most 0.4, not 0.9\n"
            "  at   --set critic.test_share=0.9\n  fix  for example the default: --set critic.test_share=0.1\n",
        ),
    ],
)
def test_errors(ecrctl, place, arguments, code, err) -> None:
    (place / "trained" / "checkpoints" / "step-000001").mkdir(parents=True)
    refused = ecrctl("train", "critic", *arguments)
    assert (refused.code, refused.out, refused.err) == (code, "", err)
