"""Training the empathy recogniser: weights, loss and scores by hand, that it learns, and what it leaves behind."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from epitome_fixture import NAMES, rows, write_csv, write_encoder, write_epitome
from tiny_models import Recorder, same_weights

from ecr_engine.config.sections.training import EmpathyTrainingSettings
from ecr_engine.data.schema import Split
from ecr_engine.emotion.empathy import find_empathy_recogniser
from ecr_engine.emotion.epitome import EmpathyData, Pair, find_files, prepare
from ecr_engine.errors import DivergedError, UnavailableError, UsageError
from ecr_engine.models.bi_encoder import BiEncoderFacts, build_bi_encoder, load_bi_encoder
from ecr_engine.models.placement import make_accelerator
from ecr_engine.training.empathy import UNGRADED, EmpathyTrainer, Placement, class_weights, grade, train_empathy
from ecr_engine.training.empathy_scores import LevelScores, level_scores, mechanism_reports

SHARES = {"validation_share": 0.2, "test_share": 0.3}
EPOCHS = 16
PLACE = Placement(torch.device("cpu"), scaled=False)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory) -> Path:
    return write_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    return write_epitome(tmp_path_factory.mktemp("epitome"))


def settings(encoder: Path, **changes) -> EmpathyTrainingSettings:
    fields = {
        "max_length": 48,
        "learning_rate": 0.003,
        "batch_size": 8,
        "epochs": EPOCHS,
        "patience": 5,
        "dropout": 0.0,
        "precision": "no",
    }
    return EmpathyTrainingSettings(**{**fields, "encoder": str(encoder), **changes})


def trainer(encoder: Path, data: EmpathyData, recorder: Recorder | None = None, **changes) -> EmpathyTrainer:
    found = settings(encoder, **changes)
    model = build_bi_encoder(BiEncoderFacts(found.encoder, data.mechanisms, 3, found.max_length, 0.0), seed=0)
    accelerator = make_accelerator(torch.device("cpu"), "no")
    return EmpathyTrainer(
        model, data, found, accelerator, seed=0, scaled=False, emit=Recorder() if recorder is None else recorder
    )


def pair(number: int, *levels: int | None) -> Pair:
    return Pair(f"s{number}", f"r{number}", "My week was long.", "I get it.", levels)


def small(train: list[Pair], test: list[Pair], *mechanisms: str) -> EmpathyData:
    parts = {Split.TRAIN: tuple(train), Split.VALID: tuple(test), Split.TEST: tuple(test)}
    return EmpathyData({name: Path(f"{name}.csv") for name in mechanisms}, parts)


def test_every_level_that_occurs_weighs_the_same() -> None:
    # 4 / (2 levels · 3) and 4 / (2 · 1)
    assert class_weights([0, 0, 0, 1]) == pytest.approx((2 / 3, 2.0, 0.0))
    assert class_weights([2, 1, 0]) == pytest.approx((1.0, 1.0, 1.0))


def test_scores_by_hand() -> None:
    # none: 2 of 3 told, 2 of 3 found; weak: told once, found 1 of 2; strong does not occur, and is told once
    found = level_scores([0, 0, 0, 1, 1], [0, 0, 2, 1, 0])
    assert found.accuracy == pytest.approx(0.6)
    assert found.f1 == (pytest.approx(2 / 3), pytest.approx(2 / 3), None)
    assert found.macro_f1 == pytest.approx(2 / 3)
    assert level_scores([2, 2], [0, 2]) == LevelScores(0.5, pytest.approx(2 / 3), (None, None, pytest.approx(2 / 3)))


def test_the_loss_by_hand(encoder: Path) -> None:
    train = [pair(0, 0, None, 2), pair(1, 0, None, 2), pair(2, 0, None, 0), pair(3, 1, None, 0)]
    made = trainer(encoder, small(train, train, "reaction", "exploration"))
    logits = torch.tensor([[[1.0, 0.0, -1.0], [0.0, 0.0, 2.0]], [[0.5, 0.5, 0.0], [9.0, 9.0, 9.0]]])
    levels = torch.tensor([[0, 2], [1, UNGRADED]])

    def cross_entropy(row, level):
        return math.log(sum(math.exp(x) for x in row)) - row[level]

    # reaction: level 0 weighs 4 / (2·3), level 1 weighs 4 / 2; exploration: one pair, so its weight falls out
    reaction = (2 / 3 * cross_entropy([1, 0, -1], 0) + 2 * cross_entropy([0.5, 0.5, 0], 1)) / (2 / 3 + 2)
    exploration = cross_entropy([0, 0, 2], 2)
    found = made.loss(logits, levels, levels)
    assert float(found) == pytest.approx((reaction + exploration) / 2, rel=1e-6)


def test_the_shares_of_two_processes_add_up_to_the_whole(encoder: Path) -> None:
    train = [pair(0, 0, None, 2), pair(1, 0, None, 2), pair(2, 0, None, 0), pair(3, 1, None, 0)]
    made = trainer(encoder, small(train, train, "reaction", "exploration"))
    logits = torch.randn(4, 2, 3, generator=torch.Generator().manual_seed(0))
    levels = torch.tensor([[0, 2], [0, 2], [0, 0], [1, UNGRADED]])
    shares = [made.loss(logits[start::2], levels[start::2], levels) for start in (0, 1)]
    assert float(sum(shares)) == pytest.approx(float(made.loss(logits, levels, levels)), rel=1e-6)


def test_the_report_by_hand() -> None:
    sad, sorry = "I feel sad, it was a rough day.", "I'm so sorry to hear that."
    train = [pair(number, None, None, number % 3 // 2) for number in range(6)]
    test = [
        Pair("t1", "a", sad, sorry, (None, None, 0)),
        Pair("t1", "b", sad, "Would you like to talk about your rough day?", (None, None, 2)),
        Pair("t2", "c", sad, "Go for a walk.", (None, None, 0)),
        Pair("t2", "d", sad, "Go for a walk with me.", (2, None, None)),
    ]
    data = small(train, test, "exploration")
    found = mechanism_reports(data, {"exploration": [0, 1, 1, 2]})
    assert (found["reaction"], found["interpretation"]) == (None, None)
    report = found["exploration"]
    assert (report.file, report.rows) == ("exploration.csv", {"train": 6, "valid": 3, "test": 3})
    assert report.levels == {"none": 2, "weak": 0, "strong": 1}
    # graded 0, 2, 0: told 0, 1, 1
    assert report.trained == LevelScores(
        pytest.approx(1 / 3), pytest.approx(1 / 3), (pytest.approx(2 / 3), None, pytest.approx(0.0))
    )
    # the rules tell 0, 2, 0
    assert report.lexical == LevelScores(1.0, 1.0, (1.0, None, 1.0))
    # always 0: F1 is 2·2 / (2 + 3) and 0
    assert report.majority == LevelScores(
        pytest.approx(2 / 3), pytest.approx(0.4), (pytest.approx(0.8), None, pytest.approx(0.0))
    )


@pytest.fixture(scope="module")
def trained(encoder, files, tmp_path_factory):
    """One training of all mechanisms: its report, its events and its folder."""
    folder, recorder = tmp_path_factory.mktemp("trained") / "empathy", Recorder()
    report = train_empathy(prepare(files, **SHARES), folder, settings(encoder), PLACE, seed=0, emit=recorder)
    return report, recorder, folder


def test_it_learns_what_was_graded(trained) -> None:
    report, _, _ = trained
    for name, found in report.mechanisms.items():
        assert found.trained.macro_f1 > 0.9, name
        # 27 combinations of levels, so a third of the pairs has each level
        assert found.majority.accuracy < 0.5
        assert found.trained.macro_f1 > found.majority.macro_f1 + 0.4


def test_the_folder_gives_the_levels_that_were_reported(trained, files) -> None:
    report, _, folder = trained
    test = prepare(files, **SHARES).parts[Split.TEST]
    levels = find_empathy_recogniser(str(folder), "--empathy").levels([(pair.seeker, pair.response) for pair in test])
    for place, found in enumerate(report.mechanisms.values()):
        right = sum(row[place] == pair.levels[place] for row, pair in zip(levels, test, strict=True))
        assert found.trained.accuracy == right / len(test)
    written = json.loads((folder / "report.json").read_text())
    assert written["mechanisms"]["reaction"]["trained"]["macro_f1"] == report.mechanisms["reaction"].trained.macro_f1
    assert written["mechanisms"]["reaction"]["file"] == str(files["reaction"])
    assert written["posts"] == report.posts == {part.value: prepare(files, **SHARES).posts(part) for part in Split}


def test_it_tells_how_it_goes(trained) -> None:
    report, recorder, _ = trained
    steps = [step for step, _ in recorder.of("step")]
    assert steps == list(range(1, report.steps + 1))
    assert recorder.of("progress")[0] == (
        1,
        {"done": 1, "total": EPOCHS * math.ceil(_rows(report) / 8), "what": "steps"},
    )
    rates = [values["train/lr"] for _, values in recorder.of("step")]
    assert max(rates) == pytest.approx(0.003, rel=0.05) and rates[0] < max(rates)
    validations = recorder.of("validation")
    assert all(
        values["eval/macro_f1"] == pytest.approx(sum(values[f"eval/{name}_macro_f1"] for name in report.mechanisms) / 3)
        for _, values in validations
    )
    best = max(validations, key=lambda found: found[1]["eval/macro_f1"])
    assert (report.best_step, report.validation_macro_f1) == (best[0], best[1]["eval/macro_f1"])


def _rows(report) -> int:
    return report.mechanisms["reaction"].rows["train"]


def test_the_same_seed_gives_the_same_weights(encoder, files, tmp_path) -> None:
    data = prepare(files, **SHARES)
    quick = settings(encoder, epochs=1, dropout=0.1)
    for name, seed in (("one", 0), ("same", 0), ("other", 1)):
        train_empathy(data, tmp_path / name, quick, PLACE, seed=seed, emit=Recorder())
    one, same, other = (load_bi_encoder(tmp_path / name) for name in ("one", "same", "other"))
    assert same_weights(one, same)
    assert not same_weights(one, other)


def test_the_best_weights_are_put_back_when_the_patience_is_out(encoder, files, monkeypatch) -> None:
    made = trainer(encoder, prepare(files, **SHARES), patience=2, epochs=8, learning_rate=1e-4)
    scores, seen = iter([0.2, 0.6, 0.5, 0.6, 0.9]), []

    def validate(step: int) -> float:
        seen.append((step, {name: weight.clone() for name, weight in made.bare.state_dict().items()}))
        return next(scores)

    monkeypatch.setattr(made, "_validate", validate)
    kept = made.train()
    per_epoch = math.ceil(len(made.data.parts[Split.TRAIN]) / 8)
    assert (kept.steps, kept.best_step, kept.macro_f1) == (4 * per_epoch, 2 * per_epoch, 0.6)
    assert len(seen) == 4
    best, last = seen[1][1], seen[3][1]
    assert all(torch.equal(weight, best[name]) for name, weight in made.bare.state_dict().items())
    assert not all(torch.equal(weight, last[name]) for name, weight in made.bare.state_dict().items())


def test_a_smoke_run_takes_so_many_steps(encoder, files, tmp_path) -> None:
    recorder = Recorder()
    report = train_empathy(
        prepare(files, **SHARES), tmp_path / "out", settings(encoder), PLACE, seed=0, emit=recorder, max_steps=2
    )
    assert (report.steps, report.best_step, len(recorder.of("step"))) == (2, 2, 2)


def test_a_mechanism_without_a_file_is_not_trained(encoder, tmp_path) -> None:
    data = prepare(write_epitome(tmp_path, ("interpretation",)), **SHARES)
    report = train_empathy(data, tmp_path / "out", settings(encoder), PLACE, seed=0, emit=Recorder(), max_steps=1)
    assert {name: found is None for name, found in report.mechanisms.items()} == {
        "reaction": True,
        "interpretation": False,
        "exploration": True,
    }
    assert load_bi_encoder(tmp_path / "out").facts.mechanisms == ("interpretation",)
    explained = find_empathy_recogniser(str(tmp_path / "out"), "--empathy").explanation
    assert explained.endswith("not trained for reaction, exploration: graded by 'lexical'")


def test_files_that_grade_different_pairs_train_one_model(encoder, tmp_path) -> None:
    write_csv(tmp_path / NAMES["reaction"], rows("reaction")[::2])
    write_csv(tmp_path / NAMES["exploration"], rows("exploration")[1::2])
    data = prepare(find_files([str(tmp_path)]), **SHARES)
    assert {pair.levels.count(None) for pair in data.parts[Split.TRAIN]} == {2}
    made = trainer(encoder, data)
    made.train(max_steps=2)
    assert set(grade(made.bare, data.parts[Split.TEST])) == {"reaction", "exploration"}


def test_a_loss_that_is_not_finite(encoder, files) -> None:
    made = trainer(encoder, prepare(files, **SHARES), learning_rate=0.002)
    with torch.no_grad():
        made.bare.head.bias[0] = math.nan
    with pytest.raises(DivergedError) as caught:
        made.train()
    problem = caught.value.problems[0]
    assert (problem.what, problem.at, problem.fix) == (
        "the loss is nan at step 1",
        "empathy, step 1",
        "lower the learning rate: --set empathy_training.learning_rate=0.0002",
    )


def test_an_output_that_is_there(encoder, files, tmp_path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").touch()
    with pytest.raises(UsageError) as caught:
        train_empathy(prepare(files, **SHARES), tmp_path / "out", settings(encoder), PLACE, seed=0, emit=Recorder())
    problem = caught.value.problems[0]
    assert (problem.what, problem.at, problem.fix) == (
        "the output folder holds other files",
        str(tmp_path / "out"),
        "give a folder that is new or empty",
    )


def test_what_is_interrupted_leaves_nothing(encoder, files, tmp_path) -> None:
    def interrupt(stage, kind, *_, **__) -> None:
        if kind == "step":
            raise KeyboardInterrupt

    data = prepare(files, **SHARES)
    with pytest.raises(KeyboardInterrupt):
        train_empathy(data, tmp_path / "a" / "out", settings(encoder), PLACE, seed=0, emit=interrupt)
    with pytest.raises(UnavailableError):
        train_empathy(data, tmp_path / "a" / "out", settings(tmp_path / "no"), PLACE, seed=0, emit=interrupt)
    assert list(tmp_path.iterdir()) == []
