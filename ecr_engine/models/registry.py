"""The models that have a name here, and what each may be used for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from ecr_engine.errors import UnavailableError, UsageError
from ecr_engine.models.store import stored_folder

ARCHITECTURE = "LlamaForCausalLM"
"""The only architecture of a backbone."""

BUILT_HERE = "built here"
"""The source of a model that each run makes for itself."""


class Use(StrEnum):
    """What a model is for."""

    BACKBONE = "backbone"
    JUDGE = "judge"
    ENCODER = "encoder"


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A registered model.

    Attributes:
        name: what to type.
        uses: what it may be used for.
        what: what it is, in a few words.
        source: where it comes from: built here, or a hub id.
        size: parameters, in words.
    """

    name: str
    uses: tuple[Use, ...]
    what: str
    source: str
    size: str


MODELS = (
    ModelInfo(
        "tiny", (Use.BACKBONE,), "a small Llama, trained from nothing on the run's own data", BUILT_HERE, "2-3 M"
    ),
    ModelInfo(
        "smollm2-135m",
        (Use.BACKBONE, Use.JUDGE),
        "SmolLM2-135M-Instruct, a pretrained Llama (Apache-2.0)",
        "HuggingFaceTB/SmolLM2-135M-Instruct",
        "135 M",
    ),
    ModelInfo(
        "llama2-7b-chat",
        (Use.BACKBONE, Use.JUDGE),
        "Llama 2 Chat, the guide's backbone (gated)",
        "meta-llama/Llama-2-7b-chat-hf",
        "7 B",
    ),
    ModelInfo(
        "llama2-13b-chat", (Use.BACKBONE, Use.JUDGE), "Llama 2 Chat (gated)", "meta-llama/Llama-2-13b-chat-hf", "13 B"
    ),
    ModelInfo("llama2-70b-chat", (Use.JUDGE,), "Llama 2 Chat (gated)", "meta-llama/Llama-2-70b-chat-hf", "70 B"),
    ModelInfo("mistral-7b-instruct", (Use.JUDGE,), "Mistral", "mistralai/Mistral-7B-Instruct-v0.2", "7 B"),
    ModelInfo("mixtral-8x7b-instruct", (Use.JUDGE,), "Mixtral", "mistralai/Mixtral-8x7B-Instruct-v0.1", "47 B"),
    ModelInfo("dialogpt-large", (Use.JUDGE,), "DialoGPT, a GPT-2", "microsoft/DialoGPT-large", "762 M"),
    ModelInfo(
        "small", (Use.ENCODER,), "a small encoder, trained from nothing on the run's own data", BUILT_HERE, "1 M"
    ),
    ModelInfo("minilm-l6", (Use.ENCODER,), "all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2", "22 M"),
    ModelInfo("roberta-base", (Use.ENCODER,), "the guide's critic encoder", "FacebookAI/roberta-base", "125 M"),
)


def model_names(use: Use | None = None) -> list[str]:
    """Names of the registered models, of all or of one use."""
    return [model.name for model in MODELS if use is None or use in model.uses]


def find(name: str) -> ModelInfo | None:
    """The registered model of this name (or of this hub id), if there is one."""
    return next((model for model in MODELS if name in (model.name, model.source)), None)


def source_of(name: str) -> str:
    """What to hand to `from_pretrained`: the folder of a pulled model, a folder, or a hub id."""
    info = find(name)
    if info is not None:
        pulled = stored_folder(info.name)
        return info.source if pulled is None else str(pulled)
    return str(Path(name).expanduser()) if name.startswith("~") else name


def check_backbone_name(name: str) -> None:
    """Refuses what can't be a backbone, as far as it shows without loading anything.

    Args:
        name: a registered name, a local folder or a hub id.

    Raises:
        UsageError: the model is not of the Llama architecture.
        UnavailableError: the name looks like a folder that is not there or holds no model.
    """
    info = find(name)
    if info is not None:
        if Use.BACKBONE not in info.uses:
            raise _refusal(name, info.what)
        return
    folder = Path(name).expanduser()
    if folder.is_dir():
        _check_folder(folder, name)
        return
    if name.startswith((".", "/", "~")) or name.count("/") != 1:
        raise UnavailableError(
            f"backbone '{name}' is no registered model and no folder",
            at="backbone.name",
            fix=f"use one of {', '.join(model_names(Use.BACKBONE))}, or a folder with a Llama model",
        )
    foreign = ("gpt", "opt-", "bloom", "t5", "bart", "bert", "mistral", "mixtral", "qwen", "gemma", "phi", "blenderbot")
    if any(word in name.lower() for word in foreign):
        raise _refusal(name, "by its name, another architecture")


def check_encoder_name(name: str) -> None:
    """Refuses what can't be the critic's encoder, as far as it shows without loading anything.

    Args:
        name: a registered name, a local folder or a hub id.

    Raises:
        UsageError: a registered model that is no encoder.
        UnavailableError: no such model, or a folder that holds none.
    """
    use = f"use one of {', '.join(model_names(Use.ENCODER))}, or a folder with an encoder"
    info = find(name)
    if info is not None:
        if Use.ENCODER not in info.uses:
            raise UsageError(f"'{name}' can't be the encoder: it is {info.what}", at="critic.encoder", fix=use)
        return
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise UnavailableError(
                f"folder '{name}' holds no model: it has no config.json",
                at=str(folder / "config.json"),
                fix="name a Hugging Face model folder",
            )
        return
    if name.startswith((".", "/", "~")) or name.count("/") != 1:
        raise UnavailableError(f"encoder '{name}' is no registered encoder and no folder", at="critic.encoder", fix=use)


def _check_folder(folder: Path, name: str) -> None:
    path = folder / "config.json"
    adapter = folder / "adapter_config.json"
    if adapter.is_file() and not path.is_file():
        _check_base(str(read_json_object(adapter).get("base_model_name_or_path")), adapter, name)
        return
    if not path.is_file():
        raise UnavailableError(
            f"folder '{name}' holds no model: it has no config.json",
            at=str(path),
            fix="name a Hugging Face model folder",
        )
    config = read_json_object(path)
    architectures = config.get("architectures") or [f"model of type {config.get('model_type', 'unknown')}"]
    if architectures[0] != ARCHITECTURE:
        raise _refusal(name, f"a {architectures[0]}")


def _check_base(base: str, adapter: Path, name: str) -> None:
    """Refuses an adapter whose base is not at hand; transformers knows folders and hub ids only."""
    if not Path(base).is_dir() and (base.startswith((".", "/", "~")) or base.count("/") != 1):
        raise UnavailableError(
            f"the base '{base}' of the adapter in '{name}' is no folder and no hub id",
            at=str(adapter),
            fix="write the folder of the base into base_model_name_or_path",
        )
    check_backbone_name(base)


def read_json_object(path: Path) -> dict[str, Any]:
    """The object in a model's JSON file.

    Raises:
        UnavailableError: it is no JSON, no text or no object; the error names the line.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise UnavailableError(f"{path.name} is not JSON: {error.msg}", at=f"{path}:{error.lineno}") from error
    except RecursionError as error:
        raise UnavailableError(f"{path.name} is nested too deep", at=f"{path}:1") from error
    except UnicodeDecodeError as error:
        raise UnavailableError(f"{path.name} is not UTF-8 text", at=f"{path}:1") from error
    if not isinstance(content, dict):
        raise UnavailableError(f"{path.name} is not a JSON object", at=f"{path}:1")
    return content


def _refusal(name: str, what: str) -> UsageError:
    return UsageError(
        f"'{name}' can't be the backbone: it is {what}, and a backbone is of the Llama-2-Chat family ({ARCHITECTURE})",
        at="backbone.name",
        fix=f"use one of {', '.join(model_names(Use.BACKBONE))}, or a folder with a Llama model",
    )
