"""Profiles as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ecrctl.ui.console import results, say
from ecrctl.ui.document import print_document
from ecrctl.ui.settings_view import annotated
from ecrctl.ui.tables import Column, facts, show

if TYPE_CHECKING:
    from ecr_engine.config.resolve import Resolved


def show_list(*, as_json: bool) -> None:
    """Prints all profiles."""
    from ecr_engine.config.profiles import list_profiles

    profiles = list_profiles()
    if as_json:
        print_document(profiles)
        return
    columns = (Column("profile"), Column("what it does", folds=True), Column("when to use it", folds=True))
    show(results(), columns, [(profile.name, profile.summary, profile.when) for profile in profiles])


def show_profile(name: str, *, as_json: bool) -> None:
    """Prints what one profile says of itself and what it changes, beside the defaults."""
    from ecr_engine.config.profiles import load_profile
    from ecr_engine.config.tables import dotted

    profile = load_profile(name)
    values = dict(dotted(profile.values))
    if as_json:
        print_document({**_document(profile.info), "values": values})
        return
    console = results()
    facts(
        console,
        [
            ("profile", profile.info.name),
            ("does", profile.info.summary),
            ("when", profile.info.when),
            ("file", str(profile.info.path)),
        ],
    )
    console.print()
    defaults = _defaults()
    rows = [(key, _text(value), _text(defaults[key]) if key in defaults else "") for key, value in values.items()]
    show(console, (Column("setting"), Column("value", right=True), Column("default", right=True)), rows)


def show_resolved(resolved: Resolved, *, as_json: bool) -> None:
    """Prints all settings; each that is no default with its origin."""
    if as_json:
        print_document({"settings": resolved.settings.model_dump(mode="json"), "origins": resolved.origins_json()})
        return
    for line in annotated(resolved):
        say(line)


def show_difference(first: str, second: str, *, as_json: bool) -> None:
    """Prints the settings in which two profiles, each on the defaults, differ."""
    from ecr_engine.config.profiles import load_profile
    from ecr_engine.config.tables import dotted

    defaults = _defaults()
    left, right = ({**defaults, **dict(dotted(load_profile(name).values))} for name in (first, second))
    keys = [key for key in {**left, **right} if left.get(key) != right.get(key)]
    if as_json:
        print_document({key: {"first": left.get(key), "second": right.get(key)} for key in keys})
        return
    columns = (Column("setting"), Column(first, right=True), Column(second, right=True))
    show(results(), columns, [(key, _text(left.get(key)), _text(right.get(key))) for key in keys])


def _defaults() -> dict[str, Any]:
    from ecr_engine.config.resolve import describe_keys

    return {info.key: info.default for info in describe_keys()}


def _document(info: Any) -> dict[str, Any]:
    return {"name": info.name, "summary": info.summary, "when": info.when, "path": info.path}


def _text(value: Any) -> str:
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)
