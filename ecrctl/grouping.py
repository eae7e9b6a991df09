"""Lets a command take its options in groups: one dataclass, or one table of setting flags, is one parameter.

Typer sees the flat list of options; the command sees `common.profile` or `typed["ppo.epochs"]`.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Annotated, Any, get_args, get_type_hints

import typer
from typer.models import ArgumentInfo, OptionInfo

from ecrctl.completion import offer_for
from ecrctl.flags import SettingFlag


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """The command with its option groups spread out for Typer.

    Args:
        command: a function whose parameters are options, option groups (dataclasses of annotated fields), or
            `Annotated[Typed, TABLE]` with a table of setting flags. Of two groups with the same option both get it.
    """
    hints = get_type_hints(command, include_extras=True)
    flat: dict[str, inspect.Parameter] = {}
    builders: dict[str, Callable[[dict[str, Any]], Any]] = {}
    keys: dict[str, list[str]] = {}
    for name, parameter in inspect.signature(command).parameters.items():
        table = _table(hints[name])
        if table:
            for flag in table:
                keys.setdefault(flag.name, []).append(flag.key)
                flat[flag.name] = _setting_parameter(flag, keys[flag.name])
            builders[name] = _table_reader(table)
        elif is_dataclass(hints[name]):
            flat |= {field.name: _field_parameter(hints[name], field) for field in fields(hints[name])}
            builders[name] = _group_reader(hints[name])
        else:
            keyword = inspect.Parameter.KEYWORD_ONLY
            flat[name] = parameter.replace(annotation=completed(hints[name]), kind=keyword)
            builders[name] = _plain_reader(name)

    def call(**given: Any) -> None:
        command(**{name: build(given) for name, build in builders.items()})

    call.__doc__ = command.__doc__
    call.__name__ = command.__name__
    call.__signature__ = inspect.Signature(list(flat.values()))  # type: ignore[attr-defined]
    call.__annotations__ = {}
    return call


def completed(hint: Any) -> Any:
    """The hint of a parameter with what the shell offers for its value, where something is."""
    for entry in get_args(hint)[1:]:
        if isinstance(entry, OptionInfo | ArgumentInfo) and entry.autocompletion is None:
            # Inside of `Annotated` Typer takes the first spelling for a default, and puts it right later.
            first = (entry.default,) if isinstance(entry.default, str) else ()
            offer = offer_for((*first, *(entry.param_decls or ())), entry.metavar)
            if offer is not None:
                filled = copy.copy(entry)
                filled.autocompletion = offer
                return Annotated[get_args(hint)[0], filled]
    return hint


def _table(hint: Any) -> tuple[SettingFlag, ...]:
    metadata = get_args(hint)[1:]
    found = [entry for entry in metadata if isinstance(entry, tuple)]
    return found[0] if found else ()


def _setting_parameter(flag: SettingFlag, keys: Sequence[str]) -> inspect.Parameter:
    switch = flag.kind is bool
    option: Any = typer.Option(
        flag.flag,
        metavar=flag.metavar,
        help=f"{flag.help} Sets {' and '.join(keys)}.",
        rich_help_panel=flag.panel,
        show_default=False,
        autocompletion=None if switch else offer_for((flag.flag,), flag.metavar),
    )
    hint: Any = Annotated[bool if switch else flag.kind | None, option]
    default = False if switch else None
    return inspect.Parameter(flag.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hint)


def _field_parameter(group: Any, field: Field[Any]) -> inspect.Parameter:
    hint = completed(get_type_hints(group, include_extras=True)[field.name])
    default = inspect.Parameter.empty if field.default is MISSING else field.default
    return inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hint)


def _table_reader(table: tuple[SettingFlag, ...]) -> Callable[[dict[str, Any]], Any]:
    def read(given: dict[str, Any]) -> dict[str, tuple[object, str]]:
        # A switch that was not given sets nothing: False is not the same as "off" here.
        typed = {flag: given[flag.name] for flag in table}
        return {
            flag.key: (value, flag.flag) for flag, value in typed.items() if value is not None and value is not False
        }

    return read


def _group_reader(group: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda given: group(**{field.name: given[field.name] for field in fields(group)})


def _plain_reader(name: str) -> Callable[[dict[str, Any]], Any]:
    return lambda given: given[name]
