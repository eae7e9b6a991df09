"""The table `[curriculum]`: a table for each component beside the order, from every layer, with its origin."""

from __future__ import annotations

import pytest

from ecr_engine.config.resolve import Origin, resolve
from ecr_engine.errors import SettingsError

CHOICES = {"rewards": ["bleu", "distinct", "empathy", "format", "recommendation", "relevance"]}


def resolved(folder, *sets, environ=None, config=None):
    return resolve(start=folder, environ=environ or {}, sets=sets, config=config, choices=CHOICES)


def mistakes(folder, *sets, **arguments):
    with pytest.raises(SettingsError) as caught:
        resolved(folder, *sets, **arguments)
    return [(problem.what, problem.at, problem.fix) for problem in caught.value.problems]


def test_a_file_with_the_order_and_two_components(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(
        '[curriculum]\norder = "turns"\n\n[curriculum.empathy]\nstart = 0.5\nuntil = 0.8\nshape = "cosine"\n\n'
        "[curriculum.recommendation]\nfrom = 0.25\nstart = 0.0\n",
        encoding="utf-8",
    )
    found = resolved(tmp_path, config=tmp_path / "mine.toml")
    curriculum = found.settings.curriculum
    assert (curriculum.order, curriculum.open, curriculum.order_until) == ("turns", 0.3, 0.5)
    empathy = curriculum.ramps["empathy"]
    assert (empathy.start, empathy.end, empathy.begin, empathy.until, empathy.shape) == (0.5, None, 0.0, 0.8, "cosine")
    assert curriculum.ramps["recommendation"].begin == 0.25
    assert found.origins["curriculum.empathy.until"] == Origin("--config", "mine.toml:6")
    assert found.origins["curriculum.recommendation.from"] == Origin("--config", "mine.toml:10")
    assert found.origins["curriculum.empathy.end"].layer == "default"


def test_layers_merge_key_by_key(tmp_path):
    (tmp_path / "mine.toml").write_text("[curriculum.empathy]\nstart = 0.5\nend = 2.0\n", encoding="utf-8")
    found = resolved(
        tmp_path,
        "curriculum.empathy.end=3.0",
        config=tmp_path / "mine.toml",
        environ={"ECR_CURRICULUM__EMPATHY__FROM": "0.1"},
    )
    ramp = found.settings.curriculum.ramps["empathy"]
    assert (ramp.start, ramp.end, ramp.begin) == (0.5, 3.0, 0.1)
    assert found.origins["curriculum.empathy.from"] == Origin("environment", "ECR_CURRICULUM__EMPATHY__FROM")


def test_an_inline_table_and_a_component_of_others(tmp_path):
    found = resolved(tmp_path, "curriculum.empathy={start=0.5, end=2.0}", "curriculum.my.rewards:Polite.start=0.25")
    assert found.settings.curriculum.ramps["empathy"].end == 2.0
    assert found.settings.curriculum.ramps["my.rewards:Polite"].start == 0.25


def test_a_run_can_be_repeated_from_its_file(tmp_path):
    first = resolved(tmp_path, "curriculum.empathy.from=0.2", "curriculum.empathy.end=none")
    (tmp_path / "again.toml").write_text(first.to_toml(), encoding="utf-8")
    assert resolved(tmp_path, config=tmp_path / "again.toml").settings == first.settings


def test_without_a_curriculum_nothing_moves(tmp_path):
    curriculum = resolved(tmp_path).settings.curriculum
    assert (curriculum.ramps, curriculum.order) == ({}, "none")


@pytest.mark.parametrize(
    ("sets", "what", "at", "fix"),
    [
        (
            ["curriculum.empaty.start=0.5"],
            "unknown setting 'curriculum.empaty.start'",
            "--set curriculum.empaty.start=0.5",
            "did you mean 'curriculum.empathy.start'?",
        ),
        (
            ["curriculum.empathy.form=0.5"],
            "unknown setting 'curriculum.empathy.form'",
            "--set curriculum.empathy.form=0.5",
            "did you mean 'curriculum.empathy.from'?",
        ),
        (
            ["curriculum.empathy.start=-1"],
            "curriculum.empathy.start must be a number of at least 0, or none, not -1",
            "--set curriculum.empathy.start=-1",
            'for example the default: --set curriculum.empathy.start="none"',
        ),
        (
            ["curriculum.empathy.from=1.5"],
            "curriculum.empathy.from must be a number from 0 to 1, not 1.5",
            "--set curriculum.empathy.from=1.5",
            "for example the default: --set curriculum.empathy.from=0.0",
        ),
        (
            ["curriculum.empathy.shape=square"],
            "curriculum.empathy.shape must be one of linear, cosine, not 'square'",
            "--set curriculum.empathy.shape=square",
            "choose from: linear, cosine",
        ),
        (
            ["curriculum.empathy=2.0"],
            "curriculum.empathy is a table of settings, and can't be 2.0",
            "--set curriculum.empathy=2.0",
            "set its keys, such as --set curriculum.empathy.start=0.5",
        ),
        (
            ["curriculum.empathy.until=0.5", "curriculum.empathy.from=0.5"],
            "curriculum.empathy.from 0.5 is not before curriculum.empathy.until 0.5",
            "--set curriculum.empathy.until=0.5",
            "--set curriculum.empathy.from=0.0 --set curriculum.empathy.until=0.5",
        ),
        (
            ["curriculum.order=turn"],
            "curriculum.order must be one of none, length, turns, baseline_loss, not 'turn'",
            "--set curriculum.order=turn",
            "did you mean 'turns'?",
        ),
        (
            ["curriculum.open=0"],
            "curriculum.open must be a number above 0 and at most 1, not 0",
            "--set curriculum.open=0",
            "for example the default: --set curriculum.open=0.3",
        ),
    ],
)
def test_each_mistake(tmp_path, sets, what, at, fix):
    assert mistakes(tmp_path, *sets) == [(what, at, fix)]


def test_all_mistakes_at_once_with_their_lines(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(
        '[curriculum.empathy]\nstart = "much"\n\n[curriculum.recomendation]\nend = 1.5\n', encoding="utf-8"
    )
    found = mistakes(tmp_path, config=tmp_path / "mine.toml")
    assert {(what, at) for what, at, _ in found} == {
        ("curriculum.empathy.start must be a number of at least 0, or none, not 'much'", "mine.toml:2"),
        ("unknown setting 'curriculum.recomendation.end'", "mine.toml:5"),
    }


OFF = [f"rewards.{name}=0" for name in ("bleu", "distinct", "recommendation", "format", "relevance")]


@pytest.mark.parametrize(
    ("sets", "progress"),
    [
        (["curriculum.empathy.start=0.0"], "0"),
        (["curriculum.empathy.end=0.0", "curriculum.empathy.until=0.5"], "0.5"),
        # Empathy comes when relevance has gone: between the two there is nothing.
        (
            [
                "curriculum.empathy.start=0.0",
                "curriculum.empathy.from=0.6",
                "curriculum.relevance.start=1.0",
                "curriculum.relevance.end=0.0",
                "curriculum.relevance.until=0.4",
            ],
            "0.4",
        ),
    ],
)
def test_a_moment_at_which_nothing_has_a_weight(tmp_path, sets, progress):
    with pytest.raises(SettingsError) as caught:
        resolve(start=tmp_path, environ={}, sets=[*OFF, *sets])
    (problem,) = caught.value.problems
    assert problem.what == (
        f"every reward weight is 0 at progress {progress} of the training: there is nothing to learn from"
    )
    assert problem.at == f"--set {[text for text in sets if 'start' in text or 'end' in text][-1]}"
    assert problem.fix == "give one a weight there, such as --set curriculum.empathy.start=0.5"


def test_one_component_may_come_as_another_goes(tmp_path):
    sets = ("curriculum.empathy.start=0.0", "curriculum.relevance.start=1.0", "curriculum.relevance.end=0.0")
    resolve(start=tmp_path, environ={}, sets=[*OFF, *sets])
