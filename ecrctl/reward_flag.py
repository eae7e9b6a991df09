"""`--reward NAME=WEIGHT`: the weight of a reward component, also of one that is no part of the project."""

from __future__ import annotations

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
            UsageError: a weight is missing or no number.
        """
        return dict(map(_setting, self.reward or ()))


def _setting(text: str) -> tuple[str, tuple[object, str]]:
    """One `NAME=WEIGHT` as settings key, weight and place."""
    name, _, weight = (part.strip() for part in text.rpartition("="))
    at = f"--reward {text}"
    if not name:
        fix = f"write NAME=WEIGHT, such as --reward {weight or 'empathy'}=0.5"
        raise UsageError(f"'{text}' gives no reward component a weight", at=at, fix=fix)
    try:
        return f"rewards.{name}", (float(weight), at)
    except ValueError as error:
        what = f"the weight of reward component '{name}' is '{weight}', not a number"
        raise UsageError(what, at=at, fix=f"--reward {name}=0.5") from error
