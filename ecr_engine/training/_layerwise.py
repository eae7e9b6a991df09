"""Fine-tuning a pretrained encoder with a rate for each layer: the lower, the smaller.

Lower layers hold what is general and need little change; Howard and Ruder, "Universal Language Model Fine-tuning for
Text Classification", ACL 2018, section 3.2.
"""

from __future__ import annotations

import re
from typing import Any

from torch import nn

_LAYER = re.compile(r"\.(?:layers?|h|blocks?)\.(\d+)\.")
_HEAD = re.compile(r"(?:\w+_)?head\.")


def parameter_groups(
    model: nn.Module, *, layer_decay: float, head_factor: float, weight_decay: float
) -> list[dict[str, Any]]:
    """Groups for an optimizer, each with a `scale` that its learning rate is the peak's times of.

    The top layer has scale 1, each layer below it `layer_decay` of the one above, the embeddings that of a layer below
    the lowest. Vectors (biases, norms) have no weight decay.

    Args:
        model: an encoder with heads whose parameters are named `head.…` or `NAME_head.…`.
        layer_decay: in (0, 1].
        head_factor: the head's scale.
        weight_decay: of matrices.
    """
    depths = {name: _depth(name) for name, _ in model.named_parameters()}
    layers = max(depths.values())
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        scale = head_factor if _HEAD.match(name) else layer_decay ** (layers - depths[name])
        groups.setdefault((scale, weight_decay if parameter.dim() > 1 else 0.0), []).append(parameter)
    return [
        {"params": parameters, "scale": scale, "weight_decay": decay} for (scale, decay), parameters in groups.items()
    ]


def _depth(name: str) -> int:
    """0 for embeddings, n + 1 for layer n."""
    found = _LAYER.search(name)
    return 0 if found is None else int(found.group(1)) + 1
