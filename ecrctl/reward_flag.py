"""`--reward NAME=WEIGHT`: the weight of a reward component, also of one that is no part of the project."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import typer

from ecr_engine.errors import UsageError
from ecrctl.flags import Typed
from ecrctl.options import Layers
from ecrctl.panels import Panel

Rewards = Annotated[
    list[str] | None,
    typer.Option(
        "--reward",
        metavar="NAME=WEIGHT",
        help="Weight of a reward component: a registered name, a plug-in, or package.module:Class; repeatable.",
        rich_help_panel=Panel.SETTINGS,
    ),
]


@dataclass(frozen=True, slots=True)
class RewardLayers(Layers):
    """The layers of settings of a command that rewards responses."""

    reward: Rewards = None

    def flags(self) -> Typed:
        """The settings that the weights stand for; of two weights of one component the later counts.

        Raises:
            UsageError: a name can't be one, or a weight is missing, negative or no number.
        """
        return dict(map(_setting, self.reward or ()))


def _setting(text: str) -> tuple[str, tuple[object, str]]:
    """One `NAME=WEIGHT` as settings key, weight and place."""
    name, _, weight = (part.strip() for part in text.rpartition("="))
    at = f"--reward {text}"
    if not name:
        given = weight if text.strip() == weight else "empathy"
        fix = f"write NAME=WEIGHT, such as --reward {given or 'empathy'}=0.5"
        raise UsageError(f"'{text}' gives no reward component a weight", at=at, fix=fix)
    _check_name(name, weight, at)
    return f"rewards.{name}", (_number(name, weight, at), at)


def _check_name(name: str, weight: str, at: str) -> None:
    """Refuses what looks like an import path and is none; whether there is such a component the settings will say."""
    from ecr_engine.config.import_paths import is_import_path

    if not set(name) & set("./:") or is_import_path(name):
        return
    path, dot, last = name.rpartition(".")
    guess = f"{path}:{last}"
    likely = guess if dot and is_import_path(guess) and last[:1].isupper() else "mypackage.rewards:Politeness"
    what = f"'{name}' is neither the name nor the import path of a reward component"
    raise UsageError(what, at=at, fix=f"write package.module:Class, such as --reward {likely}={weight or 0.5}")


def _number(name: str, weight: str, at: str) -> float:
    """The weight: finite and not negative."""
    what = f"the weight of reward component '{name}' is '{weight}', not a number"
    try:
        value = float(weight)
    except ValueError as error:
        raise UsageError(what, at=at, fix=f"--reward {name}=0.5") from error
    if not math.isfinite(value):
        raise UsageError(what, at=at, fix=f"--reward {name}=0.5")
    if value < 0:
        what = f"the weight of reward component '{name}' is {weight}, and has to be 0 or more"
        raise UsageError(what, at=at, fix=f"--reward {name}={weight.lstrip('-')}, or 0 to switch it off")
    return value
