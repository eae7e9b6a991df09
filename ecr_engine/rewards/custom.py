"""Reward components by name: registered files, plug-ins of installed packages, and import paths.

- `empathy`: a file in `components/`;
- `politeness`: an entry point of the group `ecrctl.rewards` in any installed package, such as, in its `pyproject.toml`,

      [project.entry-points."ecrctl.rewards"]
      politeness = "mypackage.rewards:Politeness"

- `mypackage.rewards:Politeness`: an import path, looked for where Python looks and then in the working folder.

The last two name a class, or a function, that is called without arguments, or with the `Resources` if it takes an
argument `resources`, and gives an object with the attributes of `RewardComponent`.
"""

from __future__ import annotations

import importlib
import inspect
import math
import reprlib
import sys
from collections.abc import Callable
from functools import cache
from importlib.metadata import entry_points
from numbers import Real
from pathlib import Path
from types import ModuleType
from typing import Any

from ecr_engine.config.import_paths import is_import_path
from ecr_engine.errors import EcrError, UsageError, nearest, suggestion
from ecr_engine.rewards.component import COMPONENTS, RewardComponent
from ecr_engine.rewards.foreign import Raised, attempt
from ecr_engine.rewards.resources import Resources

GROUP = "ecrctl.rewards"
"""The group of entry points whose names are reward components."""

REQUIRED = ("name", "low", "high", "explanation", "score")
"""What every reward component has."""

_MOST_NAMED = 8
"""Classes of a module that an error names."""

_SHAPE = "give it name, low, high, explanation and score(batch): see docs/rewards.md"


@cache
def plugins() -> dict[str, tuple[str, ...]]:
    """The import paths that installed packages offer, by name; more than one where packages disagree."""
    found: dict[str, tuple[str, ...]] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value)):
        paths = found.get(entry.name, ())
        # What a package wants installed stands behind the path: `mypackage.rewards:Politeness [extra]`.
        path = entry.value.partition("[")[0].strip()
        found[entry.name] = paths if path in paths else (*paths, path)
    return found


def component_names() -> list[str]:
    """All names that can be given a weight, sorted: registered components and plug-ins; imports none of them."""
    return sorted({*COMPONENTS.names(), *plugins()})


def build_component(name: str, resources: Resources) -> RewardComponent:
    """The component of a name; a registered one goes before a plug-in of the same name.

    Args:
        name: a registered name, the name of a plug-in, or an import path.
        resources: what it may draw on.

    Raises:
        UsageError: there is none, or what the name leads to is no reward component.
        EcrError: its code raised.
    """
    if ":" not in name and name in COMPONENTS.names():
        return COMPONENTS.build(name, resources)
    return _built(name, _path_of(name), resources)


def check_component(name: str) -> None:
    """Refuses a name that leads to nothing, without building the component.

    Args:
        name: as in `build_component`.

    Raises:
        UsageError: there is no such component, class or function.
        EcrError: its module raised while it was imported.
    """
    if ":" in name or name not in COMPONENTS.names():
        find_maker(name, _path_of(name))


def _path_of(name: str) -> str:
    """The import path behind a name that is not registered."""
    if ":" in name:
        return name
    if name not in plugins():
        raise UsageError(f"unknown reward component '{name}'", fix=suggestion(name, component_names()))
    paths = plugins()[name]
    if len(paths) > 1:
        raise UsageError(
            f"reward component '{name}' is offered by more than one installed package: {', '.join(paths)}",
            at=f"rewards.{name}",
            fix=f"name the one that is meant: --reward {paths[0]}=WEIGHT",
        )
    return paths[0]


def find_maker(name: str, path: str) -> Callable[..., object]:
    """The class or function at an import path.

    Args:
        name: what the component is called, for errors.
        path: such as `mypackage.rewards:Politeness`.

    Raises:
        UsageError: there is none.
        EcrError: the module raised while it was imported.
    """
    at = f"rewards.{name}"
    if not is_import_path(path):
        raise UsageError(
            f"'{path}' is no import path of a reward component",
            at=at,
            fix="write package.module:Class, such as mypackage.rewards:Politeness",
        )
    module_name, _, attribute = path.partition(":")
    _see_working_folder()
    outcome = attempt(lambda: importlib.import_module(module_name))
    if isinstance(outcome, Raised):
        raise _import_error(module_name, outcome, at) from outcome.error
    module = outcome.value
    found = attempt(lambda: getattr(module, attribute))
    if isinstance(found, Raised):
        raise UsageError(
            f"module '{module_name}' has no '{attribute}'", at=at, fix=_instead_of(attribute, module)
        ) from found.error
    maker = found.value
    if not callable(maker):
        raise UsageError(
            f"'{path}' is of type {type(maker).__name__}, not a class or function that makes a reward component",
            at=at,
            fix="name the class itself",
        )
    made: Callable[..., object] = maker
    return made


def _instead_of(attribute: str, module: ModuleType) -> str:
    """What to do where a module lacks a name: take one of its classes that can score, or write one."""
    public = {name: value for name, value in vars(module).items() if inspect.isclass(value) and name[0] != "_"}
    scoring = [name for name, value in public.items() if "score" in dir(value)]
    near = nearest(attribute, scoring)
    if near is not None:
        return f"did you mean '{near}'?"
    if 0 < len(scoring) <= _MOST_NAMED:
        return f"choose from: {', '.join(scoring)}"
    return f"define the class in {vars(module).get('__file__') or 'a module of your own'}"


def _see_working_folder() -> None:
    """Lets modules of the working folder be imported, where an installed command does not look; it hides nothing."""
    here = str(Path.cwd())
    if here not in sys.path and "" not in sys.path:
        sys.path.append(here)


def _import_error(module: str, outcome: Raised, at: str) -> EcrError:
    missing = outcome.error.name if isinstance(outcome.error, ModuleNotFoundError) else None
    if missing is not None and f"{module}.".startswith(f"{missing}."):
        fix = "check the name; install its package, or type the command in the folder that holds it"
        return UsageError(f"there is no module '{missing}'", at=at, fix=fix)
    return EcrError(
        f"module '{module}' can't be imported: {outcome.in_one_line()}",
        at=at,
        fix=f"mend it: python -c 'import {module}'",
    )


def _built(name: str, path: str, resources: Resources) -> RewardComponent:
    maker = find_maker(name, path)
    given = _arguments(name, path, maker, resources)
    outcome = attempt(lambda: maker(**given))
    if isinstance(outcome, Raised):
        raise EcrError(
            f"reward component '{name}' can't be made: {outcome.in_one_line()}",
            at=f"rewards.{name}",
            fix=f"mend {path}, or switch it off with --set rewards.{name}=0",
        ) from outcome.error
    return _checked(name, outcome.value)


def _arguments(name: str, path: str, maker: Callable[..., object], resources: Resources) -> dict[str, Resources]:
    """What to call it with: nothing, or the resources."""
    outcome = attempt(lambda: inspect.signature(maker).parameters)
    # Some built-in types can't be asked; they are called without arguments.
    parameters = {} if isinstance(outcome, Raised) else dict(outcome.value)
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    strange = [
        each.name
        for each in parameters.values()
        if each.default is inspect.Parameter.empty and each.kind not in variable and each.name != "resources"
    ]
    if strange:
        raise UsageError(
            f"'{path}' can't be called: it wants {', '.join(strange)}",
            at=f"rewards.{name}",
            fix="let it take no argument, or one named resources",
        )
    return {"resources": resources} if "resources" in parameters else {}


def _checked(name: str, found: object) -> RewardComponent:
    """The object, if it is a reward component as far as that can be seen without a sample."""
    at = f"rewards.{name}"
    missing = [each for each in REQUIRED if each not in dir(found)]
    if missing:
        raise UsageError(f"reward component '{name}' has no {', '.join(missing)}", at=at, fix=_SHAPE)
    values = {each: _value(name, found, each) for each in REQUIRED}
    for each in ("name", "explanation"):
        if not (isinstance(values[each], str) and values[each].strip()):
            raise UsageError(
                f"{each} of reward component '{name}' is {shown(values[each])}, not a text", at=at, fix=_SHAPE
            )
    for each in ("low", "high"):
        if not is_number(values[each]) or not math.isfinite(values[each]):
            raise UsageError(
                f"{each} of reward component '{name}' is {shown(values[each])}, not a number", at=at, fix=_SHAPE
            )
    if not values["low"] < values["high"]:
        raise UsageError(
            f"reward component '{name}' has no range: low {values['low']:g} is not below high {values['high']:g}",
            at=at,
            fix="low is the least score that it gives, high the greatest",
        )
    check_range(name, values["low"], values["high"])
    if not callable(values["score"]):
        raise UsageError(f"score of reward component '{name}' can't be called", at=at, fix=_SHAPE)
    component: RewardComponent = found  # type: ignore[assignment]
    return component


def check_range(name: str, low: float, high: float) -> None:
    """Refuses a range that would take the weighted mean of the rewards out of [0, 1], or a penalty beyond -1.

    Args:
        name: what the component is called.
        low: the least score that it gives.
        high: the greatest.

    Raises:
        UsageError: the range is neither within [0, 1] nor one from -1 or more to 0.
    """
    if not (0 <= low < high <= 1 or -1 <= low < high == 0):
        raise UsageError(
            f"the range of reward component '{name}' is [{low:g}, {high:g}]",
            at=f"rewards.{name}",
            fix="scale its scores: a reward gives 0 to 1, a penalty -1 to 0",
        )


def _value(name: str, component: object, attribute: str) -> Any:
    """An attribute of a component, which its code may compute."""
    outcome = attempt(lambda: getattr(component, attribute))
    if isinstance(outcome, Raised):
        raise EcrError(
            f"{attribute} of reward component '{name}' can't be read: {outcome.in_one_line()}",
            at=f"rewards.{name}",
            fix=_SHAPE,
        ) from outcome.error
    return outcome.value


def shown(value: object) -> str:
    """A value in at most 40 characters or so, whatever it is."""
    outcome = attempt(lambda: reprlib.repr(value))
    return f"of type {type(value).__name__}" if isinstance(outcome, Raised) else outcome.value


def is_number(value: object) -> bool:
    """Whether a value is a number as a score has to be: true and false are none, nor is what no float can hold."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    try:
        float(value)
    except OverflowError:
        return False
    return True
