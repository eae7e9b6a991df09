"""The trunk of a Llama over packed sequences, with the weights of a `LlamaForCausalLM` as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ecr_engine.models.memory import release_freed
from ecr_engine.models.packed.arithmetic import Heads, norm, norm_backward
from ecr_engine.models.packed.layer import Frame, LayerWeights, run_layer
from ecr_engine.models.packed.layout import Layout, Tree, lay_out
from ecr_engine.models.packed.projection import PAIRED, Projection, is_exactly, read_projection
from ecr_engine.models.packed.table import Table, read_table


@dataclass(frozen=True, slots=True)
class Trunk:
    """A Llama's weights in the order in which they are used.

    Attributes:
        model: the `LlamaForCausalLM` they belong to.
        embedding: of the tokens.
        head: the output layer; of the very same tensors where they are tied.
        norm: [H] of the last norm.
        layers: the layers.
        heads: shape of the attention.
        epsilon: of the norms.
    """

    model: Any
    embedding: Table
    head: Table
    norm: Tensor
    layers: tuple[LayerWeights, ...]
    heads: Heads
    epsilon: float

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.norm.device

    @property
    def tied(self) -> bool:
        """Whether embedding and output layer are one matrix."""
        return self.head.weight is self.embedding.weight

    @property
    def dtype(self) -> torch.dtype:
        """The precision of matrix products: autocast's where it is on, else the weights'."""
        kind = self.device.type
        own = self.layers[0].projections[0].weight.dtype
        return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else own

    def frame(self, trees: Sequence[Tree], dtype: torch.dtype) -> Frame:
        """What the layers need to know of these trees."""
        layout = lay_out(trees, self.device)
        return self.framed(layout.positions, dtype, layout)

    def framed(self, positions: Tensor, dtype: torch.dtype, layout: Layout) -> Frame:
        """The same for tokens at `positions` [N], wherever those stand."""
        likeness = torch.empty(0, dtype=torch.float32, device=positions.device)
        cos, sin = self.model.model.rotary_emb(likeness, positions.unsqueeze(0))
        turn = torch.complex(cos[0], sin[0])[:, : self.heads.size // 2]
        turn = turn.repeat(1, self.heads.queries + self.heads.keys)
        return Frame(self.heads, self.epsilon, turn, turn.conj_physical(), layout, dtype)


def read_trunk(model: Any) -> Trunk | None:
    """The weights of a causal LM; None for a model that this package can't compute.

    It computes Llamas on the CPU whose linear layers are plain or carry one LoRA adapter: not quantised ones, not other
    architectures, and none in training mode with dropout.
    """
    from transformers import LlamaForCausalLM

    if not is_exactly(model, LlamaForCausalLM) or model.device.type != "cpu":
        return None
    config, inner = model.config, model.model
    dropped = model.training and config.attention_dropout > 0
    embedding, head = read_table(inner.embed_tokens, nn.Embedding), read_table(model.lm_head, nn.Linear)
    if dropped or config.hidden_act != "silu" or embedding is None or head is None:
        return None
    layers = []
    for index, layer in enumerate(inner.layers):
        weights = _read_layer(layer, index, training=model.training)
        if weights is None:
            return None
        layers.append(weights)
    heads = Heads(config.num_attention_heads, config.num_key_value_heads, layer.self_attn.head_dim)
    return Trunk(
        model,
        embedding,
        head,
        inner.norm.weight,
        tuple(layers),
        heads,
        config.rms_norm_eps,
    )


def _read_layer(layer: Any, index: int, *, training: bool) -> LayerWeights | None:
    attention, mlp = layer.self_attn, layer.mlp
    modules = (
        attention.q_proj,
        attention.k_proj,
        attention.v_proj,
        attention.o_proj,
        mlp.gate_proj,
        mlp.up_proj,
        mlp.down_proj,
    )
    found: list[Projection] = []
    for place, module in enumerate(modules):
        projection = read_projection(module, training=training)
        if projection is None:
            return None
        # Queries and keys are rotated in pairs.
        found.append(projection._replace(head=attention.head_dim) if place < PAIRED else projection)
    return LayerWeights(index, layer.input_layernorm.weight, layer.post_attention_layernorm.weight, tuple(found))


class SharedGradient:
    """Hands the output layer's gradient to the embedding where both are one tensor.

    Left to autograd, each makes a gradient of the whole vocabulary, and then there is their sum.

    Attributes:
        tied: whether they are one.
        waiting: [V, H] from the output layer, until the embedding takes it.
    """

    def __init__(self, *, tied: bool) -> None:
        self.tied = tied
        self.waiting: Tensor | None = None

    def take(self, weight: Tensor) -> Tensor:
        """What is waiting, or zeros in the shape of the weight."""
        waiting, self.waiting = self.waiting, None
        return torch.zeros_like(weight) if waiting is None else waiting


def packed_states(trunk: Trunk, ids: Tensor, trees: Sequence[Tree], wanted: Tensor, shared: SharedGradient) -> Tensor:
    """States [W, H] float32 at the places `wanted` [W], behind the last norm.

    Args:
        trunk: the weights.
        ids: [N] all trees, one after the other.
        trees: their lengths.
        wanted: places among the N; one may be there several times.
        shared: takes the output layer's gradient to the embedding.
    """
    frame = trunk.frame(trees, trunk.dtype)
    if torch.is_grad_enabled():
        # The gradients of the step before, in pieces.
        release_freed(len(ids) * trunk.norm.nbytes * len(trunk.layers))
    with torch.autocast(ids.device.type, enabled=False):
        x = Embed.apply(*trunk.embedding.tensors, trunk.embedding, ids, frame.dtype, shared)  # type: ignore[no-untyped-call]
        for weights in trunk.layers:
            x = run_layer(x, frame, weights)
        return Norm.apply(x[wanted], trunk.norm, trunk.epsilon)  # type: ignore[no-untyped-call, no-any-return]


class Embed(torch.autograd.Function):
    """Embeddings [N, H] float32, read in the precision of the matrix products."""

    @staticmethod
    def forward(
        ctx: Any,
        weight: Tensor,
        rows: Tensor | None,
        table: Table,
        ids: Tensor,
        dtype: torch.dtype,
        shared: SharedGradient,
    ) -> Tensor:
        """The rows of the ids."""
        ctx.save_for_backward(weight, ids)
        ctx.table, ctx.shared = table, shared
        return table.look_up(ids, dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:
        """Adds to what the output layer left, where they are tied."""
        weight, ids = ctx.saved_tensors
        (gradient,) = gradients
        if ctx.table.padding is not None:
            gradient = gradient.masked_fill((ids == ctx.table.padding).unsqueeze(-1), 0.0)
        whole = None
        if ctx.needs_input_grad[0]:
            whole = ctx.shared.take(weight)
            whole.index_add_(0, ids, gradient.to(whole.dtype))
        return whole, ctx.table.rows_gradient(ids, gradient), None, None, None, None


class Norm(torch.autograd.Function):
    """The last norm, in float32."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
        """See `arithmetic.norm`."""
        normed = norm(x, weight, epsilon, torch.float32)
        ctx.save_for_backward(weight)
        ctx.normed = normed._replace(output=normed.unit)
        return normed.output

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:
        """See `arithmetic.norm_backward`."""
        (weight,) = ctx.saved_tensors
        return (*norm_backward(gradients[0], ctx.normed, weight), None)
