"""A trained recogniser: from probabilities to emotions, and from a folder to a recogniser."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from goemotions_fixture import write_encoder

from ecr_engine.emotion.recognition import find_recogniser
from ecr_engine.emotion.trained import Decision, TrainedRecogniser, load_recogniser
from ecr_engine.errors import DataError
from ecr_engine.models.classifier import build_classifier

LABELS = ("like", "happy", "neutral")
FACTS = {
    "labels": list(LABELS),
    "thresholds": {"like": 0.4, "happy": 0.25, "neutral": 0.3},
    "max_length": 16,
    "slot": "[NAME]",
    "encoder": "tiny",
}
RETRAIN = "make one: ecrctl train emotion --data FOLDER --output DIR"


def problem(caught):
    (found,) = caught.value.problems
    return found.what, found.at, found.fix


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A recogniser that has learned nothing, as a folder."""
    classifier = build_classifier(str(write_encoder(tmp_path / "encoder")), 3, max_length=16, seed=0, at="")
    classifier.save(tmp_path / "trained")
    (tmp_path / "trained" / "emotion.json").write_text(json.dumps(FACTS))
    return tmp_path / "trained"


@pytest.mark.parametrize(
    ("chances", "shown"),
    [
        ((0.5, 0.1, 0.2), (("like", 0.5),)),
        ((0.4, 0.9, 0.2), (("happy", 0.9), ("like", 0.4))),
        ((0.41, 0.26, 0.9), (("neutral", 0.9), ("like", 0.41))),
        ((0.39, 0.24, 0.29), (("neutral", 0.29),)),
    ],
    ids=["one", "the likelier first", "two at most", "neutral alone if none"],
)
def test_from_probabilities_to_emotions(chances, shown) -> None:
    assert Decision(LABELS, FACTS["thresholds"]).shown(chances) == shown


class Counting:
    """A classifier whose probabilities say how many tokens a text has, and which texts it was given."""

    def __init__(self):
        self.read = []

    def encode(self, texts):
        self.read.append(texts)
        return [text.split() for text in texts]

    def probabilities(self, rows):
        return torch.tensor([[0.5, len(row) / 8, 0.25] for row in rows])


def test_slots_are_read_as_names_and_no_word_is_neutral() -> None:
    classifier = Counting()
    recogniser = TrainedRecogniser(
        "d", classifier, Decision(LABELS, FACTS["thresholds"]), slot="[NAME]", encoder="tiny"
    )
    assert recogniser.recognise(["i saw <movie> and <movie> too", " ", "", "no"]) == [
        (("happy", 0.75), ("like", 0.5)),
        (("neutral", 1.0),),
        (("neutral", 1.0),),
        (("like", 0.5),),
    ]
    assert classifier.read == [["i saw [NAME] and [NAME] too", " ", "", "no"]]
    assert recogniser.recognise([]) == []


def test_a_folder_is_found_by_its_name_and_says_what_its_weights_say(folder: Path) -> None:
    recogniser = find_recogniser(str(folder))
    assert (recogniser.name, recogniser.labels) == (str(folder), LABELS)
    assert recogniser.explanation == "tiny, fine-tuned on labelled texts, with a threshold for each label"
    head = torch.nn.Linear(32, 3)
    with torch.no_grad():
        head.weight.zero_()
        head.bias.copy_(torch.logit(torch.tensor([0.6, 0.7, 0.2])))
    from safetensors.torch import save_file

    save_file(dict(head.state_dict()), folder / "head.safetensors")
    found = find_recogniser(str(folder)).recognise(["wow", "", "the movie " * 1000, "‮שלום 🎬 \x00"])
    both = (("happy", pytest.approx(0.7)), ("like", pytest.approx(0.6)))
    assert found == [both, (("neutral", 1.0),), both, both]


def test_a_folder_without_a_recogniser(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        find_recogniser(str(tmp_path))
    where = str(tmp_path / "emotion.json")
    assert problem(caught) == ("the folder holds no trained emotion recogniser", where, RETRAIN)


@pytest.mark.parametrize(
    "wrong",
    [
        {"thresholds": {"like": 0.4}},
        {"labels": ["like", "joy", "neutral"], "thresholds": {"like": 0.4, "joy": 0.25, "neutral": 0.3}},
        {"labels": ["like"], "thresholds": {"like": 0.4}},
        {"thresholds": {"like": "0.4", "happy": 0.25, "neutral": 0.3}},
        {"max_length": None},
        {"slot": 1},
    ],
)
def test_facts_that_do_not_fit(folder: Path, wrong) -> None:
    path = folder / "emotion.json"
    path.write_text(json.dumps({**FACTS, **wrong}))
    with pytest.raises(DataError) as caught:
        load_recogniser(folder)
    what = "emotion.json must hold labels, a threshold for each, max_length, slot and encoder"
    assert problem(caught) == (what, str(path), RETRAIN)


def test_facts_that_are_no_json(folder: Path) -> None:
    path = folder / "emotion.json"
    path.write_text('{\n"labels": [}')
    with pytest.raises(DataError) as caught:
        load_recogniser(folder)
    assert problem(caught) == ("emotion.json is not JSON: Expecting value", f"{path}:2", RETRAIN)


def test_finding_the_default_loads_no_torch() -> None:
    import subprocess
    import sys

    code = (
        "import sys\nimport ecr_engine.emotion.trained, ecr_engine.emotion.annotation, ecr_engine.emotion.goemotions\n"
        "from ecr_engine.emotion.recognition import find_recogniser\nfind_recogniser('lexical')\n"
        "print([name for name in ('torch', 'transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
