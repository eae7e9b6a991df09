"""Log-probabilities of response tokens under a causal LM: the one forward pass of SFT, rollouts' scoring and PPO."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ecr_engine.models.generation import left_pad, positions
from ecr_engine.models.packed.table import read_table
from ecr_engine.models.packed.trunk import SharedGradient, Trunk, packed_states, read_trunk
from ecr_engine.models.token_logs import plain_token_logs, token_logs

LOGITS_AT_A_TIME = 9_000_000
"""Numbers in the logits that are made at a time: just over 32 MiB in float32, from where on glibc gives freed memory
back at once."""


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
        hidden: [B, T, H] the trunk's state from which each token was predicted; 0 where masked.
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
        trunk = read_trunk(self.model)
        states, shared = self._states(batch) if trunk is None else _packed(trunk, batch)
        valid = batch.response_mask.bool()
        tokens = batch.ids[:, -valid.shape[1] :][valid]
        logs, entropies = self._logs(states, tokens, shared, temperature, with_entropy=with_entropy)
        empty = torch.zeros(valid.shape, dtype=torch.float32, device=logs.device)
        hidden = states.new_zeros((*valid.shape, states.shape[-1]))
        return ResponseOutput(
            empty.masked_scatter(valid, logs),
            empty.masked_scatter(valid, entropies),
            hidden.index_put(valid.nonzero(as_tuple=True), states),
        )

    def _states(self, batch: TokenBatch) -> tuple[Tensor, SharedGradient]:
        """States [n, H] from which the n response tokens are predicted, by transformers, on the padded batch."""
        length = batch.response_mask.shape[1]
        trunk = self.model.base_model(
            input_ids=batch.ids, attention_mask=batch.mask, position_ids=positions(batch.mask), use_cache=False
        )
        # The state at position i predicts token i + 1: the slice starts one before the response.
        return trunk.last_hidden_state[:, -length - 1 : -1][batch.response_mask.bool()], SharedGradient(tied=False)

    def _logs(
        self, states: Tensor, tokens: Tensor, shared: SharedGradient, temperature: float, *, with_entropy: bool
    ) -> tuple[Tensor, Tensor]:
        """Log-probabilities and entropies [n], by an output layer that may be any module."""
        head = self.model.get_output_embeddings()
        table = read_table(head, nn.Linear)
        chunk = max(1, LOGITS_AT_A_TIME // self.model.config.vocab_size)
        if table is None:
            return plain_token_logs(
                states, head, tokens, temperature=temperature, chunk=chunk, with_entropy=with_entropy
            )
        kind = states.device.type
        dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else table.weight.dtype
        return token_logs(
            states,
            table,
            tokens,
            temperature=temperature,
            dtype=dtype,
            chunk=chunk,
            with_entropy=with_entropy,
            shared=shared,
        )


def _packed(trunk: Trunk, batch: TokenBatch) -> tuple[Tensor, SharedGradient]:
    """The same states, without computing any padding, or a prompt that several rows have more than once."""
    forest = _forest(batch)
    device, shared = batch.ids.device, SharedGradient(tied=trunk.tied)
    wanted = torch.tensor(forest.wanted, dtype=torch.long, device=device)
    return packed_states(trunk, torch.tensor(forest.ids, device=device), forest.trees, wanted, shared), shared


class Forest(NamedTuple):
    """A batch as trees of tokens; each prompt is there once.

    Attributes:
        ids: of all tokens, tree after tree.
        trees: lengths of the prompt and of its responses; of both together where a prompt has one.
        wanted: for each response token of the batch, row by row, the place of the token before it.
    """

    ids: list[int]
    trees: list[tuple[int, ...]]
    wanted: list[int]


def _forest(batch: TokenBatch) -> Forest:
    rows = [line[kept] for line, kept in zip(batch.ids, batch.mask.bool(), strict=True)]
    sizes = batch.response_mask.sum(-1).tolist()
    answered: dict[tuple[int, ...], list[int]] = {}
    for row, line in enumerate(rows):
        answered.setdefault(tuple(line[: len(line) - sizes[row]].tolist()), []).append(row)
    ids: list[int] = []
    trees: list[tuple[int, ...]] = []
    before: list[list[int]] = [[]] * len(rows)
    for prompt, places in answered.items():
        start = len(ids)
        ids += prompt
        for row in places:
            # The first token of a response follows the prompt, each further one the token before it.
            before[row] = [start + len(prompt) - 1, *range(len(ids), len(ids) + sizes[row] - 1)][: sizes[row]]
            ids += rows[row][len(prompt) :].tolist()
        branches = [sizes[row] for row in places]
        trees.append((len(prompt), *branches) if len(places) > 1 else (len(prompt) + branches[0],))
    return Forest(ids, trees, [place for line in before for place in line])
