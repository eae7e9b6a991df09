"""`ecrctl train emotion` at the command line, with an encoder of a few thousand weights."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import tiny_models
from goemotions_fixture import write_encoder, write_goemotions
from processed_data import write_processed

assert tiny_models  # one thread

FAST = ("--set", "emotion.learning_rate=1e-4", "--set", "emotion.precision=no", "--set", "emotion.batch_size=16")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The working folder, with the encoder and the corpus."""
    write_encoder(tmp_path / "encoder")
    write_goemotions(tmp_path / "data")
    return tmp_path


def row(text: str, start: str) -> str:
    """The first line that starts so, single-spaced."""
    return next(" ".join(line.split()) for line in text.splitlines() if line.startswith(start))


def train(ecrctl, arguments: str):
    """Runs the command with rates that suit random weights of width 32."""
    return ecrctl("train", "emotion", "--data", "data", *arguments.split(), *FAST)


def test_a_training_is_told_written_and_used(ecrctl, place) -> None:
    done = train(ecrctl, "--encoder encoder --set emotion.epochs=6")
    assert done.code == 0, done.err
    assert row(done.out, "emotion") == "emotion precision recall F1 texts F1 lexical F1 always like"
    # eight emotions, each in an eighth of the texts
    assert row(done.out, "curious").split()[4] == "6"
    assert row(done.out, "macro").split()[4::2] == ["48", "0.028"]
    assert row(done.out, "micro").split()[4::2] == ["48", "0.125"]
    assert float(row(done.out, "macro").split()[3]) > 0.9
    assert "nostalgia: not in this source, and not averaged in" in done.out
    taken = done.out.partition("taken for, in %")[2]
    assert row(taken, "surprise").endswith(" 100 6")
    assert row(done.out, "to use it").endswith("ecrctl data annotate PROCESSED --recogniser recognisers/emotion")
    assert "stage=emotion event=validation step=20 eval/macro_f1=" in done.err

    write_processed(place / "p")
    annotated = ecrctl("data", "annotate", "p", "--recogniser", "recognisers/emotion", "--json")
    assert annotated.code == 0, annotated.err
    document = json.loads(annotated.out)
    assert (document["recogniser"], document["seeker_turns"]) == ("recognisers/emotion", 3)
    # "Thanks so much, bye" knows one word that gives gratitude away
    assert document["labels"]["grateful"]["turns"] == 1
    assert document["labels"]["nostalgia"]["turns"] == 0


def test_json_is_one_document(ecrctl, place) -> None:
    done = train(ecrctl, "--encoder encoder --output o --smoke --json --quiet")
    assert (done.code, done.err) == (0, "")
    document = json.loads(done.out)
    assert (document["folder"], document["train"], document["fit"]["steps"]) == ("o", 32, 2)
    assert set(document["report"]["trained"]["labels"]["like"]) == {"precision", "recall", "f1", "support"}
    assert document["report"] == json.loads((place / "o" / "emotion.json").read_text())["report"]


def test_limit(ecrctl, place) -> None:
    document = json.loads(train(ecrctl, "--encoder encoder --output o --limit 32 --json").out)
    assert (document["train"], document["dev"], document["report"]["texts"]) == (32, 32, 32)


def test_a_dry_run_shows_the_plan_and_writes_nothing(ecrctl, place) -> None:
    before = sorted(place.rglob("*"))
    done = train(ecrctl, "--dry-run --seed 7 --limit 40")
    assert done.code == 0, done.err
    assert row(done.out, "like") == "like 5 5 5"
    assert row(done.out, "nostalgia") == "nostalgia not in this source"
    assert row(done.out, "texts") == "texts 40 train, 40 dev, 40 test"
    # 40 texts are 3 steps of 16, in each of 2 epochs
    assert row(done.out, "steps") == "steps 6"
    assert row(done.out, "emotion.encoder") == "emotion.encoder minilm-l6"
    assert row(done.out, "seed") == "seed 7"
    document = json.loads(train(ecrctl, "--dry-run --json").out)
    # 320 texts are 20 steps of 16, in each of 2 epochs
    assert (document["steps"], document["settings"]["epochs"]) == (40, 2)
    assert sorted(place.rglob("*")) == before


def test_a_dry_run_loads_no_torch(place) -> None:
    code = (
        "import sys\nfrom ecrctl.__main__ import invoke\n"
        "assert invoke(['train', 'emotion', '--data', 'data', '--dry-run']) == 0\n"
        "print([name for name in ('torch', 'transformers') if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=place)
    assert done.stderr == "[]\n"


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_texts_that_all_show_one_emotion(ecrctl, place, more) -> None:
    write_goemotions(place / "same", emotions=("neutral",))
    refused = ecrctl("train", "emotion", "--data", "same", "--encoder", "encoder", "--output", "out", *more)
    assert (refused.code, refused.out, refused.err) == (
        3,
        "",
        "error: all 320 training texts show neutral\n  at   train.tsv\n"
        "  fix  train on texts of at least two emotions: nothing can be learned from one\n",
    )
    assert not (place / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "err"),
    [
        (
            ["--data", "none"],
            3,
            "error: there is no folder 'none'\n  at   none\n"
            "  fix  give GoEmotions' folder, or fetch the corpus: ecrctl data fetch goemotions --output DIR\n",
        ),
        (
            ["--data", "data", "--output", "trained"],
            2,
            "error: the folder holds a trained recogniser already\n  at   trained\n"
            "  fix  train another beside it: --output trained-2; or remove this one\n",
        ),
        (
            ["--data", "data", "--output", "data"],
            2,
            "error: the output folder holds other files\n  at   {}/data\n  fix  give a folder that is new or empty\n",
        ),
        (
            ["--data", "data", "--encoder", "small"],
            2,
            "error: 'small' can't be fine-tuned to recognise emotions: it is a small encoder, trained from nothing on "
            "the run's own data\n  at   emotion.encoder\n"
            "  fix  use one of minilm-l6, roberta-base, or a folder with a pretrained encoder\n",
        ),
        (
            ["--data", "data", "--limit", "19"],
            2,
            "error: the value must be at least 20, not 19\n  at   ecrctl train emotion --limit\n"
            "  fix  ecrctl train emotion --help\n",
        ),
        (
            ["--data", "data", "--set", "emotion.gamma=-1"],
            2,
            "error: emotion.gamma must be a number of at least 0, not -1\n  at   --set emotion.gamma=-1\n"
            "  fix  for example the default: --set emotion.gamma=1.0\n",
        ),
    ],
    ids=["no data", "trained already", "other files", "no pretrained encoder", "limit", "gamma"],
)
def test_errors(ecrctl, place, arguments, code, err) -> None:
    (place / "trained").mkdir()
    (place / "trained" / "emotion.json").write_text("{}")
    refused = ecrctl("train", "emotion", *arguments)
    assert (refused.code, refused.out, refused.err) == (code, "", err.replace("{}", str(place)))


def test_an_encoder_that_cant_be_had(ecrctl, place) -> None:
    (place / "empty").mkdir()
    refused = ecrctl("train", "emotion", "--data", "data", "--encoder", "empty", "--quiet")
    assert refused.code == 5
    first, at, fix = refused.err.splitlines()
    assert first.startswith("error: encoder 'empty' can't be loaded: ")
    assert (at, fix) == ("  at   emotion.encoder", "  fix  name a local folder with the encoder")
    assert not (place / "recognisers").exists()


def test_annotate_with_a_folder_that_is_no_recogniser(ecrctl, place) -> None:
    write_processed(place / "p")
    refused = ecrctl("data", "annotate", "p", "--recogniser", "encoder")
    assert (refused.code, refused.err) == (
        3,
        "error: the folder holds no trained emotion recogniser\n  at   encoder/emotion.json\n"
        "  fix  make one: ecrctl train emotion --data FOLDER --output DIR\n",
    )
