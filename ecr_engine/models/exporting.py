"""A checkpoint as a plain Hugging Face folder: without what only training needs, for any tool that reads such folders.

| checkpoint | `merge` | otherwise |
|---|---|---|
| a whole model | its files as they are | the same |
| a base with an adapter | one plain model in float32 that answers as the two together | base and adapter, as they are |
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ecr_engine.data.staging import check_output, staged
from ecr_engine.errors import DataError, UnavailableError
from ecr_engine.models.adapter_files import ADAPTER_WEIGHTS, has_adapter
from ecr_engine.models.foreign import INDEX, MAP, shards_of
from ecr_engine.models.registry import read_json_object
from ecr_engine.runs.manifest import MANIFEST, load_manifest, verify
from ecr_engine.runs.space import check_space
from ecr_engine.runs.tensor_files import SAFETENSORS, read_tensors, summarise

Format = Literal["safetensors", "pytorch", "gguf"]

PYTORCH_MODEL = "pytorch_model.bin"
"""What transformers calls a model's pickled weights."""

_MODEL = "model"
_RENAMED = {"model": "pytorch_model"}
"""What transformers calls pickled files that are called otherwise as safetensors."""


@dataclass(frozen=True, slots=True)
class ExportedModel:
    """What was exported.

    Attributes:
        checkpoint: the checkpoint's folder.
        folder: what was written.
        format: of the weights.
        merged: whether an adapter was added to the weights.
        adapter: whether an adapter lies beside its base.
        parameters: weights of the model.
        files: bytes by file.
    """

    checkpoint: Path
    folder: Path
    format: Format
    merged: bool
    adapter: bool
    parameters: int
    files: dict[str, int]


def export_model(checkpoint: Path, output: Path, *, form: Format = "safetensors", merge: bool = True) -> ExportedModel:
    """Writes the model of a checkpoint into a folder that is complete or not there.

    Args:
        checkpoint: the checkpoint's folder.
        output: the folder to make, new or empty.
        form: of the weights.
        merge: whether an adapter is added to the weights; without one there is nothing to add.

    Raises:
        UnavailableError: the format is one that can't be written here.
        UsageError: the output can't be made, or holds other files.
        DataError: the checkpoint is damaged.
    """
    if form == "gguf":
        raise no_gguf(output)
    check_output(output, lambda folder: False)
    manifest = load_manifest(checkpoint)
    wrong = verify(checkpoint)
    if wrong:
        raise DataError(f"a damaged checkpoint is not exported: {wrong[0].what}", at=wrong[0].at, fix=wrong[0].fix)
    check_space("the export", output.parent, manifest.size)
    adapter = has_adapter(checkpoint)
    with staged(output, lambda folder: False) as staging:
        if adapter and merge:
            _write_merged(checkpoint, staging)
        else:
            _copy(checkpoint, staging)
        parameters = sum(summarise(read_tensors(path)).parameters for path in staging.glob(f"*{SAFETENSORS}"))
        if form == "pytorch":
            _to_pytorch(staging)
        files = {path.name: path.stat().st_size for path in sorted(staging.iterdir())}
    return ExportedModel(checkpoint, output, form, adapter and merge, adapter and not merge, parameters, files)


def no_gguf(output: Path) -> UnavailableError:
    """Why there is no GGUF: no installed library turns a Hugging Face folder into one; llama.cpp's own script does."""
    return UnavailableError(
        "GGUF can't be written here: the converter is part of llama.cpp, and no package has it",
        at="--format gguf",
        fix=f"leave --format out, and then type: python llama.cpp/convert_hf_to_gguf.py '{output}'",
    )


def _copy(checkpoint: Path, folder: Path) -> None:
    """The files of the model as they are: all that lie in the checkpoint itself, but its manifest."""
    for path in sorted(checkpoint.iterdir()):
        if path.is_file() and path.name != MANIFEST:
            shutil.copyfile(path, folder / path.name)


def _write_merged(checkpoint: Path, folder: Path) -> None:
    from ecr_engine.models.backbone import load_backbone, merged

    merged(load_backbone(str(checkpoint))).save(folder)


def _to_pytorch(folder: Path) -> None:
    """Turns every safetensors file into what `torch.save` writes of its tensors, and indexes with them.

    An adapter beside its base stays as it is: `from_pretrained` of transformers reads adapters in safetensors only.
    """
    import torch
    from safetensors.torch import load_file

    for path in _weights(folder):
        torch.save(load_file(path), path.with_name(_pickled(path.name)))
    for index in sorted(folder.glob(f"*{SAFETENSORS}{INDEX}")):
        shards_of(index)
        content = read_json_object(index)
        content[MAP] = {name: _pickled(shard) for name, shard in content[MAP].items()}
        renamed = index.with_name(_pickled(index.name.removesuffix(INDEX)) + INDEX)
        renamed.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        index.unlink()
    for path in _weights(folder):
        path.unlink()


def _weights(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob(f"*{SAFETENSORS}")) if path.name != ADAPTER_WEIGHTS]


def _pickled(name: str) -> str:
    """`model.safetensors` as `pytorch_model.bin`; of a shard, what follows `model` stays."""
    stem = name.removesuffix(SAFETENSORS)
    first, dash, rest = stem.partition("-")
    return f"{_RENAMED.get(first, first)}{dash}{rest}.bin"
