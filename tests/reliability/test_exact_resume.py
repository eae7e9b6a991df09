"""R2: taken up at any step, a training goes on as if nothing had happened. R3: with a part of its state left out, not.

Bit for bit, in float32 on the CPU: weights, optimizers, random generators, numbers and events.
"""

from __future__ import annotations

import pytest
import torch
from courses import (
    COURSES,
    MORE_POLICIES,
    STEPS,
    Baseline,
    Critic,
    Policy,
    Quantised,
    Trunk,
    different,
    faults,
    resumed,
    told,
)

from ecr_engine.errors import DataError
from ecr_engine.models import training_state
from ecr_engine.rl import trainer as rl
from ecr_engine.rl.scaling import RunningStatistics

AHEAD = 3
"""Steps that follow each resume; some resumes go to the end."""


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """Each training from its first step to its last."""
    return {kind: kind(tmp_path_factory.mktemp(kind.__name__)).run() for kind in COURSES}


@pytest.mark.parametrize("kind", COURSES, ids=lambda kind: kind.__name__)
def test_a_straight_training_has_a_state_after_every_step(straight, kind):
    course = straight[kind]
    assert [step for step, _ in course.saved] == list(range(1, STEPS + 1))
    assert [step for step, _ in course.recorder.of("step")] == list(range(1, STEPS + 1))
    # Some validations were better than all before, and some were not.
    assert 0 < len([step for step, best in course.saved if best]) < len(course.recorder.of("validation")) - 1
    rates = [values["train/lr"] for _, values in course.recorder.of("step")]
    assert len(set(rates)) > STEPS / 2


@pytest.mark.parametrize("kind", COURSES, ids=lambda kind: kind.__name__)
def test_a_training_taken_up_at_any_step_equals_one_that_was_not_interrupted(straight, kind, tmp_path):
    for at in range(1, STEPS):
        until = STEPS if at in (1, 19) else min(STEPS, at + AHEAD)
        later = resumed(kind, straight[kind], at, tmp_path / str(at), until=until)
        assert faults(straight[kind], later, at, until) == [], f"taken up at step {at}"


FEW = 8
"""Steps of the other ways to train a policy."""


@pytest.mark.parametrize("kind", MORE_POLICIES, ids=lambda kind: kind.__name__)
def test_every_way_to_train_a_policy_goes_on_exactly(kind, tmp_path):
    straight = kind(tmp_path / "straight", until=FEW, total=FEW).run()
    for at in (1, 3, 5):
        later = resumed(kind, straight, at, tmp_path / str(at), until=FEW)
        assert faults(straight, later, at, FEW) == [], f"taken up at step {at}"
    # The state moves: taken up from another step's, it ends elsewhere.
    assert different(straight.state(3), straight.state(5)) != []


def value_head_anew(trainer, at):
    with torch.no_grad():
        for weight in trainer.learner.body.parameters():
            weight.zero_()


def adapter_anew(trainer, at):
    with torch.no_grad():
        for name, weight in trainer.policy.model.named_parameters():
            if ".lora_B." in name:
                weight.zero_()


@pytest.mark.parametrize(
    ("kind", "sabotage"), [(Trunk, value_head_anew), (Quantised, adapter_anew)], ids=["value head", "adapter"]
)
def test_with_what_only_they_have_left_out_the_resume_is_seen_to_differ(kind, sabotage, tmp_path):
    straight = kind(tmp_path / "straight", until=FEW, total=FEW).run()
    later = resumed(kind, straight, 5, tmp_path / "later", until=FEW, sabotage=sabotage)
    assert faults(straight, later, 5, FEW) != []


def late(function, at):
    """A function of the step or the progress that begins to count where the training was taken up."""
    return lambda step, *rest: function(step - at, *rest)


def rates_anew(trainer, at):
    trainer.learner.set_rates = late(trainer.learner.set_rates, at)


def curriculum_anew(trainer, at):
    trainer.weights_at = late(trainer.weights_at, at / STEPS)


def kl_anew(trainer, at):
    trainer.kl.coefficient = trainer.settings.kl_coefficient


def statistics_anew(trainer, at):
    trainer.scaling.statistics = RunningStatistics()


def best_anew(trainer, at):
    trainer.best_step, trainer.best_reward = 0, float("-inf")


def epoch_anew(trainer, at):
    trainer.progress.step = 4 * (at // 4)


def patience_anew(trainer, at):
    trainer.progress.missed = 0


def best_weights_lost(trainer, at):
    trainer.best = {name: torch.zeros_like(weight) for name, weight in trainer.best.items()}


def nothing(trainer, at):
    """All is as it should be once it is restored."""


AT = 22
"""Within an epoch, after a best step, with warm-up behind it."""

LEFT_OUT = [
    (Policy, "weights", ("ecr_engine.models.backbone", "load_module"), nothing),
    (Policy, "optimizers", ("ecr_engine.models.training_state", "load_optimizer"), nothing),
    (Policy, "value function", ("ecr_engine.models.training_state", "load_module"), nothing),
    (Policy, "schedules", None, rates_anew),
    (Policy, "random generators", ("ecr_engine.models.training_state", "load_random_state"), nothing),
    (Policy, "KL coefficient", None, kl_anew),
    (Policy, "reward statistics", None, statistics_anew),
    (Policy, "curriculum position", None, curriculum_anew),
    (Policy, "best so far", None, best_anew),
    (Baseline, "weights", ("ecr_engine.models.backbone", "load_module"), nothing),
    (Baseline, "optimizers", ("ecr_engine.models.training_state", "load_optimizer"), nothing),
    (Baseline, "random generators", ("ecr_engine.models.training_state", "load_random_state"), nothing),
    (Baseline, "data cursor", None, epoch_anew),
    (Baseline, "patience", None, patience_anew),
    (Critic, "optimizers", ("ecr_engine.models.training_state", "load_optimizer"), nothing),
    (Critic, "random generators", ("ecr_engine.models.training_state", "load_random_state"), nothing),
    (Critic, "data cursor", None, epoch_anew),
    (Critic, "best weights", None, best_weights_lost),
]


@pytest.mark.parametrize(
    ("kind", "part", "place", "sabotage"), LEFT_OUT, ids=[f"{k.__name__}-{part}" for k, part, _, _ in LEFT_OUT]
)
def test_with_a_part_of_the_state_left_out_the_resume_is_seen_to_differ(
    straight, kind, part, place, sabotage, tmp_path, monkeypatch
):
    if place is not None:
        monkeypatch.setattr(".".join(place), lambda *arguments, **options: None)
    until = AT + AHEAD
    later = resumed(kind, straight[kind], AT, tmp_path / "later", until=until, sabotage=sabotage)
    assert faults(straight[kind], later, AT, until) != []


def test_the_data_cursor_of_the_policy_left_out(straight, tmp_path, monkeypatch):
    draw = rl.draw_batch
    monkeypatch.setattr(rl, "draw_batch", lambda *rest, step, **how: draw(*rest, step=step - AT, **how))
    later = resumed(Policy, straight[Policy], AT, tmp_path / "later", until=AT + 1)
    assert faults(straight[Policy], later, AT, AT + 1) != []


@pytest.mark.parametrize("generator", ["python", "numpy", "torch"])
def test_each_random_generator_counts(straight, tmp_path, monkeypatch, generator):
    import random

    import numpy as np

    whole = training_state.load_random_state
    change = {"python": random.seed, "numpy": np.random.seed, "torch": torch.manual_seed}[generator]

    def without(path):
        whole(path)
        change(1)

    monkeypatch.setattr(training_state, "load_random_state", without)
    later = resumed(Policy, straight[Policy], AT, tmp_path / "later", until=AT + 1)
    assert "events" in faults(straight[Policy], later, AT, AT + 1)


def test_a_model_without_a_state_can_not_be_gone_on_with(tmp_path):
    course = Baseline(tmp_path / "states")
    course.trainer.backbone.save(tmp_path)
    with pytest.raises(DataError) as caught:
        course.trainer.restore(tmp_path)
    (problem,) = caught.value.problems
    assert problem.what == (
        f"{tmp_path.name} holds a model and no training state: it can be used, and not be gone on with"
    )
    assert (problem.at, problem.fix) == (str(tmp_path), "choose another: `ecrctl checkpoint list RUN`")


def test_a_state_of_other_parts_is_refused(tmp_path):
    course = Baseline(tmp_path / "states")
    folder = tmp_path / "mixed"
    folder.mkdir()
    course.trainer.write_state(folder)
    (folder / "trainer" / "model_optimizer.safetensors").unlink()
    with pytest.raises(
        DataError, match=r"lacks 'model_optimizer\.safetensors': it is of a training with other settings"
    ):
        course.trainer.restore(folder)


def test_steps_are_told_once(straight):
    for course in straight.values():
        steps = [step for kind, step, _ in told(course.recorder) if kind == "step"]
        assert steps == sorted(set(steps))
