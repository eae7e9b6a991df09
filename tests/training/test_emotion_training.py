"""Training of the emotion recogniser, with an encoder of a few thousand weights."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from goemotions_fixture import write_encoder, write_goemotions
from tiny_models import Recorder

from ecr_engine.config.sections.training import EmotionSettings
from ecr_engine.emotion.goemotions import LabelledText, read_goemotions
from ecr_engine.emotion.recogniser import recognise
from ecr_engine.emotion.trained import load_recogniser
from ecr_engine.errors import DivergedError, UnavailableError, UsageError
from ecr_engine.models.classifier import build_classifier
from ecr_engine.models.placement import make_accelerator
from ecr_engine.training._layerwise import parameter_groups
from ecr_engine.training.emotion import EmotionTrainer, focal_loss, train_emotion
from ecr_engine.training.emotion_plan import cut, plan_emotion
from ecr_engine.training.emotion_report import LabelScore, best_thresholds, confusion, scores

COVERED = ("like", "curious", "happy", "grateful", "negative", "neutral", "agreement", "surprise")


def problem(caught):
    (found,) = caught.value.problems
    return found.what, found.at, found.fix


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with the encoder and the corpus."""
    place = tmp_path_factory.mktemp("emotion")
    write_encoder(place / "encoder")
    write_goemotions(place / "data")
    return place


def settings(place: Path, **changes) -> EmotionSettings:
    # a rate that is right for the real width is far too small for random weights of width 32
    given = {"encoder": str(place / "encoder"), "learning_rate": 1e-4, "batch_size": 16, "epochs": 6, "precision": "no"}
    return EmotionSettings(**{**given, **changes})


def train(place: Path, output: Path, *, emit=None, corpus=None, most_steps=None, seed=0, **changes):
    return train_emotion(
        corpus or read_goemotions(place / "data"),
        output,
        settings(place, **changes),
        seed=seed,
        scaled=True,
        device=torch.device("cpu"),
        emit=emit or Recorder(),
        most_steps=most_steps,
    )


@pytest.fixture(scope="module")
def trained(place: Path):
    """One whole training: its result and its events."""
    recorder = Recorder()
    return train(place, place / "trained", emit=recorder), recorder


def test_focal_loss_by_hand() -> None:
    # p of what is true: 0.8 and 0.25
    logits = torch.logit(torch.tensor([[0.8, 0.75]], dtype=torch.float64))
    truth = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    plain = -math.log(0.8) - math.log(0.25)
    focal = -(0.2**2) * math.log(0.8) - 0.75**2 * math.log(0.25)
    assert focal_loss(logits, truth, 0.0).tolist() == pytest.approx([plain])
    assert focal_loss(logits, truth, 2.0).tolist() == pytest.approx([focal])


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_loss_has_a_slope_where_nothing_is_wrong_any_more(gamma: float) -> None:
    logits = torch.tensor([[200.0, -200.0]], requires_grad=True)
    focal_loss(logits, torch.tensor([[1.0, 0.0]]), gamma).sum().backward()
    assert torch.isfinite(logits.grad).all()


def test_lower_layers_learn_more_slowly(place: Path) -> None:
    classifier = build_classifier(str(place / "encoder"), 8, max_length=16, seed=0, at="")
    groups = parameter_groups(classifier, layer_decay=0.5, head_factor=5.0, weight_decay=0.01)
    found = {id(p): (group["scale"], group["weight_decay"]) for group in groups for p in group["params"]}
    named = dict(classifier.named_parameters())
    assert len(found) == len(named)
    expected = {
        "head.weight": (5.0, 0.01),
        "head.bias": (5.0, 0.0),
        "encoder.encoder.layer.1.output.dense.weight": (1.0, 0.01),
        "encoder.encoder.layer.0.output.dense.bias": (0.5, 0.0),
        "encoder.embeddings.word_embeddings.weight": (0.25, 0.01),
        "encoder.embeddings.LayerNorm.weight": (0.25, 0.0),
    }
    assert {name: found[id(named[name])] for name in expected} == expected


def test_scores_by_hand() -> None:
    truth = [("like",), ("like", "happy"), ("happy",), ("neutral",)]
    found = [("like",), ("like",), ("neutral", "like"), ("nostalgia",)]
    made = scores("x", truth, found, ("like", "happy", "neutral", "surprise"))
    assert made.labels == {
        "like": LabelScore(2 / 3, 1.0, 0.8, 2),
        "happy": LabelScore(0.0, 0.0, 0.0, 2),
        "neutral": LabelScore(0.0, 0.0, 0.0, 1),
        "surprise": LabelScore(0.0, 0.0, 0.0, 0),
    }
    # no text shows surprise, so the mean is over three; 2 of 4 found are right, of 5 to be found
    assert made.macro == LabelScore(pytest.approx(2 / 9), pytest.approx(1 / 3), pytest.approx(0.8 / 3), 5)
    assert made.micro == LabelScore(0.5, 0.4, pytest.approx(4 / 9), 5)


def test_confusion_looks_at_texts_with_one_label_and_at_what_came_first() -> None:
    truth = [("like",), ("like",), ("happy",), ("like", "happy")]
    found = [("happy", "like"), ("like",), ("happy",), ("happy",)]
    assert confusion(truth, found, ("like", "happy")).counts == ((1, 1), (0, 1))


def test_thresholds_are_those_with_the_best_f1_of_each_label() -> None:
    probabilities = np.array([[0.9, 0.30], [0.6, 0.20], [0.505, 0.10], [0.1, 0.05]], dtype=np.float32)
    truth = np.array([[1, 1], [0, 1], [1, 1], [0, 0]], dtype=bool)
    # like: 0.11 … 0.50 finds three of which two are right (F1 0.8), 0.61 … one of two (0.67); happy: 0.06 … 0.10 all
    assert best_thresholds(probabilities, truth) == [0.11, 0.06]
    assert best_thresholds(probabilities, np.zeros((4, 2), dtype=bool)) == [0.5, 0.5]


def test_it_learns_what_gives_an_emotion_away(trained) -> None:
    training, recorder = trained
    report = training.report
    assert report.trained.macro.f1 > 0.9
    test = read_goemotions(training.folder.parent / "data").test
    by_words = sum(text.emotions[0] in dict(recognise(text.text)) for text in test)
    assert report.lexical.micro.recall == pytest.approx(by_words / 48)
    # 8 emotions in turn: always the same one has precision 1/8 and recall 1, F1 2/9, over eight labels 1/36
    assert report.majority.macro.f1 == pytest.approx(1 / 36)
    assert report.majority.micro.f1 == pytest.approx(1 / 8)
    assert (report.texts, report.not_covered) == (48, ("nostalgia",))
    assert [sum(row) for row in report.confusion.counts] == [6] * 8
    validations = [values["eval/macro_f1"] for _, values in recorder.of("validation")]
    assert training.fit.dev_macro_f1 == max(validations)
    assert training.fit.best_epoch == validations.index(max(validations)) + 1
    # stopped one epoch after the best, or at the end; 320 texts are 20 steps an epoch
    assert len(validations) == min(training.fit.best_epoch + 1, 6)
    assert training.fit.steps == 20 * len(validations)


def test_the_rate_rises_and_falls_at_the_width_it_is_stated_for(place: Path, tmp_path: Path) -> None:
    recorder = Recorder()
    train(place, tmp_path / "o", emit=recorder, epochs=1, warmup_share=0.1)
    rates = [values["train/lr"] for _, values in recorder.of("step")]
    # 1e-4 at width 4096 is 1.28e-2 at 32; two steps of warm-up, then down towards a tenth
    assert rates[:3] == pytest.approx([0.0064, 0.0128, 0.0128])
    assert rates[11] == pytest.approx(0.0128 * (0.1 + 0.9 * 0.5))
    assert len(rates) == 20


def test_the_folder_is_the_recogniser_that_was_measured(trained) -> None:
    training, _ = trained
    texts = read_goemotions(training.folder.parent / "data").test
    found = load_recogniser(training.folder).recognise([text.text for text in texts])
    made = scores("trained", [t.emotions for t in texts], [[e for e, _ in row] for row in found], COVERED)
    assert made == training.report.trained
    facts = json.loads((training.folder / "emotion.json").read_text())
    assert facts["thresholds"] == dict(zip(COVERED, training.fit.thresholds, strict=True))
    assert facts["report"]["trained"]["macro"]["f1"] == training.report.trained.macro.f1
    assert (facts["mapping"]["caring"], facts["texts"]) == ("like", {"train": 320, "dev": 48, "test": 48})
    assert (facts["fingerprint"], facts["not_covered"]) == (training.fingerprint, ["nostalgia"])
    assert facts["training"]["settings"]["batch_size"] == 16


def test_the_same_seed_gives_the_same_bytes(place: Path, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(place, tmp_path / name, seed=seed, epochs=1)
    # The manifest says when it was written.
    contents = [
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir() if path.name != "manifest.json"}
        for name in "abc"
    ]
    assert contents[0] == contents[1]
    assert contents[0]["model.safetensors"] != contents[2]["model.safetensors"]


def test_bf16_learns_as_well(place: Path, tmp_path: Path) -> None:
    assert train(place, tmp_path / "o", precision="bf16").report.trained.macro.f1 > 0.9


def test_the_weights_of_the_best_epoch_are_kept_and_patience_runs_out(place: Path, monkeypatch) -> None:
    classifier = build_classifier(str(place / "encoder"), 8, max_length=16, seed=0, at="")
    told = iter([(0.3, (0.1,) * 8), (0.9, (0.2,) * 8), (0.5, (0.3,) * 8), (0.9, (0.4,) * 8), (1.0, (0.5,) * 8)])
    seen = []

    def validate(trainer, *given):
        seen.append({name: weight.clone() for name, weight in classifier.state_dict().items()})
        return next(told)

    monkeypatch.setattr(EmotionTrainer, "_validate", validate)
    accelerator = make_accelerator(torch.device("cpu"), "no")
    trainer = EmotionTrainer(classifier, settings(place, patience=2), accelerator, seed=0, scaled=True, emit=Recorder())
    corpus = read_goemotions(place / "data")
    fit = trainer.train(corpus.train[:32], corpus.dev, most_steps=None)
    assert (fit.best_epoch, fit.dev_macro_f1, fit.thresholds, fit.steps) == (2, 0.9, (0.2,) * 8, 8)
    assert len(seen) == 4
    final = classifier.state_dict()
    assert all(torch.equal(final[name], weight) for name, weight in seen[1].items())
    assert not torch.equal(final["head.weight"], seen[2]["head.weight"])


def test_biases_start_at_the_log_odds_of_the_labels(place: Path) -> None:
    classifier = build_classifier(str(place / "encoder"), 8, max_length=16, seed=0, at="")
    # rates of next to nothing, so that the biases stay where they start
    still = settings(place, learning_rate=1e-12, epochs=1)
    accelerator = make_accelerator(torch.device("cpu"), "no")
    trainer = EmotionTrainer(classifier, still, accelerator, seed=0, scaled=True, emit=Recorder())
    rows = [LabelledText("the movie", ("like",))] * 12 + [LabelledText("the day", ("like", "neutral"))] * 4
    trainer.train(rows, rows, most_steps=1)
    # neutral is in a quarter; never and always are taken as 1 and 999 in 1,000
    expected = dict.fromkeys(COVERED, math.log(1 / 999)) | {"like": math.log(999), "neutral": math.log(1 / 3)}
    assert classifier.head.bias.tolist() == pytest.approx(list(expected.values()), abs=1e-3)


def test_a_few_steps_on_a_few_texts(place: Path, tmp_path: Path) -> None:
    corpus = read_goemotions(place / "data")
    few = cut(corpus, settings(place), limit=40, smoke=2)
    assert (len(few.train), len(few.dev), len(few.test)) == (32, 40, 40)
    assert len(cut(corpus, settings(place), limit=None, smoke=1).train) == 20
    assert cut(corpus, settings(place), limit=None, smoke=None) == corpus
    recorder = Recorder()
    training = train(place, tmp_path / "o", emit=recorder, corpus=few, most_steps=2)
    assert (training.fit.steps, training.train, training.report.texts) == (2, 32, 40)
    assert [values["total"] for _, values in recorder.of("progress")] == [2, 2]
    assert (tmp_path / "o" / "emotion.json").is_file()


def test_an_emotion_without_a_training_text_is_told(place: Path, tmp_path: Path) -> None:
    write_goemotions(tmp_path / "data", emotions=("like", "neutral", "happy"))
    recorder = Recorder()
    train(place, tmp_path / "o", emit=recorder, corpus=read_goemotions(tmp_path / "data"), most_steps=1)
    (warning,) = recorder.of("warning")
    assert warning[1] == {
        "what": "no training text shows curious, grateful, negative, agreement, surprise: it can't be learned",
        "fix": "train on more texts",
    }


def test_an_output_with_a_recogniser_or_other_files(place: Path, tmp_path: Path) -> None:
    (tmp_path / "o").mkdir()
    (tmp_path / "o" / "emotion.json").write_text("{}")
    with pytest.raises(UsageError) as caught:
        train(place, tmp_path / "o")
    assert problem(caught) == (
        "the folder holds a trained recogniser already",
        str(tmp_path / "o"),
        f"train another beside it: --output {tmp_path / 'o'}-2; or remove this one",
    )
    (tmp_path / "o" / "emotion.json").rename(tmp_path / "o" / "notes.txt")
    with pytest.raises(UsageError) as caught:
        train(place, tmp_path / "o")
    assert problem(caught)[:2] == ("the output folder holds other files", str(tmp_path / "o"))


def test_what_fails_or_is_stopped_leaves_nothing(place: Path, tmp_path: Path) -> None:
    with pytest.raises(DivergedError) as caught:
        train(place, tmp_path / "new" / "o", learning_rate=1.0, head_factor=1e30, max_grad_norm=1e30)
    what, at, fix = problem(caught)
    assert what == "the gradient is not finite"
    assert at.startswith("emotion, step ")
    assert fix == "lower the learning rate: --set emotion.learning_rate=0.3"

    def stop(stage, kind, step=0, /, **values):
        if kind == "step" and step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(place, tmp_path / "new" / "o", emit=stop)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("encoder", "what"), [("small", "a small encoder, trained from nothing"), ("tiny", "a small Llama, trained from")]
)
def test_models_that_are_no_pretrained_encoders(place: Path, tmp_path: Path, encoder: str, what: str) -> None:
    with pytest.raises(UsageError) as caught:
        train(place, tmp_path / "o", encoder=encoder)
    found, at, fix = problem(caught)
    assert found.startswith(f"'{encoder}' can't be fine-tuned to recognise emotions: it is {what}")
    assert (at, fix) == (
        "emotion.encoder",
        "use one of minilm-l6, roberta-base, or a folder with a pretrained encoder",
    )


def test_an_encoder_that_cant_be_had(place: Path, tmp_path: Path) -> None:
    with pytest.raises(UnavailableError) as caught:
        train(place, tmp_path / "o", encoder=str(place / "none"))
    assert problem(caught)[1] == "emotion.encoder"
    assert list(tmp_path.iterdir()) == []


def test_the_plan(place: Path, tmp_path: Path) -> None:
    corpus = read_goemotions(place / "data")
    plan = plan_emotion(corpus, tmp_path / "o", settings(place), seed=3, device="auto")
    assert (plan.texts, plan.steps) == ({"train": 320, "dev": 48, "test": 48}, 120)
    assert plan.labels["train"] == dict.fromkeys(COVERED, 40)
    assert plan.labels["test"] == dict.fromkeys(COVERED, 6)
    assert plan_emotion(corpus, tmp_path / "o", settings(place), seed=3, device="auto", most_steps=7).steps == 7
    with pytest.raises(UsageError, match="can't be fine-tuned"):
        plan_emotion(corpus, tmp_path / "o", settings(place, encoder="small"), seed=3, device="auto")
