"""`RLConfig`: the guide's flags, with our defaults, as our settings."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import pytest

from ecr_engine.config.settings import Settings
from ecr_engine.errors import SettingsError, UnavailableError
from ecr_engine.rl import RLConfig
from ecrctl.flags import RL_TRAIN


def test_each_flag_of_rl_train_is_a_field_that_sets_the_same_setting():
    names = {one.name: one.metadata.get("key") for one in dataclasses.fields(RLConfig)}
    assert {flag.name: flag.key for flag in RL_TRAIN}.items() <= names.items()


def test_the_defaults_are_those_of_the_settings():
    made = RLConfig()
    assert made.settings().model_dump(exclude={"device"}) == Settings().model_dump(exclude={"device"})
    assert (made.rl_learning_rate, made.empathy_weight, made.ppo_epochs) == (1e-5, 2.0, 4)


def test_values_become_settings():
    settings = RLConfig(
        rl_learning_rate=5e-6,
        rl_batch_size=4,
        rl_max_steps=1000,
        ppo_clip_epsilon=0.1,
        bleu_weight=0,
        empathy_weight=3,
        resp_max_length=20,
        seed=7,
    ).settings()
    assert (settings.ppo.learning_rate, settings.ppo.batch_size, settings.ppo.max_steps) == (5e-6, 4, 1000)
    assert (settings.ppo.clip_epsilon, settings.ppo.epochs, settings.seed) == (0.1, 4, 7)
    assert (settings.rewards["bleu"], settings.rewards["empathy"], settings.rewards["format"]) == (0, 3, 1)
    assert settings.prompt.resp_max_length == 20


def test_the_device_is_one_that_tensors_can_be_made_on(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert RLConfig().device == RLConfig(device="auto").device == "cpu"
    with pytest.raises(UnavailableError, match="no CUDA device is at hand"):
        RLConfig(device="cuda")
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert RLConfig().device == "cuda"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"rl_learning_rat": 1}, "RLConfig has no 'rl_learning_rat': did you mean 'rl_learning_rate'?"),
        ({"empathy": 2.0}, "RLConfig has no 'empathy': did you mean 'empathy_weight'?"),
    ],
)
def test_unknown_names(given, text):
    with pytest.raises(TypeError) as caught:
        RLConfig(**given)
    assert str(caught.value) == text


def test_wrong_values_are_told_together():
    with pytest.raises(SettingsError) as caught:
        RLConfig(rl_batch_size=0, ppo_clip_epsilon=3, device="gpu")
    assert [(p.what, p.at, p.fix) for p in caught.value.problems] == [
        (
            "ppo.batch_size must be a whole number of at least 1, not 0",
            "RLConfig(rl_batch_size=0)",
            "for example rl_batch_size=64",
        ),
        (
            "ppo.clip_epsilon must be a number above 0 and below 1, not 3",
            "RLConfig(ppo_clip_epsilon=3)",
            "for example ppo_clip_epsilon=0.2",
        ),
        ("device must be one of auto, cpu, cuda, not 'gpu'", "RLConfig(device='gpu')", "for example device='auto'"),
    ]


def test_it_can_be_copied_and_not_changed():
    made = RLConfig(empathy_weight=3.0, debug=True)
    assert copy.deepcopy(made) == pickle.loads(pickle.dumps(made)) == dataclasses.replace(made) == made
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.empathy_weight = 1.0
