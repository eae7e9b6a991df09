"""The watch of a training: what it tells, when it ends it, and that an interruption changes nothing."""

from __future__ import annotations

import math

import pytest
from health_histories import COMMAND, remedies, steps
from tiny_models import Recorder

from ecr_engine.config.sections.health import HealthSettings
from ecr_engine.errors import DivergedError, ExitCode
from ecr_engine.rl.health.watch import Ground, HealthWatch, healthy_before
from ecr_engine.runs.events import EventLog, read_events

FLAT = {"objective/reward": 0.5, "objective/reward_std": 0.0}


def watch_of(recorder, **changes):
    return HealthWatch(HealthSettings(**changes), remedies(), recorder, last_healthy=ground)


def ground(since):
    return Ground(f"healthy before {since}", "ecrctl rl train --resume healthy")


def shown(watch, history):
    for step in history:
        watch(step.number, step.values)


def test_a_warning_is_an_event_with_its_name_reason_and_remedy():
    recorder = Recorder()
    shown(watch_of(recorder), steps(12, lambda s: FLAT))
    assert recorder.events == [
        (
            "rl",
            "warning",
            10,
            {
                "name": "reward_flat",
                "what": "all responses of the last 10 updates got the same reward, 0.5000",
                "why": "PPO learns from differences in reward: where there are none, or none that it can act on, "
                "the policy drifts",
                "fix": f"{COMMAND} --bleu_weight 0.5 --empathy_weight 1.0 --recommendation_weight 0.5",
            },
        )
    ]


def test_a_warning_that_stands_is_told_again_only_after_its_cool_down():
    recorder = Recorder()
    shown(watch_of(recorder, cool_down=7), steps(30, lambda s: FLAT))
    assert [step for step, _ in recorder.of("warning")] == [10, 17, 24]


def test_each_warning_has_a_cool_down_of_its_own():
    recorder = Recorder()
    shown(watch_of(recorder), steps(14, lambda s: {**FLAT, "objective/kl": 17.0 if s >= 10 else 1.0}))
    assert [(step, values["name"]) for step, values in recorder.of("warning")] == [
        (10, "reward_flat"),
        (12, "kl_beyond_band"),
    ]


def test_a_healthy_training_is_left_alone():
    recorder = Recorder()
    shown(watch_of(recorder, on_warning="stop"), steps(150, noise_of=5))
    assert recorder.events == []


def test_divergence_ends_the_training_and_names_what_is_left():
    recorder = Recorder()
    with pytest.raises(DivergedError) as caught:
        shown(watch_of(recorder), steps(9, lambda s: {"policy/loss": math.nan} if s == 7 else {}))
    problem = caught.value.problems[0]
    assert caught.value.exit_code is ExitCode.DIVERGED
    assert (problem.what, problem.at) == ("policy/loss is nan", "rl, update 7; healthy before 7")
    # One command and nothing else, from the healthy part of the training: the newest checkpoint is lost already.
    assert problem.fix == (
        "ecrctl rl train --resume healthy --ppo_clip_epsilon 0.1 --ppo_epochs 2 --rl_learning_rate 5e-6"
    )
    assert [(step, values["name"]) for step, values in recorder.of("warning")] == [(7, "not_finite")]


def test_a_warning_stops_the_training_where_it_is_told_to():
    recorder = Recorder()
    with pytest.raises(DivergedError) as caught:
        shown(watch_of(recorder, on_warning="stop"), steps(30, lambda s: {"objective/kl": 1.0 * s}))
    problem = caught.value.problems[0]
    assert problem.what == (
        "stopped by the warning kl_beyond_band: "
        "the KL to the reference is 0.647 nats a token (bound 0.5, beyond it for 3 updates)"
    )
    # Updates 9, 10 and 11 are beyond the bound.
    assert problem.at == "rl, update 11; healthy before 9"
    assert problem.fix == "ecrctl rl train --resume healthy --set ppo.kl_coefficient=0.1 --rl_learning_rate 5e-6"
    assert [step for step, _ in recorder.of("warning")] == [11]


def test_of_several_reasons_divergence_is_the_one_to_end_for():
    recorder = Recorder()
    history = steps(10, lambda s: {**FLAT, "value/loss": math.inf if s == 10 else 0.1})
    with pytest.raises(DivergedError) as caught:
        shown(watch_of(recorder, on_warning="stop"), history)
    assert caught.value.problems[0].what == "value/loss is inf"
    assert [values["name"] for _, values in recorder.of("warning")] == ["not_finite", "reward_flat"]


def test_divergence_ends_a_training_in_the_cool_down_of_the_same_warning():
    recorder = Recorder()
    # Quiet updates have responses of 17 tokens: a KL of 17 is 1 nat a token, and one of 102 is 6.
    history = steps(12, lambda s: {"objective/kl": 102.0 if s == 12 else 17.0 if s >= 7 else 1.0})
    with pytest.raises(DivergedError, match=r"exploded to 6\.000 nats a token"):
        shown(watch_of(recorder, cool_down=25), history)
    assert [(step, values["name"]) for step, values in recorder.of("warning")] == [
        (9, "kl_beyond_band"),
        (12, "kl_beyond_band"),
    ]


def test_every_warning_at_the_end_proposes_the_healthy_ground():
    recorder = Recorder()
    history = steps(10, lambda s: {**FLAT, "value/loss": math.inf if s == 10 else 0.1})
    with pytest.raises(DivergedError):
        shown(watch_of(recorder), history)
    found = {values["name"]: values["fix"] for _, values in recorder.of("warning")}
    assert found.keys() == {"not_finite", "reward_flat"}
    assert all(fix.startswith("ecrctl rl train --resume healthy --") for fix in found.values())


def test_weights_that_turn_out_to_be_lost_after_an_update_that_showed_nothing():
    error = watch_of(Recorder()).lost("a tensor is not finite", 7)
    assert error.exit_code is ExitCode.DIVERGED
    (problem,) = error.problems
    # Update 7 measured the policy after update 6 and showed nothing.
    assert (problem.what, problem.at) == ("a tensor is not finite", "rl, update 7; healthy before 8")
    assert problem.fix == (
        "ecrctl rl train --resume healthy --ppo_clip_epsilon 0.1 --ppo_epochs 2 --rl_learning_rate 5e-6"
    )


@pytest.mark.parametrize("cut", [4, 10, 13])
def test_a_watch_that_recalls_the_events_goes_on_as_if_it_had_seen_them(tmp_path, cut):
    history = steps(40, lambda s: {**FLAT, "value/loss": math.nan if s == 2 else 0.1})
    log = EventLog(tmp_path / "events.jsonl")
    straight = watch_of(Recorder())
    wanted = [(found.step, found.name) for step in history for found in straight.see(step.number, step.values)]
    assert wanted == [(2, "not_finite"), (10, "reward_flat"), (35, "reward_flat")]
    for step in history[:cut]:
        log.emit("rl", "step", step.number, **step.values)
        log.emit("rl", "sample", step.number, response="warm")
    log.emit("baseline", "step", 99, **{"objective/kl": 1000.0})
    resumed = watch_of(Recorder())
    recalled = resumed.recall(read_events(tmp_path / "events.jsonl"))
    later = [found for step in history[cut:] for found in resumed.see(step.number, step.values)]
    assert [(found.step, found.name) for found in (*recalled, *later)] == wanted


@pytest.mark.parametrize(
    ("steps_saved", "since", "found"),
    [
        # Update 11 measures the policy after update 10: if 11 is the first that is not healthy, 10 is suspect.
        ([5, 10], 11, 5),
        ([5, 10], 12, 10),
        ([10, 5], 40, 10),
        ([5], 6, None),
        ([], 40, None),
    ],
)
def test_which_checkpoint_is_known_to_be_healthy(steps_saved, since, found):
    assert healthy_before(steps_saved, since) == found
