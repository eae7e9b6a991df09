"""Profiles as people read them."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from ecrctl.ui.console import results, say
from ecrctl.ui.document import print_document
from ecrctl.ui.settings_view import annotated
from ecrctl.ui.tables import Column, facts, show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecr_engine.config.profile_files import Validated
    from ecr_engine.config.profiles import ProfileInfo
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


def show_validated(checked: Sequence[Validated], *, as_json: bool) -> None:
    """Prints which profiles are right, and raises what is wrong with the others.

    Raises:
        SettingsError: at least one is wrong; it has the mistakes of all of them.
    """
    from ecr_engine.errors import SettingsError

    wrong = [problem for each in checked for problem in each.problems]
    if as_json:
        print_document([{"name": each.name, "ok": not each.problems, "problems": each.problems} for each in checked])
    else:
        for each in checked:
            if not each.problems:
                say(f"ok  {each.name}")
    if wrong:
        raise SettingsError(wrong)


def show_created(info: ProfileInfo, *, as_json: bool) -> None:
    """Prints what was written, and what to do with it."""
    if as_json:
        print_document(info)
        return
    say(info.path.read_text(encoding="utf-8"))
    facts(
        results(),
        [
            ("wrote", str(info.path)),
            ("use it", f"ecrctl run --profile {shlex.quote(str(info.path))}"),
            ("beside the defaults", f"ecrctl profile show {shlex.quote(str(info.path))}"),
        ],
    )


def _defaults() -> dict[str, Any]:
    from ecr_engine.config.resolve import describe_keys

    return {info.key: info.default for info in describe_keys()}


def _document(info: Any) -> dict[str, Any]:
    return {"name": info.name, "summary": info.summary, "when": info.when, "path": info.path}


def _text(value: Any) -> str:
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)
