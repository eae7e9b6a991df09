"""What the settings say of adapters: the layers they name, and what contradicts what."""

from __future__ import annotations

from ecr_engine.config.sections.models import LINEAR_LAYERS
from ecr_engine.errors import UsageError, suggestion


def target_layers(targets: str) -> tuple[str, ...]:
    """The linear layers that the setting `lora.targets` names.

    peft takes an unknown name beside a known one without a word, so names are checked here.

    Args:
        targets: `all`, or names with commas between.

    Raises:
        UsageError: a Llama has no linear layer of such a name, or none is named.
    """
    names = LINEAR_LAYERS if targets.strip() == "all" else tuple(filter(None, map(str.strip, targets.split(","))))
    for name in names:
        if name not in LINEAR_LAYERS:
            raise UsageError(
                f"lora.targets names '{name}', and a Llama has no such linear layer",
                at="lora.targets",
                fix=suggestion(name, ("all", *LINEAR_LAYERS)),
            )
    if not names:
        raise UsageError("lora.targets names no layer", at="lora.targets", fix="--set lora.targets=all")
    return names
