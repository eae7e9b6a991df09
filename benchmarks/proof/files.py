"""The files of a proof folder: JSON and TOML, written whole or not at all."""

from __future__ import annotations

import argparse
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ecr_engine.config.toml_lines import toml_value
from ecr_engine.runs.atomic import write_text

HERE = Path(__file__).parent


def read(path: Path) -> Any:
    """A JSON file; an empty table if it is not there."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def write(path: Path, found: object) -> None:
    """A JSON file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(found, indent=1))


def read_toml(name: str) -> dict[str, dict[str, object]]:
    """One of the settings files beside this one."""
    return tomllib.loads((HERE / name).read_text(encoding="utf-8"))


def write_toml(path: Path, tables: Mapping[str, Mapping[str, object]]) -> None:
    """Tables of settings, whole or not at all."""
    parts = (
        "\n".join([f"[{table}]", *(f"{key} = {toml_value(value)}" for key, value in settings.items())])
        for table, settings in tables.items()
    )
    write_text(path, "\n\n".join(parts) + "\n")


def folder_parser(text: str) -> argparse.ArgumentParser:
    """A command line that takes a proof folder; `text` says what is done with it."""
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, nargs="?", default=Path("runs/proof"), help="the proof folder")
    return parser


def given_to(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """What was typed; refuses a proof folder that is not there."""
    given = parser.parse_args()
    if not given.out.is_dir():
        parser.error(f"there is no proof folder {given.out}; make one with python benchmarks/proof/run.py")
    return given
