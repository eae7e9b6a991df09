"""What has to hold among the settings of a curriculum."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ecr_engine.config.sections.curriculum import Ramp
from ecr_engine.config.toml_lines import KeyPath
from ecr_engine.errors import Problem

if TYPE_CHECKING:
    from ecr_engine.config.resolve import Resolved

TABLE = "curriculum"

_LAYERS = ("default", "profile", "project file", "--config", "environment", "--set", "flag")


def complete_ramps(values: Mapping[KeyPath, object]) -> dict[KeyPath, object]:
    """The defaults of the keys that the tables of components leave out.

    Args:
        values: the values of all layers by their paths.
    """
    components = {path[1] for path in values if path[0] == TABLE and len(path) > 2}
    defaults = Ramp().model_dump()
    paths = {(TABLE, name, key): value for name in sorted(components) for key, value in defaults.items()}
    return {path: value for path, value in paths.items() if path not in values}


def check_curriculum(resolved: Resolved) -> list[Problem]:
    """A problem for each ramp that ends before it begins, and where at some point nothing has a weight.

    Args:
        resolved: the settings of all layers.
    """
    return [*_backwards(resolved), *_weightless(resolved)]


def _backwards(resolved: Resolved) -> Iterator[Problem]:
    for name, ramp in resolved.settings.curriculum.ramps.items():
        if ramp.begin >= ramp.until:
            begin, until = f"{TABLE}.{name}.from", f"{TABLE}.{name}.until"
            yield Problem(
                f"{begin} {ramp.begin:g} is not before {until} {ramp.until:g}",
                _place(resolved, begin, until),
                f"--set {begin}=0.0 --set {until}={ramp.until or 1.0:g}",
            )


def _weightless(resolved: Resolved) -> Iterator[Problem]:
    settings = resolved.settings
    ramps = settings.curriculum.ramps
    steady = {name: weight for name, weight in settings.rewards.items() if name not in ramps}
    if not ramps or any(weight > 0 for weight in steady.values()) or not any(settings.rewards.values()):
        # Something always counts; or nothing has a weight at all, which is not for the curriculum to say.
        return
    # Each weight is 0 on a closed stretch at an end of its ramp, so they all are somewhere only if at one of these.
    places = sorted({0.0, *(at for ramp in ramps.values() for at in (ramp.begin, ramp.until) if at < 1)})
    weights = settings.rewards
    bare = [at for at in places if all(_is_zero(ramp, weights.get(name, 0.0), at) for name, ramp in ramps.items())]
    if bare:
        keys = [f"{TABLE}.{component}.{key}" for component in ramps for key in ("start", "end")]
        yield Problem(
            f"every reward weight is 0 at progress {bare[0]:g} of the training: there is nothing to learn from",
            _place(resolved, *keys),
            f"give one a weight there, such as --set {TABLE}.{next(iter(ramps))}.start=0.5",
        )


def _is_zero(ramp: Ramp, weight: float, at: float) -> bool:
    """Whether a component counts for nothing at progress `at`; `weight` is its own in `rewards`."""
    start, end = (weight if given is None else given for given in (ramp.start, ramp.end))
    return (start == 0 and at <= ramp.begin) or (end == 0 and at >= ramp.until) or start == end == 0


def _place(resolved: Resolved, *keys: str) -> str:
    """Where the one of `keys` stands that the highest layer set; the later key of two in the same layer."""
    origin = sorted((resolved.origins[key] for key in keys), key=lambda origin: _LAYERS.index(origin.layer))[-1]
    return f"environment variable {origin.where}" if origin.layer == "environment" else origin.where
