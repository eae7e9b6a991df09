"""The fitted model in a file: `relevance.safetensors`, which belongs to one processed corpus."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np

from ecr_engine.errors import DataError, EcrError
from ecr_engine.rewards.relevance.features import BITS, COUNT_BITS, Counts
from ecr_engine.rewards.relevance.model import Calibration, RelevanceModel
from ecr_engine.runs import atomic

FILE = "relevance.safetensors"
"""Name of the file in the folder of what components have fitted."""

FORMAT = "ecr-relevance/2"
"""Goes up with every change of features, negatives or training, so that an older file is fitted anew."""

_KEY = "relevance"
_SHAPES = {"weights": (1 << BITS,), "counts": (1 << COUNT_BITS,)}


def save(folder: Path, model: RelevanceModel, fingerprint: str) -> Path:
    """Writes the model in one step and returns the file.

    Args:
        folder: made if it is not there.
        model: what was fitted.
        fingerprint: of the corpus it was fitted to.

    Raises:
        EcrError: the file can't be written.
    """
    from safetensors.numpy import save as encode

    about = {
        "format": FORMAT,
        "fingerprint": fingerprint,
        "middle": model.calibration.middle,
        "spread": model.calibration.spread,
    }
    content = encode(
        {"weights": model.weights.astype(np.float16), "counts": model.counts.table.astype(np.uint8)},
        {_KEY: json.dumps(about)},
    )
    path = folder / FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        atomic.write_bytes(path, content)
    except OSError as error:
        raise EcrError(
            f"the fitted relevance model can't be written: {error.strerror or error}",
            at=str(path),
            fix="give a run folder you can write to",
        ) from error
    return path


def load(folder: Path, fingerprint: str) -> RelevanceModel | None:
    """The model in a folder; None if there is none, or one of another corpus or of an older version.

    Args:
        folder: what `save` was given.
        fingerprint: of the corpus that it has to be fitted to.

    Raises:
        DataError: the file is damaged.
    """
    from safetensors import SafetensorError, safe_open

    path = folder / FILE
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="numpy") as opened:
            about = json.loads((opened.metadata() or {})[_KEY])
            if (about["format"], about["fingerprint"]) != (FORMAT, fingerprint):
                return None
            weights, counts = (opened.get_tensor(name) for name in _SHAPES)
            calibration = Calibration(float(about["middle"]), float(about["spread"]))
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise _damaged(path, "it can't be read") from error
    if {"weights": weights.shape, "counts": counts.shape} != _SHAPES:
        raise _damaged(path, "its tables have another size")
    if not (np.isfinite(weights).all() and math.isfinite(calibration.middle) and 0 < calibration.spread < math.inf):
        raise _damaged(path, "it holds what is no number")
    return RelevanceModel(weights.astype(np.float32), Counts(counts.astype(np.int32)), calibration)


def _damaged(path: Path, why: str) -> DataError:
    return DataError(
        f"the fitted relevance model is damaged: {why}", at=str(path), fix="remove the file; it is fitted again"
    )
