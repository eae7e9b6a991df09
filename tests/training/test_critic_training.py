"""Training the critic: its losses and its report by hand, and that it learns a judge's taste."""

import math

import pytest
import torch
from tiny_models import Recorder, tiny_critic

from ecr_engine.config.sections.models import CriticSettings
from ecr_engine.models.critic import CriticOutput
from ecr_engine.models.placement import make_accelerator
from ecr_engine.training.critic import CriticReport, CriticTrainer, JudgedResponse

DIMENSIONS = ("empathy", "engagement")
EMOTIONS = ("like", "negative")


def critic(seed=0):
    return tiny_critic(dimensions=DIMENSIONS, emotions=EMOTIONS, hidden=32, max_length=48, seed=seed)


def trainer(model=None, **changes):
    settings = {"batch_size": 8, "learning_rate": 0.003, "epochs": 20, "patience": 99}
    recorder, saves = Recorder(), []
    made = CriticTrainer(
        model or critic(),
        CriticSettings(**{**settings, **changes}),
        make_accelerator(torch.device("cpu"), "no"),
        seed=0,
        scaled=False,
        emit=recorder,
        save=lambda step, metrics, *, best: saves.append((step, best)),
    )
    return made, recorder, saves


def rows(count=32):
    """A judge that likes sympathy, and seekers who are sad in every other context."""
    found = []
    for place in range(count):
        sad, kind = place % 2, (place // 2) % 2
        context = "seeker: i feel sad today" if sad else "seeker: hello there"
        response = "i am sorry you feel sad" if kind else "see a movie"
        overall = 0.9 if kind else 0.2
        quality = (0.9, 0.5) if kind else (0.1, 0.5)
        found.append(
            JudgedResponse(context + " and" * (place % 3), response, overall, quality, (1.0 - sad, float(sad)))
        )
    return found


def test_the_loss_of_all_heads_by_hand():
    made, _, _ = trainer(quality_weight=2.0, emotion_weight=0.5)
    row = JudgedResponse("", "", 0.5, (1.0, 0.25), (0.0, 1.0))
    output = CriticOutput(torch.tensor([0.7]), torch.tensor([[0.0, 2.0]]), torch.tensor([[50.0, -50.0]]))
    alone = CriticOutput(torch.tensor([0.1]), torch.tensor([[9.0, 9.0]]), torch.tensor([[1.0, 0.0]]))

    def cross_entropy(logit, truth):
        chance = 1 / (1 + math.exp(-logit))
        return -(truth * math.log(chance) + (1 - truth) * math.log(1 - chance))

    quality = (cross_entropy(0.0, 1.0) + cross_entropy(2.0, 0.25)) / 2
    # Emotions are the seeker's: they are read from the context alone.
    emotion = (cross_entropy(1.0, 0.0) + cross_entropy(0.0, 1.0)) / 2
    made.variance = 0.25
    wanted = ((0.7 - 0.5) ** 2 + (0.1 - 0.5) ** 2) / 0.25 + 2.0 * quality + 0.5 * emotion
    assert float(made._loss(output, alone, [row])) == pytest.approx(wanted, rel=1e-5)


def test_the_value_loss_is_in_units_of_the_scores_variance():
    made, _, _ = trainer(epochs=1)
    made.train(rows(), rows(8))
    # Half of the scores are 0.9 and half 0.2.
    assert made.variance == pytest.approx(0.35**2)


def test_a_judge_that_always_says_the_same_does_no_harm():
    made, recorder, _ = trainer(epochs=4)
    # The variance of ten equal numbers is not 0 in floating point, but about 1e-33.
    same = [JudgedResponse(row.context, row.response, 0.3, row.quality, row.emotions) for row in rows(10)]
    report = made.train(same, same[:8])
    assert report.mse < 0.09
    assert all(torch.isfinite(weight).all() for weight in made.critic.parameters())
    assert all(values["train/loss"] < 10 for _, values in recorder.of("step"))


def test_a_report_by_hand():
    model = critic()
    said = {"x": [0.2, 0.4, 0.9, 0.3], "": [0.5, 0.5, 0.1, 0.1]}
    truth = [0.1, 0.5, 0.8, 0.6]
    made, _, _ = trainer(model, batch_size=1)
    judged = [JudgedResponse(str(place), "x", overall, (0.5, 0.5), (0.0, 0.0)) for place, overall in enumerate(truth)]

    def forward(some):
        places = [int(row.context) for row in some]
        empty = torch.zeros(len(some), 2)
        return tuple(CriticOutput(torch.tensor([said[key][p] for p in places]), empty, empty) for key in ("x", ""))

    made._forward = forward
    report = made.report(judged, train_mean=0.4)
    # Errors 0.1, -0.1, 0.1, -0.3; the truth has mean 0.5 and variance (0.16 + 0 + 0.09 + 0.01) / 4 = 0.065.
    assert report.mse == pytest.approx(0.03)
    # 0.4 against the truth: 0.09, 0.01, 0.16, 0.04.
    assert report.mean_mse == pytest.approx(0.075)
    assert report.r2 == pytest.approx(1 - 0.03 / 0.065)
    # Covariance (0.1 + 0 + 0.135 - 0.015) / 4 = 0.055 over the roots of 0.0725 and 0.065.
    assert report.pearson == pytest.approx(0.055 / math.sqrt(0.0725 * 0.065))
    # The context alone: errors 0.4, 0, -0.7, -0.5.
    assert report.value_r2 == pytest.approx(1 - 0.225 / 0.065)


def test_a_critic_that_always_says_the_same_has_no_correlation():
    made, _, _ = trainer()
    report = made.report(rows(8), train_mean=0.55)
    assert report.pearson == 0.0
    # Before training every value is 0: the errors are 0.9 and 0.2.
    assert report.mse == pytest.approx((0.81 + 0.04) / 2)


def test_it_learns_what_the_judge_likes():
    made, recorder, saves = trainer()
    report = made.train(rows(), rows(16))
    assert isinstance(report, CriticReport)
    assert report.r2 > 0.9
    assert report.pearson > 0.95
    # The mean of 0.9 and 0.2 is 0.55, and each score is 0.35 away from it.
    assert report.mean_mse == pytest.approx(0.35**2)
    # Both judgements come equally often behind each context: nothing can be known before the response.
    assert report.value_r2 < 0.1
    model = made.critic.eval()
    with torch.no_grad():
        output = model(*model.encode(["seeker: hello there"] * 2, ["i am sorry you feel sad", "see a movie"]))
        alone = model(*model.encode(["seeker: hello there", "seeker: i feel sad today"], ["", ""]))
    quality, emotion = output.quality.sigmoid(), alone.emotion.sigmoid()
    assert (float(quality[0, 0]), float(quality[1, 0])) == (pytest.approx(0.9, abs=0.15), pytest.approx(0.1, abs=0.15))
    assert emotion[0, 0] > emotion[1, 0] + 0.2
    losses = [values["train/loss"] for _, values in recorder.of("step")]
    assert len(losses) == 20 * 4
    assert losses[-1] < 0.7 * losses[0]
    assert saves[0] == (4, True)


def test_it_stops_when_the_patience_is_out_and_returns_the_best_report():
    made, recorder, saves = trainer(patience=2)
    script = iter([0.9, 0.5, 0.3, 0.4, 0.3, 0.1])
    made.report = lambda judged, mean: CriticReport(next(script), 0.0, 0.0, 0.0, 0.0)
    assert made.train(rows(8), rows(8)).mse == 0.3
    # One look before training, then one an epoch of one batch.
    assert [step for step, _ in recorder.of("validation")] == [1, 2, 3, 4]
    assert saves == [(1, True), (2, True)]


def test_gradients_reach_encoder_and_heads():
    made, _, _ = trainer(epochs=1)
    before = {name: weight.clone() for name, weight in made.critic.named_parameters()}
    made.train(rows(), rows(8))
    still = [name for name, weight in made.critic.named_parameters() if torch.equal(weight, before[name])]
    assert still == []
