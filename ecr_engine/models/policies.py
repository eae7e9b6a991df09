"""What is trained: all weights of a backbone, or an adapter on it, over a base that may be quantised.

| backbone in the folder | all weights | adapter |
|---|---|---|
| plain | trained as they are | a new adapter on it |
| plain, quantised | refused | a new adapter on it |
| with an adapter | the adapter is added to the weights, and they are trained | the same adapter is trained on |
| quantised, with an adapter | refused | the same adapter is trained on |
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecr_engine.errors import UsageError
from ecr_engine.models.adapter_files import ADAPTER_CONFIG, adapter_facts, has_adapter
from ecr_engine.models.adapters import Lora, attach
from ecr_engine.models.backbone import Backbone, load_backbone, merged
from ecr_engine.models.quantisation import Quantisation, quantisation_of
from ecr_engine.models.registry import read_json_object, source_of


@dataclass(frozen=True, slots=True)
class Tuning:
    """How a backbone is trained.

    Attributes:
        lora: the adapter's shape; None to train all weights.
        quantisation: bits of the frozen weights under an adapter.
        precision: `no`, `bf16` or `fp16`.
        seed: of a new adapter's weights.
    """

    lora: Lora | None
    quantisation: Quantisation
    precision: str
    seed: int


def load_trainable(name: str, tuning: Tuning) -> Backbone:
    """A backbone, ready to be trained: `Backbone.trained` are the weights that an optimizer takes.

    Args:
        name: a registered name, a local folder or a hub id.
        tuning: how it is trained.

    Raises:
        EcrError: see `load_backbone`.
        UsageError: the folder's adapter or its quantisation is another than `tuning` asks for.
    """
    found = _quantisation_in(name)
    if tuning.lora is None:
        if found != "none":
            raise UsageError(
                f"the weights of '{name}' are quantised ({found}), and such weights can't be trained",
                at="backbone.adapter",
                fix="--set backbone.adapter=lora, or name a backbone with whole weights",
            )
        backbone = load_backbone(name)
        return merged(backbone) if backbone.adapted else backbone
    adapted = has_adapter(Path(source_of(name)))
    if found != tuning.quantisation and (adapted or found != "none"):
        raise UsageError(
            f"'{name}' has a base with quantisation {found}, and backbone.quantisation is {tuning.quantisation}",
            at="backbone.quantisation",
            fix=f"--set backbone.quantisation={found}",
        )
    if adapted:
        _check_shape(name, tuning.lora)
    fresh = "none" if found != "none" else tuning.quantisation
    backbone = load_backbone(name, quantisation=fresh, precision=tuning.precision)
    if not adapted:
        adapt(backbone, tuning.lora, seed=tuning.seed)
    return backbone


def adapt(backbone: Backbone, lora: Lora, *, seed: int) -> None:
    """Puts a new adapter on a backbone, in place; its weights are frozen, but for the rows of new tokens."""
    attach(backbone.model, lora, seed=seed, new_tokens=backbone.new_tokens)
    backbone.adapted = True


def _quantisation_in(name: str) -> Quantisation:
    path = Path(source_of(name)) / "config.json"
    return quantisation_of(read_json_object(path)) if path.is_file() else "none"


def _check_shape(name: str, lora: Lora) -> None:
    """Refuses an adapter of another shape than the settings ask for: it can only be trained on as it is."""
    folder = Path(source_of(name))
    facts = adapter_facts(folder)
    wanted: dict[str, Any] = {"rank": lora.rank, "alpha": lora.alpha, "targets": ",".join(sorted(lora.targets))}
    found = {"rank": facts["r"], "alpha": facts["lora_alpha"], "targets": ",".join(sorted(facts["target_modules"]))}
    for key, value in found.items():
        if value != wanted[key]:
            raise UsageError(
                f"the adapter in '{name}' has {key} {value}, and lora.{key} is {wanted[key]}",
                at=str(folder / ADAPTER_CONFIG),
                fix=f"--set lora.{key}={value}",
            )
