"""Value functions: where the baseline of the advantages comes from."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn


class CriticValues(nn.Module):
    """The critic's value of the context, the same for every token of the response.

    What is worth knowing before a response is how well one can answer this context at all; the critic learned that
    from the judge's scores and goes on learning it from the returns.

    Args:
        critic: a trained `CriticModel`.
    """

    def __init__(self, critic: Any) -> None:
        super().__init__()
        self.critic = critic

    def forward(self, hidden: Tensor, contexts: Tensor, contexts_mask: Tensor) -> Tensor:
        """Values [B, T].

        Args:
            hidden: [B, T, H] of the policy's trunk; only its shape is used.
            contexts: [B, L] ids as the critic reads them.
            contexts_mask: [B, L].
        """
        value: Tensor = self.critic(contexts, contexts_mask).value
        return value.unsqueeze(-1).expand(-1, hidden.shape[1])


class TrunkValues(nn.Module):
    """A linear head on the policy's trunk, one value a token; 0 everywhere at the start.

    Args:
        hidden_size: width of the trunk.
        trunk_gradient: whether the value loss trains the trunk too; without, no gradient of it reaches the policy.
    """

    def __init__(self, hidden_size: int, *, trunk_gradient: bool = False) -> None:
        super().__init__()
        self.trunk_gradient = trunk_gradient
        self.head = nn.Linear(hidden_size, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, hidden: Tensor, contexts: Tensor, contexts_mask: Tensor) -> Tensor:
        """Values [B, T] of the states `hidden` [B, T, H]."""
        states = hidden if self.trunk_gradient else hidden.detach()
        value: Tensor = self.head(states.float())
        return value.squeeze(-1)
