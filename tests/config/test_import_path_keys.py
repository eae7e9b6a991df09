"""Weights of reward components that no registry knows: their keys are import paths with dots of their own."""

import tomllib

import pytest

from ecr_engine.config.resolve import Origin, resolve
from ecr_engine.errors import SettingsError

CHOICES = {"rewards": ["bleu", "distinct", "empathy", "format", "recommendation", "relevance"]}
POLITE = "mypackage.rewards:Politeness"


def plain(folder, **arguments):
    return resolve(environ={}, start=folder, choices=CHOICES, **arguments)


def test_a_set_a_flag_and_a_file_take_an_import_path(tmp_path):
    file = tmp_path / "c.toml"
    file.write_text(f'[rewards]\nbleu = 0.25\n"{POLITE}" = 0.5\n')
    by_file = plain(tmp_path, config=file)
    by_set = plain(tmp_path, sets=[f"rewards.{POLITE}=0.5"])
    by_flag = plain(tmp_path, flags={f"rewards.{POLITE}": (0.5, f"--reward {POLITE}=0.5")})
    for resolved in (by_file, by_set, by_flag):
        assert resolved.settings.rewards[POLITE] == 0.5
    assert by_file.origins[f"rewards.{POLITE}"].where.endswith("c.toml:3")
    assert by_set.origins[f"rewards.{POLITE}"] == Origin("--set", f"--set rewards.{POLITE}=0.5")
    assert by_flag.origins[f"rewards.{POLITE}"] == Origin("flag", f"--reward {POLITE}=0.5")


def test_it_survives_in_the_settings_that_a_run_writes(tmp_path):
    first = plain(tmp_path, sets=[f"rewards.{POLITE}=0.5"])
    text = first.to_toml()
    assert tomllib.loads(text)["rewards"][POLITE] == 0.5
    file = tmp_path / "config.resolved.toml"
    file.write_text(text)
    assert plain(tmp_path, config=file).settings == first.settings


@pytest.mark.parametrize("key", ["mypackage.rewards", "mypackage:", ":Politeness", "a:b:c", "my package:Politeness"])
def test_another_form_is_an_unknown_setting(tmp_path, key):
    with pytest.raises(SettingsError) as caught:
        plain(tmp_path, sets=[f"rewards.{key}=0.5"])
    [problem] = caught.value.problems
    assert problem.at == f"--set rewards.{key}=0.5"
    assert problem.what.startswith("unknown setting 'rewards.")


def test_its_weight_is_checked_like_any_other(tmp_path):
    with pytest.raises(SettingsError) as caught:
        plain(tmp_path, sets=[f"rewards.{POLITE}=-1"])
    [problem] = caught.value.problems
    assert problem.what == f"rewards.{POLITE} must be a number of at least 0, not -1"


def test_a_band_of_lengths_that_is_empty_is_told_with_its_place(tmp_path):
    with pytest.raises(SettingsError) as caught:
        plain(tmp_path, sets=["reward_options.length_longest=3"])
    [problem] = caught.value.problems
    assert problem.what == "the shortest good response has 4 words, the longest 3"
    assert problem.at == "--set reward_options.length_longest=3"
    assert problem.fix == "--set reward_options.length_shortest=3"
