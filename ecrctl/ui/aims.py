"""What a run's settings say that its numbers are to be held against."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ecrctl.ui.snapshot import Aims


def aims(settings: Mapping[str, Any]) -> Aims:
    """The aims in settings, as they are dumped or written; sections that an earlier version did not have may lack."""
    ppo, health = settings.get("ppo", {}), settings.get("health", {})
    return Aims(
        weights=settings.get("rewards", {}),
        kl_target=ppo.get("kl_target") if ppo.get("kl_controller") == "adaptive" else None,
        kl_bound=health.get("kl_high"),
    )


def aims_of_file(path: Path) -> Aims:
    """The aims in a run's `config.resolved.toml`; none before it is written, or where it is damaged."""
    try:
        return aims(tomllib.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return Aims()
