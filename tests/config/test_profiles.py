"""The shipped profiles have the guide's values, and combine."""

from pathlib import Path

import pytest

from ecr_engine.config import profiles as room
from ecr_engine.config.profiles import list_profiles, load_profile
from ecr_engine.config.resolve import resolve
from ecr_engine.errors import SettingsError

GUIDE = {
    "aggressive": {"ppo": {"clip_epsilon": 0.3, "epochs": 6, "learning_rate": 2e-5}},
    "balanced": {"rewards": {"bleu": 1.0, "empathy": 2.0, "recommendation": 1.5, "distinct": 0.5}},
    "conservative": {"ppo": {"clip_epsilon": 0.1, "epochs": 2, "learning_rate": 5e-6}},
    "empathy": {"rewards": {"empathy": 3.0, "bleu": 0.5, "distinct": 0.3}},
    "recommendation": {"rewards": {"recommendation": 2.5, "bleu": 1.0, "empathy": 1.0}},
}


@pytest.mark.parametrize("name", GUIDE)
def test_values_of_the_guide_and_nothing_else(name):
    assert load_profile(name).values == GUIDE[name]


def test_all_are_listed_with_summary_and_use():
    listed = list_profiles()
    assert [info.name for info in listed] == sorted([*GUIDE, "demo"])
    assert all(info.summary.endswith(".") and info.when.endswith(".") for info in listed)
    assert all(info.path.is_file() for info in listed)


def test_two_profiles_combine(tmp_path):
    settings = resolve(profiles=["conservative", "empathy"], start=tmp_path, environ={}).settings
    assert (settings.ppo.clip_epsilon, settings.ppo.epochs, settings.ppo.learning_rate) == (0.1, 2, 5e-6)
    assert settings.rewards == {
        "bleu": 0.5, "distinct": 0.3, "empathy": 3.0, "recommendation": 1.5, "format": 1.0, "relevance": 1.0
    }  # fmt: skip


def test_a_later_profile_wins(tmp_path):
    settings = resolve(profiles=["conservative", "aggressive"], start=tmp_path, environ={}).settings
    assert settings.ppo.clip_epsilon == 0.3


def test_origins_name_the_profile_and_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("warm.toml").write_text('[profile]\nsummary = "s"\nwhen = "w"\n\n[rewards]\nempathy = 9\n')
    origin = resolve(profiles=["warm.toml"], environ={}).origins["rewards.empathy"]
    assert (origin.layer, origin.where) == ("profile", "warm.toml:6")


def test_in_an_installed_package_profiles_are_inside_it(tmp_path, monkeypatch):
    (tmp_path / "only.toml").write_text('[profile]\nsummary = "s"\nwhen = "w"\n')
    monkeypatch.setattr(room, "_SHIPPED", tmp_path)
    assert [info.name for info in list_profiles()] == ["only"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[ppo]\nepochs = 1\n", [("the profile has no [profile] table", "p.toml:1")]),
        ("\n[profile]\nwhen = 3\n", [
            ("the [profile] table has no text 'summary'", "p.toml:2"),
            ("the [profile] table has no text 'when'", "p.toml:2"),
        ]),
        ('[profile]\nsummary = "s"\nwhen = "w"\nwhenn = "x"\n', [
            ("the [profile] table has an unknown key 'whenn'", "p.toml:4"),
        ]),
        ('[profile]\nsummary = "s"\nwhen = "w"\n' + "#\n" * 38, [
            ("a profile has at most 40 lines, this one has 41", "p.toml:41"),
        ]),
    ],
)  # fmt: skip
def test_a_wrong_profile(tmp_path, monkeypatch, text, expected):
    monkeypatch.chdir(tmp_path)
    Path("p.toml").write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_profile("p.toml")
    assert [(problem.what, problem.at) for problem in caught.value.problems] == expected


def test_forty_lines_are_allowed(tmp_path):
    path = tmp_path / "p.toml"
    path.write_text('[profile]\nsummary = "s"\nwhen = "w"\n' + "#\n" * 37)
    assert load_profile(str(path)).info.name == "p"
