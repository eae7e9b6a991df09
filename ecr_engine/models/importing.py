"""A model of others as a checkpoint of ours: safetensors only, with a manifest, looked through before and after.

| source | what is taken |
|---|---|
| a Hugging Face folder | weights as they are, in their precision; configuration and tokenizer |
| the same with `.bin` weights | read by torch with `weights_only`, written as safetensors; only with `allow_pickle` |
| a file of weights (`.safetensors`, `.bin`, `.pt`) | the same, with configuration and tokenizer of `base` |
| a folder with a LoRA adapter | the adapter beside its base, as our own checkpoints have them |

Only files with known names are copied: whatever else lies in a folder, such as Python files, stays there.
"""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecr_engine.data.staging import check_output, staged
from ecr_engine.errors import DataError, DivergedError, UnavailableError, UsageError
from ecr_engine.models.adapter_files import (
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    BASE_KEY,
    BASE_WEIGHTS,
    adapter_facts,
    check_adapter,
    has_adapter,
)
from ecr_engine.models.bases import base_folder
from ecr_engine.models.checking import loading_problems
from ecr_engine.models.foreign import INDEX, check_no_code, check_weights, pickles_in, shards_of
from ecr_engine.models.registry import check_backbone_name, read_json_object
from ecr_engine.runs.manifest import PICKLES, Manifest
from ecr_engine.runs.sealing import room_for, seal
from ecr_engine.runs.space import check_space
from ecr_engine.runs.tensor_files import SAFETENSORS

if TYPE_CHECKING:
    from torch import Tensor

BESIDE = (
    *("config.json", "generation_config.json"),
    *("tokenizer.json", "tokenizer_config.json", "tokenizer.model", "special_tokens_map.json", "added_tokens.json"),
    *("vocab.json", "merges.txt", "chat_template.jinja", "chat_template.json"),
)
"""The files of a model folder that are taken beside the weights."""

TORCH = frozenset({".bin", ".pt", ".pth", ".ckpt"})
"""Endings of files that torch can read as tensors only."""

_HEAD = "lm_head.weight"
_EMBEDDINGS = "model.embed_tokens.weight"
_ADAPTER_KEYS = frozenset(
    {
        *("peft_type", "task_type", BASE_KEY, "r", "lora_alpha", "lora_dropout", "target_modules", "bias"),
        *("fan_in_fan_out", "use_rslora", "use_dora", "rank_pattern", "alpha_pattern", "modules_to_save"),
        *("layers_to_transform", "layers_pattern", "exclude_modules", "revision", "inference_mode", "peft_version"),
    }
)
"""What of an adapter's configuration is taken; the rest is for its training, or names modules to import."""


@dataclass(frozen=True, slots=True)
class ImportedModel:
    """What was imported.

    Attributes:
        source: where it came from.
        folder: the checkpoint's folder.
        base: the folder that the base or the configuration was taken from; None if the source had all.
        adapter: whether an adapter lies beside its base.
        unpickled: the files that were read as tensors from pickles.
        manifest: what the checkpoint consists of.
    """

    source: Path
    folder: Path
    base: Path | None
    adapter: bool
    unpickled: tuple[str, ...]
    manifest: Manifest


def import_model(
    source: Path, output: Path, *, base: str | Path | None = None, allow_pickle: bool = False, step: int = 0
) -> ImportedModel:
    """Makes a checkpoint folder, complete or not there, of a model that was made elsewhere.

    Args:
        source: a model folder, an adapter folder, or a file of weights.
        output: the folder to make, new or empty.
        base: the base of an adapter, or the model whose configuration and tokenizer go with a file of weights: a
            folder, `RUN:baseline`, a registered name, or a hub id that is in the local cache.
        allow_pickle: whether weights in pickles are read, as tensors and nothing else.
        step: the training step that the manifest is to name.

    Raises:
        DataError: there is no model, it is damaged, a number of it is not finite, or it asks to run code.
        UnavailableError: its JSON can't be read, or the base of an adapter is not at hand.
        UsageError: its architecture is none of a backbone, or the output can't be made.
        EcrError: the disk is full.
    """
    check_output(output, lambda folder: False)
    folder, weights = _taken_apart(source)
    configured = folder or _needed_base(source, base)
    check_no_code(configured)
    adapter = has_adapter(configured) and folder is not None
    found = _base_of(configured, base) if adapter else configured
    check_no_code(found)
    check_backbone_name(str(found))
    unpickled: list[str] = []
    with staged(output, lambda folder: False) as staging:
        needed = sum(path.stat().st_size for path in {*_files(found), *_files(source)})
        check_space("the import", output.parent, needed)
        with room_for("the import", output.parent, staging), _finite(source):
            _copy_beside(found, staging)
            _take_weights(weights or _weights_of(found), staging, allow_pickle=allow_pickle, unpickled=unpickled)
            if adapter:
                _take_adapter(configured, found, staging, allow_pickle=allow_pickle, unpickled=unpickled)
            origin = {"imported_from": str(source.absolute()), "base": str(found.absolute()) if adapter else ""}
            manifest = seal(staging, step, {}, best=False, origin={k: v for k, v in origin.items() if v})
        _check_loading(staging, source)
    other = found if found != folder else None
    return ImportedModel(source, output, other, adapter, tuple(unpickled), manifest)


def _taken_apart(source: Path) -> tuple[Path | None, tuple[Path, ...]]:
    """A source as a folder, or as a file of weights.

    Raises:
        DataError: it is neither.
    """
    if source.is_dir():
        if not (source / "config.json").is_file() and not has_adapter(source):
            raise DataError(
                f"folder '{source}' holds no model: it has no config.json",
                at=str(source / "config.json"),
                fix="name a Hugging Face folder; or a file of weights, with --base FOLDER for its configuration",
            )
        return source, ()
    if not source.is_file():
        raise DataError(f"there is no model '{source}'", at=str(source), fix="name a folder or a file of weights")
    if source.suffix not in TORCH | {SAFETENSORS}:
        raise _unreadable(source)
    return None, (source,)


def _unreadable(path: Path) -> DataError:
    what = f"'{path.name}' is no file of weights that can be read"
    if path.suffix.lower() in PICKLES:
        what += f": a {path.suffix} file may hold pickled objects, which run code when they are loaded"
    return DataError(what, at=str(path), fix="convert it to safetensors where it was made")


def _needed_base(source: Path, base: str | Path | None) -> Path:
    if base is None:
        raise UsageError(
            f"'{source.name}' holds weights only, without configuration and tokenizer",
            at=str(source),
            fix="name a folder that has them: --base FOLDER",
        )
    return base_folder(str(base), at="--base")


def _base_of(adapter: Path, base: str | Path | None) -> Path:
    """The folder with an adapter's base: the one that was named, or the one that the adapter names.

    Raises:
        UnavailableError: it is not at hand.
    """
    named = adapter_facts(adapter).get(BASE_KEY)
    if base is not None:
        return base_folder(str(base), at="--base")
    if (adapter / "config.json").is_file():
        return adapter
    config = str(adapter / ADAPTER_CONFIG)
    if not isinstance(named, str) or not named:
        raise UnavailableError("the adapter does not name its base", at=config, fix="name its folder: --base FOLDER")
    return base_folder(named, at=config)


def _files(source: Path) -> tuple[Path, ...]:
    return tuple(path for path in source.iterdir() if path.is_file()) if source.is_dir() else (source,)


def _copy_beside(folder: Path, staging: Path) -> None:
    for name in BESIDE:
        if (folder / name).is_file():
            shutil.copyfile(folder / name, staging / name)


def _weights_of(folder: Path) -> tuple[Path, ...]:
    """The files with the weights of a model, safetensors before pickles.

    Raises:
        DataError: there are none.
    """
    for stem in (f"model{SAFETENSORS}", "pytorch_model.bin"):
        if (folder / stem).is_file():
            return (folder / stem,)
        index = folder / f"{stem}{INDEX}"
        if index.is_file():
            return tuple(folder / name for name in shards_of(index))
    others = pickles_in(folder)
    if others:
        raise _unreadable(others[0]) if others[0].suffix not in TORCH else _name_it(others[0])
    raise DataError(f"there are no weights in {folder}", at=str(folder / BASE_WEIGHTS), fix="get the model again")


def _name_it(path: Path) -> DataError:
    typed = shlex.join(["--base", str(path.parent), "--allow-pickle"])
    return DataError(
        f"there is no {BASE_WEIGHTS} in {path.parent}, only '{path.name}'",
        at=str(path),
        fix=f"name that file: ecrctl checkpoint import {shlex.quote(str(path))} {typed}",
    )


def _take_weights(files: tuple[Path, ...], staging: Path, *, allow_pickle: bool, unpickled: list[str]) -> None:
    """Copies safetensors files as they are, with their index; others become one each."""
    if all(path.suffix == SAFETENSORS for path in files):
        for path in files:
            shutil.copyfile(path, staging / (BASE_WEIGHTS if len(files) == 1 else path.name))
        index = files[0].parent / f"{BASE_WEIGHTS}{INDEX}"
        if len(files) > 1:
            shutil.copyfile(index, staging / index.name)
        check_weights(staging)
        return
    config = read_json_object(staging / "config.json")
    places: dict[str, str] = {}
    for number, path in enumerate(files, start=1):
        tensors = _without_copies(unpickle(path, allow_pickle=allow_pickle), config)
        unpickled.append(path.name)
        shard = BASE_WEIGHTS if len(files) == 1 else f"model-{number:05}-of-{len(files):05}{SAFETENSORS}"
        _write(tensors, staging / shard)
        places |= dict.fromkeys(tensors, shard)
    if len(files) > 1:
        content = {"metadata": {}, "weight_map": places}
        (staging / f"{BASE_WEIGHTS}{INDEX}").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _take_adapter(adapter: Path, base: Path, staging: Path, *, allow_pickle: bool, unpickled: list[str]) -> None:
    weights, pickled = adapter / ADAPTER_WEIGHTS, adapter / "adapter_model.bin"
    if weights.is_file():
        shutil.copyfile(weights, staging / ADAPTER_WEIGHTS)
    elif pickled.is_file():
        _write(unpickle(pickled, allow_pickle=allow_pickle), staging / ADAPTER_WEIGHTS)
        unpickled.append(pickled.name)
    else:
        raise DataError(f"there are no weights in {adapter}", at=str(weights), fix="get the adapter again")
    facts = {key: value for key, value in adapter_facts(adapter).items() if key in _ADAPTER_KEYS}
    facts[BASE_KEY] = str(base)
    (staging / ADAPTER_CONFIG).write_text(json.dumps(facts, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    _check_fit(staging)


def _check_fit(folder: Path) -> None:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    with torch.device("meta"):
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
        check_adapter(AutoModelForCausalLM.from_config(config, trust_remote_code=False), folder)


def unpickle(path: Path, *, allow_pickle: bool) -> dict[str, Tensor]:
    """The tensors in a file that torch wrote, by name; whatever else it holds is refused, and none of it is called.

    Args:
        path: the file.
        allow_pickle: whether it may be read at all.

    Raises:
        DataError: it may not, it holds something else than tensors, or it is damaged.
    """
    import pickle

    import torch

    if path.suffix not in TORCH:
        raise _unreadable(path)
    if not allow_pickle:
        raise DataError(
            f"the weights in '{path.name}' are pickled, and a pickle can run code when it is loaded",
            at=str(path),
            fix="if you trust where it is from: --allow-pickle, which reads tensors and nothing else",
        )
    try:
        found: Any = torch.load(path, map_location="cpu", weights_only=True, mmap=_is_zip(path))
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise DataError(
            f"'{path.name}' is damaged or holds something else than tensors: nothing of it was run",
            at=str(path),
            fix="don't use it; get the model as safetensors",
        ) from error
    if not isinstance(found, dict) or not all(isinstance(value, torch.Tensor) for value in found.values()):
        raise DataError(
            f"'{path.name}' holds no weights by name",
            at=str(path),
            fix="save the state_dict of the model where it was made",
        )
    return {str(name): value for name, value in found.items()}


def _is_zip(path: Path) -> bool:
    """Whether a file is of torch's present format, which can be mapped into memory."""
    with path.open("rb") as handle:
        return handle.read(2) == b"PK"


def _without_copies(tensors: Mapping[str, Tensor], config: Mapping[str, Any]) -> dict[str, Tensor]:
    """Weights without the output layer where it is tied to the embeddings, which have the same."""
    tied = bool(config.get("tie_word_embeddings")) and _EMBEDDINGS in tensors
    return {name: value for name, value in tensors.items() if not (tied and name == _HEAD)}


def _write(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Writes tensors, each with memory of its own."""
    from safetensors.torch import save_file

    seen: set[int] = set()
    own: dict[str, Tensor] = {}
    for name, value in tensors.items():
        place = value.untyped_storage().data_ptr()
        own[name] = value.clone() if place in seen else value.contiguous()
        seen.add(place)
    save_file(own, path, metadata={"format": "pt"})


@contextmanager
def _finite(source: Path) -> Iterator[None]:
    """Says of numbers that are not finite that they were so before."""
    try:
        yield
    except DivergedError as error:
        what = f"the model is broken: {error.problems[0].what.partition(': ')[2]}"
        raise DataError(what, at=str(source), fix="get the model again, or use an earlier one") from error


def _check_loading(staging: Path, source: Path) -> None:
    wrong = loading_problems(staging)
    if wrong:
        # The staging folder has vanished by the time that somebody reads this.
        raise DataError(wrong[0].what, at=str(source), fix="get the model again")
