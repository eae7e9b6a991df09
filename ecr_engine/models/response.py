"""Log-probabilities of response tokens under a causal LM: the one forward pass of SFT, rollouts' scoring and PPO."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ecr_engine.models.generation import left_pad, positions

CHUNK = 1024
"""Response tokens whose logits are made at a time."""


class TokenBatch(NamedTuple):
    """Prompts and responses side by side: `[pad … prompt | response … pad]`.

    Attributes:
        ids: [B, P + T].
        mask: [B, P + T], 1 for real tokens.
        response_mask: [B, T], 1 for response tokens (the stop token included).
    """

    ids: Tensor
    mask: Tensor
    response_mask: Tensor

    def to(self, device: torch.device) -> TokenBatch:
        """The same batch on `device`."""
        return TokenBatch(self.ids.to(device), self.mask.to(device), self.response_mask.to(device))


class ResponseOutput(NamedTuple):
    """What a forward pass says of the response tokens.

    Attributes:
        log_probs: [B, T] float32 log-probability of each token given all before it; 0 where masked.
        entropy: [B, T] float32 entropy of each token's distribution in nats; 0 where masked, or if not asked for.
        hidden: [B, T, H] the trunk's state from which each token was predicted.
    """

    log_probs: Tensor
    entropy: Tensor
    hidden: Tensor


def collate(prompts: Sequence[Sequence[int]], responses: Sequence[Sequence[int]], pad: int) -> TokenBatch:
    """Pads prompts on the left and responses on the right."""
    ids, mask = left_pad(prompts, pad)
    width = max(len(row) for row in responses)
    tail = torch.full((len(responses), width), pad, dtype=torch.long)
    tail_mask = torch.zeros((len(responses), width), dtype=torch.long)
    for index, row in enumerate(responses):
        tail[index, : len(row)] = torch.tensor(row, dtype=torch.long)
        tail_mask[index, : len(row)] = 1
    return TokenBatch(torch.cat([ids, tail], 1), torch.cat([mask, tail_mask], 1), tail_mask)


class ResponseModel(nn.Module):
    """Wraps a causal LM so that its forward pass gives log-probabilities, and no logits for prompt tokens.

    Args:
        model: a causal LM.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: TokenBatch, *, temperature: float = 1.0, with_entropy: bool = False) -> ResponseOutput:
        """Log-probabilities of the batch's response tokens.

        Args:
            batch: prompts and responses.
            temperature: logits are divided by it, as in the rollout that drew the tokens.
            with_entropy: also compute the entropy.
        """
        length = batch.response_mask.shape[1]
        trunk = self.model.base_model(
            input_ids=batch.ids, attention_mask=batch.mask, position_ids=positions(batch.mask), use_cache=False
        )
        # The state at position i predicts token i + 1: the slice starts one before the response.
        hidden = trunk.last_hidden_state[:, -length - 1 : -1]
        valid = batch.response_mask.bool()
        states, tokens = hidden[valid], batch.ids[:, -length:][valid]
        log_probs, entropies = [], []
        for start in range(0, len(tokens), CHUNK):
            logits = self.model.get_output_embeddings()(states[start : start + CHUNK]).float() / temperature
            logs = torch.log_softmax(logits, dim=-1)
            log_probs.append(logs.gather(-1, tokens[start : start + CHUNK].unsqueeze(-1)).squeeze(-1))
            if with_entropy:
                entropies.append(-(logs.exp() * logs).sum(-1))
        flat = torch.cat(log_probs)
        empty = torch.zeros(valid.shape, dtype=flat.dtype, device=flat.device)
        spread = empty.masked_scatter(valid, torch.cat(entropies)) if with_entropy else empty
        return ResponseOutput(empty.masked_scatter(valid, flat), spread, hidden)
