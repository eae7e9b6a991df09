"""What a run ran on: revision, package versions, hardware. Imports nothing heavy."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

PACKAGES = (
    "accelerate",
    "bitsandbytes",
    "ecrctl",
    "nltk",
    "numpy",
    "peft",
    "pydantic",
    "pydantic-settings",
    "rich",
    "sacrebleu",
    "safetensors",
    "scipy",
    "tokenizers",
    "torch",
    "transformers",
    "typer",
    "wandb",
)
"""The packages whose versions can change a result."""


@dataclass(frozen=True, slots=True)
class Hardware:
    """The machine.

    Attributes:
        platform: operating system, release and architecture.
        processor: the processor's model name.
        cpu_count: logical processors that this process may use.
        memory_mib: physical memory, in MiB.
        gpus: names of the CUDA devices; empty without one, and while torch has not been imported.
    """

    platform: str
    processor: str
    cpu_count: int
    memory_mib: int
    gpus: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a result depends on beside settings and data.

    Attributes:
        git_revision: the commit of the source checkout, with "-dirty" if files were changed; None outside of one.
        python: the version of Python.
        packages: version by package.
        hardware: the machine.
    """

    git_revision: str | None
    python: str
    packages: dict[str, str]
    hardware: Hardware

    def to_json(self) -> dict[str, Any]:
        """The same as plain JSON values."""
        return {**asdict(self), "hardware": {**asdict(self.hardware), "gpus": list(self.hardware.gpus)}}


def provenance() -> Provenance:
    """Revision, versions and hardware of this process."""
    return Provenance(git_revision(), platform.python_version(), package_versions(), hardware())


def git_revision(folder: Path | None = None) -> str | None:
    """The revision of the git checkout whose top level is `folder`, or None if it is not one.

    Only the top level counts: an installed package may lie inside the checkout of something else.

    Args:
        folder: the top level of the checkout; that of this source tree if None.
    """
    top = (folder or Path(__file__).parents[2]).resolve()
    found = _git(top, "rev-parse", "--show-toplevel")
    if found is None or Path(found).resolve() != top:
        return None
    return _git(top, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")


def package_versions() -> dict[str, str]:
    """The versions of the installed packages that can change a result, from their metadata."""
    found: dict[str, str] = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def hardware() -> Hardware:
    """The machine; asks for GPUs only if torch has been imported already."""
    return Hardware(
        platform=platform.platform(),
        processor=_processor(Path("/proc/cpuinfo")),
        cpu_count=len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1,
        memory_mib=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        gpus=_gpus(),
    )


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None


def _processor(cpuinfo: Path) -> str:
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def _gpus() -> tuple[str, ...]:
    if "torch" not in sys.modules:
        return ()
    import torch

    return tuple(torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count()))
