"""`ecrctl train critic --scores` and `ecrctl rl critic` at the command line, on judgements of a made-up taste."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import tiny_models
from goemotions_fixture import write_encoder
from processed_data import write_processed
from safetensors import safe_open
from safetensors.torch import load_file

from ecr_engine.runs.lock import locked
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


LONG = ("--num_train_epochs", "3", "--per-device-train-batch-size", "8", "--set", "checkpoints.every=4")
"""Twelve steps an epoch or so, a checkpoint after each fourth one."""


def files(folder: Path) -> dict[str, object]:
    """What each file of a trained critic holds, but for the manifest, which has the time."""
    newest = (folder / "latest").resolve()
    found = [path for path in sorted(newest.rglob("*")) if path.is_file() and path.name != "manifest.json"]
    found += [folder / "report.json", folder / "calibration.csv"]
    return {str(path.relative_to(folder)): content(path) for path in found}


def content(path: Path) -> object:
    """The bytes of a file; of tensors, which are not always written in one order, each one's."""
    if path.suffix != ".safetensors":
        return path.read_bytes()
    with safe_open(path, "pt") as opened:
        metadata = opened.metadata()
    return {name: tensor.numpy().tobytes() for name, tensor in load_file(path).items()}, metadata


def cut_back(whole: Path, folder: Path, step: int) -> None:
    """What a kill after the checkpoint of `step` leaves: no later one, no report, a save half made, a stale lock."""
    shutil.copytree(whole, folder, symlinks=True)
    for path in (folder / "checkpoints").iterdir():
        if int(path.name.removeprefix("step-")) > step:
            shutil.rmtree(path)
    for name in ("report.json", "calibration.png", "calibration.csv", "latest", "best"):
        (folder / name).unlink()
    (folder / ".lock").write_text(json.dumps({"pid": 2**22 + 1, "host": socket.gethostname()}), encoding="utf-8")


def test_a_training_that_was_killed_goes_on_exactly(ecrctl, place) -> None:
    keep = ("--set", "checkpoints.keep_last=99", "--quiet")
    done = train(ecrctl, *LONG, *keep, "--output", "whole")
    assert done.code == 0, done.err
    steps = sorted(int(path.name.removeprefix("step-")) for path in (place / "whole" / "checkpoints").iterdir())
    assert steps[0] == 4 and len(steps) > 6
    for step in (steps[0], steps[3], steps[-2]):
        cut_back(place / "whole", place / f"cut{step}", step)
        planned = train(ecrctl, *LONG, *keep, "--output", f"cut{step}", "--resume", "auto", "--dry-run")
        assert line(planned.out, "goes on from") == f"goes on from step-{step:06}"
        resumed = train(
            ecrctl, *LONG, "--set", "checkpoints.keep_last=99", "--output", f"cut{step}", "--resume", "auto"
        )
        assert resumed.code == 0, resumed.err
        assert f"what=taken up at step {step}" in resumed.err.replace('"', "")
        assert files(place / f"cut{step}") == files(place / "whole")
        assert sorted(path.name for path in (place / f"cut{step}").iterdir()) == [
            *("best", "calibration.csv", "calibration.png", "checkpoints", "latest", "report.json")
        ]


def test_killed_and_interrupted_in_mid_training(ecrctl, place) -> None:
    words = [sys.executable, "-m", "ecrctl", "train", "critic", "--scores", "judged.jsonl", "--data", "data", *FAST]
    options = ("--num_train_epochs", "40", "--per-device-train-batch-size", "8", "--set", "checkpoints.every=1")
    made = place / "o" / "checkpoints"
    for number, code in ((signal.SIGKILL, -9), (signal.SIGINT, 130), (signal.SIGTERM, 143)):
        before = len(list(made.glob("step-*"))) and max(path.name for path in made.glob("step-*"))
        started = subprocess.Popen(
            [*words, *options, "--set", "critic.patience=99", "--output", "o", "--resume", "auto"],
            stderr=subprocess.PIPE, text=True, cwd=place,
        )  # fmt: skip
        while started.poll() is None and not any(path.name > (before or "") for path in made.glob("step-*")):
            time.sleep(0.01)
        started.send_signal(number)
        err = started.communicate()[1]
        assert started.returncode == code, err
        newest = max(path.name for path in made.glob("step-*"))
        if number != signal.SIGKILL:
            assert f"interrupted; what was trained is kept in o/checkpoints/{newest}\n" in err
            assert "  fix  type the same command again with --resume auto to go on with it\n" in err
        assert before is None or newest > str(before)
    refused = train(ecrctl, *options, "--output", "o")
    assert (refused.code, refused.err.splitlines()[-1]) == (
        2,
        "  fix  go on with it: --resume auto; or train another beside it: --output o-2",
    )


def test_going_on_with_something_else_is_refused_or_told(ecrctl, place) -> None:
    assert train(ecrctl, *LONG, "--output", "o", "--smoke", "5").code == 0
    asked = (*LONG, "--output", "o", "--smoke", "5", "--set", "critic.warmup_share=0.3")
    refused = train(ecrctl, *asked, "--resume", "auto")
    assert (refused.code, refused.err) == (
        2,
        "error: going on from step-000005 would not be exact: critic.warmup_share: 0.1 before, 0.3 now\n"
        "  at   critic.warmup_share\n  fix  leave it as it was; or accept another result: --resume-anyway; "
        "or train another: --output o-2\n",
    )
    told = train(ecrctl, *asked, "--resume", "step-000004", "--resume-anyway")
    assert told.code == 0, told.err
    assert "so what follows is not what would have followed: critic.warmup_share: 0.1 before, 0.3 now" in told.err
    write_judgements(place / "judged.jsonl", rows()[:-1])
    other = train(ecrctl, *asked, "--resume", "last")
    assert other.code == 2
    assert other.err.startswith(
        "error: going on from step-000005 would not be exact: the judged responses, or how many steps are trained, "
        "have changed\n  at   o/checkpoints/step-000005\n"
    )


@pytest.mark.parametrize(
    ("wish", "code", "err"),
    [
        (
            "last",
            3,
            "error: there is no whole checkpoint to go on from\n  at   o\n"
            "  fix  begin anew: leave --resume out, and name a new folder with --output\n",
        ),
        (
            "step-000007",
            2,
            "error: 'step-000007' is no checkpoint of o\n  at   --resume\n"
            "  fix  it has no checkpoints: train it first\n",
        ),
    ],
    ids=["last", "named"],
)
def test_a_checkpoint_that_is_not_there(ecrctl, place, wish, code, err) -> None:
    refused = train(ecrctl, "--output", "o", "--resume", wish)
    assert (refused.code, refused.err, (place / "o").exists()) == (code, err, False)


def test_a_damaged_checkpoint_is_set_aside(ecrctl, place) -> None:
    assert train(ecrctl, *LONG, "--output", "o", "--smoke", "6").code == 0
    newest = place / "o" / "checkpoints" / "step-000006"
    (newest / "model.safetensors").write_bytes(b"")
    (place / "o" / "best").unlink()
    done = train(ecrctl, *LONG, "--output", "o", "--smoke", "6", "--resume", "auto")
    assert done.code == 0, done.err
    assert "step-000006 is damaged and was set aside as damaged-step-000006" in done.err
    assert "what=taken up at step 4" in done.err.replace('"', "")


def test_two_trainings_of_one_folder(ecrctl, place) -> None:
    (place / "o").mkdir()
    with locked(place / "o" / ".lock", "the folder"):
        refused = train(ecrctl, "--output", "o")
    assert refused.code == 1
    assert refused.err.startswith("error: the folder 'o' is in use by process ")


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
            "  fix  go on with it: --resume auto; or train another beside it: --output trained-2\n",
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
