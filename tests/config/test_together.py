"""Settings that are in range one by one and contradict each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecr_engine.config.resolve import resolve
from ecr_engine.errors import ExitCode, SettingsError


def mistakes(folder: Path, *sets: str, **arguments) -> list[tuple[str, str, str]]:
    with pytest.raises(SettingsError) as caught:
        resolve(**{"environ": {}, "start": folder, "sets": sets, **arguments})
    assert caught.value.exit_code == ExitCode.USAGE
    return [(problem.what, problem.at, problem.fix) for problem in caught.value.problems]


NO_WEIGHT = [f"rewards.{name}=0" for name in ("bleu", "distinct", "empathy", "recommendation", "format", "relevance")]


@pytest.mark.parametrize(
    ("sets", "what", "at", "fix"),
    [
        (
            ["backbone.hidden_size=100"],
            "backbone.hidden_size 100 does not divide into 3 heads of an even size",
            "--set backbone.hidden_size=100",
            "--set backbone.hidden_size=102",
        ),
        # 192 / 64 makes heads of 3 numbers, which is odd.
        (
            ["backbone.heads=64"],
            "backbone.hidden_size 192 does not divide into 64 heads of an even size",
            "--set backbone.heads=64",
            "--set backbone.hidden_size=256",
        ),
        (
            ["critic.heads=5"],
            "critic.hidden_size 192 does not divide into 5 heads",
            "--set critic.heads=5",
            "--set critic.hidden_size=195",
        ),
        (
            ["ppo.minibatch_size=20"],
            "ppo.batch_size 64 is no multiple of ppo.minibatch_size 20",
            "--set ppo.minibatch_size=20",
            "--set ppo.minibatch_size=4",
        ),
        (
            ["ppo.samples_per_prompt=6"],
            "ppo.batch_size 64 is no multiple of ppo.samples_per_prompt 6",
            "--set ppo.samples_per_prompt=6",
            "--set ppo.samples_per_prompt=4",
        ),
        (
            NO_WEIGHT,
            "every reward weight is 0: there is nothing to learn from",
            "--set rewards.relevance=0",
            "give one a weight, such as --set rewards.empathy=2.0",
        ),
        (
            ["data.validation_share=0.85"],
            "data.validation_share and data.test_share leave no training dialogue: they make 1",
            "--set data.validation_share=0.85",
            "set them to a sum below 1, such as --set data.validation_share=0.1 --set data.test_share=0.15",
        ),
        (
            ["backbone.vocabulary=200001"],
            "backbone.vocabulary must be a whole number from 400 to 200000, not 200001",
            "--set backbone.vocabulary=200001",
            "for example the default: --set backbone.vocabulary=3000",
        ),
    ],
)
def test_each_contradiction(tmp_path, sets, what, at, fix) -> None:
    assert mistakes(tmp_path, *sets) == [(what, at, fix)]


def test_the_proposed_values_work(tmp_path) -> None:
    for text in ("backbone.hidden_size=102", "critic.hidden_size=195", "ppo.minibatch_size=4"):
        extra = ["critic.heads=5"] if text.startswith("critic") else []
        resolve(environ={}, start=tmp_path, sets=[text, *extra])


def test_a_batch_below_the_minibatch_is_one_minibatch(tmp_path) -> None:
    resolve(environ={}, start=tmp_path, sets=["ppo.batch_size=7"])


def test_shapes_of_pretrained_models_are_their_own(tmp_path) -> None:
    resolve(
        environ={},
        start=tmp_path,
        sets=["backbone.name=a/b", "backbone.heads=7", "critic.encoder=roberta-base", "critic.heads=7"],
    )


def test_the_place_is_that_of_the_value_that_came_last(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ecr.toml").write_text("[ppo]\nbatch_size = 48\n", encoding="utf-8")
    assert [at for _, at, _ in mistakes(tmp_path)] == ["ecr.toml:2"]
    variable = {"ECR_PPO__MINIBATCH_SIZE": "20"}
    assert [at for _, at, _ in mistakes(tmp_path, environ=variable)] == ["environment variable ECR_PPO__MINIBATCH_SIZE"]
    assert [at for _, at, _ in mistakes(tmp_path, flags={"ppo.batch_size": (50, "--rl-batch-size")})] == [
        "--rl-batch-size"
    ]


def test_all_contradictions_at_once(tmp_path) -> None:
    assert len(mistakes(tmp_path, "ppo.batch_size=48", "critic.heads=5", *NO_WEIGHT)) == 3
