"""How unexpected the references are to the model that answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from ecr_engine.data.prompts import PromptEncoder
from ecr_engine.data.schema import Example, ReferenceLoss
from ecr_engine.models.response import ResponseModel, collate


@torch.no_grad()
def reference_losses(
    model: Any, examples: Sequence[Example], encoder: PromptEncoder, pad: int
) -> list[ReferenceLoss | None]:
    """The loss of each reference behind its prompt, as the training of the baseline counts it.

    Args:
        model: a causal LM in eval mode.
        examples: what was answered; one batch.
        encoder: renders prompts and references, and cuts both at their limits.
        pad: pad id.

    Returns:
        One loss an example; None where there is no reference.
    """
    rows = [row for row, example in enumerate(examples) if example.target.strip()]
    found: list[ReferenceLoss | None] = [None] * len(examples)
    if not rows:
        return found
    encoded = [encoder.encode(examples[row]) for row in rows]
    batch = collate([one.prompt for one in encoded], [one.target for one in encoded], pad).to(model.device)
    logs = ResponseModel(model)(batch).log_probs.double().sum(-1).tolist()
    for row, one, log in zip(rows, encoded, logs, strict=True):
        found[row] = ReferenceLoss(-log, len(one.target))
    return found
