"""Training the critic: its losses and its errors by hand, and that each head learns its own label."""

import math

import pytest
import torch
from tiny_models import Recorder, same_weights, tiny_critic

from ecr_engine.config.sections.models import CriticSettings
from ecr_engine.data.schema import Split
from ecr_engine.errors import DataError, DivergedError, UsageError
from ecr_engine.evaluation.critic_report import measure_critic
from ecr_engine.models.critic import CriticOutput
from ecr_engine.models.critic_predictions import Predictions
from ecr_engine.models.placement import make_accelerator
from ecr_engine.training import critic as training
from ecr_engine.training.critic import CriticTrainer, Validation, check_labels, predictions_of
from ecr_engine.training.critic_labels import JudgedResponse, JudgedSet

DIMENSIONS = ("empathy", "engagement")
EMOTIONS = ("like", "negative")
SPREAD = {"": 0.5, "empathy": 0.5, "engagement": 0.5}


def critic(seed=0, dimensions=DIMENSIONS):
    return tiny_critic(dimensions=dimensions, emotions=EMOTIONS, hidden=32, max_length=48, seed=seed)


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
    """A judge that likes sympathy, and finds what names a movie engaging; seekers are sad in every other context."""
    found = []
    for place in range(count):
        sad, kind, movie = place % 2, (place // 2) % 2, (place // 4) % 2
        context = "seeker: i feel sad today" if sad else "seeker: hello there"
        response = ("i am sorry you feel sad" if kind else "hello there") + (" <movie>" if movie else " and")
        quality = {"empathy": 0.9 if kind else 0.1, "engagement": 0.8 if movie else 0.2}
        emotions = ("negative",) if sad else ("like",)
        overall = 0.9 if kind else 0.2
        found.append(JudgedResponse(context + " and" * (place % 3), response, overall, quality, emotions, str(place)))
    return found


def same_words(overall, quality=None):
    return JudgedResponse("", "", overall, quality or {"empathy": 0.5, "engagement": 0.5}, (), "1")


def test_the_loss_of_all_heads_by_hand():
    made, _, _ = trainer(quality_weight=2.0, emotion_weight=0.5)
    row = JudgedResponse("", "", 0.5, {"engagement": 0.25, "empathy": 1.0}, ("negative",))
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
    kept = made.train(same, same[:8])
    # The head starts at the mean, which is the answer; what is left is what the other heads do to the encoder.
    assert kept.validation.mse < 0.01
    assert all(torch.isfinite(weight).all() for weight in made.critic.parameters())
    assert all(values["train/loss"] < 10 for _, values in recorder.of("step"))


def said(value, before, empathy, engagement):
    return Predictions(value, before, {"empathy": empathy, "engagement": engagement}, {})


def test_errors_by_hand(monkeypatch):
    truth = [0.1, 0.5, 0.8, 0.6]
    judged = [same_words(overall, {"empathy": 0.5, "engagement": 0.25}) for overall in truth]
    values = said((0.2, 0.4, 0.9, 0.3), (0.5, 0.5, 0.1, 0.1), (0.5,) * 4, (0.75,) * 4)
    monkeypatch.setattr(training, "predictions_of", lambda model, some: values)
    found = trainer()[0].validate(judged, {"": 0.06, "empathy": 0.5, "engagement": 0.125})
    # Errors 0.1, -0.1, 0.1, -0.3; the truth has mean 0.5 and variance (0.16 + 0 + 0.09 + 0.01) / 4 = 0.065.
    assert found.mse == pytest.approx(0.03)
    assert found.r2 == pytest.approx(1 - 0.03 / 0.065)
    # Covariance (0.1 + 0 + 0.135 - 0.015) / 4 = 0.055 over the roots of 0.0725 and 0.065.
    assert found.pearson == pytest.approx(0.055 / math.sqrt(0.0725 * 0.065))
    # The context alone: errors 0.4, 0, -0.7, -0.5.
    assert found.value_r2 == pytest.approx(1 - 0.225 / 0.065)
    # overall 0.03 / 0.06; empathy 0, engagement 0.25 / 0.125.
    assert found.loss == pytest.approx((0.5 + (0.0 + 2.0) / 2) / 2)


def test_a_critic_that_always_says_the_same_has_no_correlation():
    found = trainer()[0].validate(rows(8), SPREAD)
    assert found.pearson == 0.0
    # Before training every value is 0: the errors are 0.9 and 0.2.
    assert found.mse == pytest.approx((0.81 + 0.04) / 2)


def test_the_heads_start_at_the_means_of_their_labels():
    made, _, _ = trainer(epochs=1, learning_rate=1e-9, warmup_share=0.0)
    judged = [
        same_words(0.4, {"engagement": 0.9, "empathy": 0.2}),
        same_words(0.8, {"empathy": 0.6, "engagement": 0.9}),
    ]
    made.train(judged, judged)
    heads = made.critic
    assert heads.value_head.bias.item() == pytest.approx(0.6, abs=1e-4)
    assert heads.quality_head.bias.sigmoid().tolist() == pytest.approx([0.4, 0.9], abs=1e-4)
    # Nobody shows either emotion.
    assert heads.emotion_head.bias.sigmoid().tolist() == pytest.approx([0.001, 0.001], abs=1e-4)


def apart(told):
    """The least distance between a response that a head should like and one that it should not."""
    found = []
    for name in DIMENSIONS:
        pairs = list(zip(told.quality[name], (row.quality[name] > 0.5 for row in rows(8)), strict=True))
        found.append(min(score for score, good in pairs if good) - max(score for score, good in pairs if not good))
    return min(found)


@pytest.fixture(scope="module")
def learned():
    made, recorder, saves = trainer(epochs=40)
    return made, recorder, saves, made.train(rows(), rows(16))


def test_it_learns_what_the_judge_likes(learned):
    made, recorder, saves, kept = learned
    assert kept.validation.r2 > 0.9
    assert kept.validation.pearson > 0.95
    # Both judgements come equally often behind each context: nothing can be known before the response.
    assert kept.validation.value_r2 < 0.1
    told = predictions_of(made.critic, rows(8))
    assert apart(told) > 0.2
    # The seeker of every other row is sad.
    assert min(told.emotions["negative"][1::2]) > max(told.emotions["negative"][::2]) + 0.2
    losses = [values["train/loss"] for _, values in recorder.of("step")]
    assert len(losses) == 40 * 4
    assert losses[-1] < 0.7 * losses[0]
    assert saves[0] == (4, True)


def test_the_order_of_the_labels_is_no_matter(learned):
    """Columns in another order, in the data and in the heads: each head learns what it learned before."""
    turned = [
        JudgedResponse(one.context, one.response, one.overall, dict(reversed(one.quality.items())), one.emotions)
        for one in rows()
    ]
    made, _, _ = trainer(epochs=40)
    made.train(turned, turned[:16])
    assert same_weights(made.critic, learned[0].critic)
    other, _, _ = trainer(critic(dimensions=DIMENSIONS[::-1]), epochs=40)
    other.train(turned, turned[:16])
    told = predictions_of(other.critic, rows(8))
    assert apart(told) > 0.2


def crossed_rows(count):
    """The labels of the two dimensions under each other's names."""
    return [
        JudgedResponse(
            one.context,
            one.response,
            one.overall,
            {"empathy": one.quality["engagement"], "engagement": one.quality["empathy"]},
            one.emotions,
            one.conversation_id,
        )
        for one in rows(count)
    ]


def test_crossed_labels_are_detected(learned):
    def report(test):
        parts = {Split.TRAIN: tuple(rows(8)), Split.VALID: (), Split.TEST: tuple(test)}
        judged = JudgedSet(parts, DIMENSIONS, ("rubric",), {}, failed=0)
        return measure_critic(learned[0].critic, judged, resamples=50, confidence=0.9, seed=0)[0]

    assert report(rows(64)).crossed == ()
    found = report(crossed_rows(64)).crossed
    assert [(one.head, one.follows) for one in found] == [("empathy", "engagement"), ("engagement", "empathy")]
    assert all(one.other > 0.8 and one.own < 0.3 for one in found)


def test_it_stops_when_the_patience_is_out_and_puts_the_best_weights_back():
    made, recorder, saves = trainer(patience=2)
    script = iter([0.9, 0.5, 0.7, 0.5, 0.1])
    seen = []

    def validate(judged, spread):
        seen.append(made.critic.value_head.weight.detach().clone())
        return Validation(next(script), 0.0, 0.0, 0.0, 0.0)

    made.validate = validate
    kept = made.train(rows(8), rows(8))
    assert (kept.steps, kept.best_step, kept.validation.loss) == (4, 2, 0.5)
    assert [step for step, _ in recorder.of("validation")] == [1, 2, 3, 4]
    assert saves == [(1, True), (2, True)]
    assert torch.equal(made.critic.value_head.weight, seen[1])
    assert not torch.equal(seen[1], seen[3])


def test_a_smoke_run_takes_as_many_steps_as_it_is_told():
    made, recorder, _ = trainer(epochs=3)
    assert made.train(rows(32), rows(8), most_steps=6).steps == 6
    # Four steps an epoch: a validation after the fourth, and one at the end.
    assert [step for step, _ in recorder.of("validation")] == [4, 6]


def test_gradients_reach_encoder_and_heads():
    made, _, _ = trainer(epochs=1)
    before = {name: weight.clone() for name, weight in made.critic.named_parameters()}
    made.train(rows(), rows(8))
    still = [name for name, weight in made.critic.named_parameters() if torch.equal(weight, before[name])]
    assert still == []


def test_rates_by_layer_head_and_unit():
    made, _, _ = trainer(
        tiny_critic(dimensions=DIMENSIONS, emotions=EMOTIONS, hidden=32, max_length=48),
        epochs=1,
        learning_rate=0.01,
        layer_decay=0.5,
        head_factor=3.0,
        warmup_share=0.0,
    )
    made.train(rows(8), rows(8))
    rates = {id(weight): group["lr"] for group in made.optimizer.param_groups for weight in group["params"]}
    named = {name: rates[id(weight)] for name, weight in made.critic.named_parameters()}
    assert named["quality_head.weight"] == pytest.approx(0.03)
    # The only layer is the top one; the embeddings count as one below.
    assert named["encoder.encoder.layer.0.output.dense.weight"] == pytest.approx(0.01)
    assert named["encoder.embeddings.word_embeddings.weight"] == pytest.approx(0.005)
    # The value is in the scores' units, and they are 0.35 away from their mean.
    assert named["value_head.weight"] == pytest.approx(0.03 * 0.35)
    decays = {id(weight): group["weight_decay"] for group in made.optimizer.param_groups for weight in group["params"]}
    assert decays[id(made.critic.value_head.weight)] == 0.01
    assert decays[id(made.critic.value_head.bias)] == 0.0


def test_bf16_learns_too():
    made, _, _ = trainer(precision="bf16")
    assert made.train(rows(), rows(16)).validation.r2 > 0.8
    assert {weight.dtype for weight in made.critic.parameters()} == {torch.float32}


def test_a_gradient_that_is_not_finite_ends_the_training():
    made, _, _ = trainer()
    with torch.no_grad():
        made.critic.value_head.weight.fill_(math.inf)
    with pytest.raises(DivergedError) as caught:
        made.train(rows(), rows(8))
    problem = caught.value.problems[0]
    assert (problem.what, problem.at) == ("the gradient is not finite", "critic, step 1")
    assert problem.fix == "lower the learning rate: --set critic.learning_rate=0.001"


def test_labels_and_heads_have_to_have_the_same_names():
    model = critic(dimensions=("empathy", "humour"))
    with pytest.raises(UsageError) as caught:
        check_labels(model, rows(4))
    assert (
        caught.value.problems[0].what == "the head 'humour' has no label: the judged dimensions are empathy, engagement"
    )
    with pytest.raises(UsageError) as caught:
        trainer(critic(dimensions=("empathy",)))[0].train(rows(8), rows(8))
    assert caught.value.problems[0].what == "the judged dimension 'engagement' has no head: the heads are empathy"
    sad = [JudgedResponse("", "", 0.5, {"empathy": 0.5, "engagement": 0.5}, ("surprise",), "9")]
    with pytest.raises(DataError) as caught:
        check_labels(critic(), sad)
    assert caught.value.problems[0].what == "the emotion 'surprise' of dialogue 9 has no head"
