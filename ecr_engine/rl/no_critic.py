"""What stands where the critic would, for estimators that use none: nothing is encoded and nothing is run."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class NoContexts:
    """Reads contexts as a critic would, and sees nothing."""

    def encode(self, contexts: Sequence[str], responses: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Ids and mask [B, 1] of one empty place a row."""
        return torch.zeros((len(contexts), 1), dtype=torch.long), torch.ones((len(contexts), 1), dtype=torch.long)


class NoValues(nn.Module):
    """Values that are all 0, without a weight."""

    def forward(self, hidden: Tensor, contexts: Tensor, contexts_mask: Tensor) -> Tensor:
        """Zeros [B, T].

        Args:
            hidden: [B, T, H] of the policy's trunk; only its shape is used.
            contexts: not used.
            contexts_mask: not used.
        """
        return torch.zeros(hidden.shape[:2], device=hidden.device)
