"""Slips of the finger in the name of every setting lead to the right suggestion."""

from __future__ import annotations

import random
import string
from collections.abc import Iterator

from ecr_engine.config.resolve import describe_keys, resolve
from ecr_engine.errors import SettingsError

EACH = 6
"""Slips tried for each key."""


def slips(word: str, source: random.Random) -> Iterator[str]:
    """A letter left out, put in, changed, or in the place of its neighbour."""
    for _ in range(EACH):
        at = source.randrange(len(word))
        letter = source.choice(string.ascii_lowercase)
        yield source.choice(
            [
                word[:at] + word[at + 1 :],
                word[:at] + letter + word[at:],
                word[:at] + letter + word[at + 1 :],
                word[:at] + word[at : at + 2][::-1] + word[at + 2 :],
            ]
        )


def test_the_right_suggestion_in_95_of_100(tmp_path) -> None:
    source = random.Random(20240917)
    keys = [info.key for info in describe_keys()]
    typed = {}
    for key in keys:
        table, dot, last = key.rpartition(".")
        typed |= {f"{table}{dot}{slip}": key for slip in slips(last, source) if slip}
    typed = {slip: key for slip, key in typed.items() if slip not in keys and not slip.endswith(".")}
    try:
        resolve(sets=[f"{slip}=1" for slip in typed], start=tmp_path, environ={}, choices={"rewards": []})
    except SettingsError as error:
        fixes = {problem.at.removeprefix("--set ").removesuffix("=1"): problem.fix for problem in error.problems}
    right = sum(fixes[slip] == f"did you mean '{key}'?" for slip, key in typed.items())
    assert len(typed) > 5 * len(keys) * 0.8
    assert right / len(typed) >= 0.95


def test_the_same_in_the_environment(tmp_path) -> None:
    try:
        resolve(environ={"ECR_SEEED": "1", "ECR_PPO__EPOCS": "2"}, start=tmp_path)
    except SettingsError as error:
        found = [(problem.at, problem.fix) for problem in error.problems]
    assert found == [
        ("environment variable ECR_PPO__EPOCS", "did you mean ECR_PPO__EPOCHS (ppo.epochs)?"),
        ("environment variable ECR_SEEED", "did you mean ECR_SEED (seed)?"),
    ]


def test_the_folder_of_the_model_store_is_no_setting(tmp_path) -> None:
    assert resolve(environ={"ECR_MODEL_STORE": "/models"}, start=tmp_path).settings.seed == 0
