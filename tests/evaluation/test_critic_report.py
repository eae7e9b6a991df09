"""The report of a critic: labels by name, the two predictors beside it, crossed labels, and the calibration."""

import csv
import random

import pytest
from tiny_models import Recorder, tiny_critic

from ecr_engine.data.schema import Split
from ecr_engine.evaluation.critic_report import HeadColumns, crossings, head_columns, length_only, measure_critic
from ecr_engine.evaluation.plots.calibration import bins, calibration
from ecr_engine.models.critic import CriticOrigin
from ecr_engine.models.critic_predictions import Predictions
from ecr_engine.pipeline.critic_files import tell_report, write_report
from ecr_engine.training.critic_labels import JudgedResponse, JudgedSet


def row(words, overall, empathy, engagement, dialogue, emotions=("like",)):
    response = " ".join(["good"] * words)
    quality = {"engagement": engagement, "empathy": empathy}
    return JudgedResponse("seeker: hello", response, overall, quality, emotions, dialogue)


def judged(test, train):
    parts = {Split.TRAIN: tuple(train), Split.VALID: (), Split.TEST: tuple(test)}
    return JudgedSet(parts, ("empathy", "engagement"), ("rubric",), {}, failed=0)


def test_predictions_meet_their_labels_by_name():
    test = [row(2, 0.5, 0.1, 0.9, "1"), row(4, 0.7, 0.2, 0.8, "2", ("negative",))]
    said = Predictions((0.4, 0.6), (0.3, 0.3), {"engagement": (0.7, 0.6), "empathy": (0.0, 0.3)}, {"like": (0.9, 0.2)})
    found = {each.head: each for each in head_columns(said, judged(test, [row(3, 0.6, 0.3, 0.4, "3")]))}
    assert list(found) == ["overall", "before the response", "engagement", "empathy", "like"]
    assert (found["empathy"].said, found["empathy"].truth, found["empathy"].known) == ((0.0, 0.3), (0.1, 0.2), (0.3,))
    assert (found["engagement"].said, found["engagement"].truth) == ((0.7, 0.6), (0.9, 0.8))
    assert (found["overall"].words, found["overall"].known_words) == ((2, 4), (3,))
    # The value of the context alone, and the seeker's emotions, are not told by the response's words.
    assert found["before the response"].words == (2, 2)
    assert (found["like"].truth, found["like"].words) == ((1.0, 0.0), (2, 2))


def test_an_emotion_that_all_or_none_show_has_no_row():
    test = [row(2, 0.5, 0.1, 0.9, "1"), row(4, 0.7, 0.2, 0.8, "2")]
    said = Predictions((0.4, 0.6), (0.3, 0.3), {}, {"like": (0.9, 0.2), "negative": (0.1, 0.1)})
    assert [each.kind for each in head_columns(said, judged(test, test))] == ["value", "value"]


def test_words_alone_predict_what_is_a_bent_line_of_them():
    known = list(range(1, 60))

    def score(words):
        return 0.02 * min(words, 20)

    said = length_only(known, [score(words) for words in known], [5, 15, 40, 500])
    # The bend is between two knots, so the line is near, not exact; beyond what was seen it stays level.
    assert said == pytest.approx([0.1, 0.3, 0.4, 0.4], abs=0.03)
    assert length_only([3, 3, 3], [0.2, 0.4, 0.6], [3, 9]) == pytest.approx([0.4, 0.4])


def heads(crossed):
    rng = random.Random(3)
    truth = {name: [rng.random() for _ in range(80)] for name in ("empathy", "engagement", "information")}
    said = {name: [score + 0.3 * rng.random() for score in scores] for name, scores in truth.items()}
    return [
        HeadColumns(name, "quality", tuple(said[crossed.get(name, name)]), tuple(truth[name]), (), (), ())
        for name in truth
    ]


def test_crossed_labels_are_found():
    assert crossings(heads({})) == ()
    [first, second] = crossings(heads({"empathy": "engagement", "engagement": "empathy"}))
    assert (first.head, first.follows, second.head, second.follows) == (
        "empathy",
        "engagement",
        "engagement",
        "empathy",
    )
    assert first.other > 0.9 > 0.3 > first.own
    circle = {"empathy": "engagement", "engagement": "information", "information": "empathy"}
    assert {(found.head, found.follows) for found in crossings(heads(circle))} == set(circle.items())


def test_a_weak_head_is_not_crossed():
    """Where one dimension is hard, its head may resemble another one's labels; that one's own head is better."""
    [empathy, engagement, information] = heads({})
    weak = HeadColumns("empathy", "quality", engagement.said, empathy.truth, (), (), ())
    assert crossings([weak, engagement, information]) == ()


def test_bins_by_hand():
    first, second = bins([0.9, 0.1, 0.3, 0.5], [1.0, 0.0, 0.4, 0.6], count=2)
    assert (first.n, first.said, first.truth, first.low, first.high) == (2, *map(pytest.approx, (0.2, 0.2, 0.1, 0.3)))
    assert (second.said, second.truth) == (pytest.approx(0.7), pytest.approx(0.8))


def many(count=40):
    rng = random.Random(1)
    return [
        row(rng.randint(2, 9), rng.random(), rng.random(), rng.random(), str(place // 2), rng.choice([("like",), ()]))
        for place in range(count)
    ]


@pytest.fixture(scope="module")
def measured():
    model = tiny_critic(dimensions=("empathy", "engagement"), emotions=("like",))
    model.origin = CriticOrigin("small", ("rubric",))
    return measure_critic(model, judged(many(), many()[:20]), resamples=100, confidence=0.9, seed=0)


def test_a_critic_that_has_learned_nothing_beats_nothing(measured):
    report, _ = measured
    assert (report.judges, report.encoder, report.resamples) == (("rubric",), "small", 100)
    assert (report.rows, report.dialogues) == (
        {"train": 20, "valid": 0, "test": 40},
        {"train": 10, "valid": 0, "test": 20},
    )
    assert [found.head for found in report.heads] == [
        "overall",
        "before the response",
        "empathy",
        "engagement",
        "like",
    ]
    assert not any(found.beats for found in report.heads)
    truth = [each.overall for each in many()]
    # Every value is 0 before training, so the error is the score.
    assert report.head("overall").critic.mse.value == pytest.approx(sum(score**2 for score in truth) / 40)
    mean = sum(truth[:20]) / 20
    wanted = sum((score - mean) ** 2 for score in truth) / 40
    assert report.head("overall").mean_predictor.mse.value == pytest.approx(wanted)


def test_a_report_is_written_drawn_and_told(measured, tmp_path):
    report, columns = measured
    write_report(tmp_path, report, columns)
    assert (tmp_path / "calibration.png").read_bytes().startswith(b"\x89PNG")
    rows = list(csv.DictReader((tmp_path / "calibration.csv").open()))
    assert [one["head"] for one in rows[::10]] == ["overall", "before the response", "empathy", "engagement"]
    assert all(one["n"] == "4" for one in rows)
    drawing = calibration(columns)
    assert drawing.alt.startswith(
        "Mean distance of prediction and judge's score in tenths of the responses: overall 0."
    )
    recorder = Recorder()
    tell_report(report, recorder)
    [(_, note)] = recorder.of("note")
    assert note["what"].startswith("held-out R2 -")
    assert recorder.of("warning") == []
