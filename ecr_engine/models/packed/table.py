"""The matrix of a vocabulary: the embeddings, the output layer, or both in one."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ecr_engine.models.packed.projection import is_exactly


class Table(NamedTuple):
    """One row a token.

    Attributes:
        weight: [V, H].
        places: [k] ids of tokens whose rows an adapter replaces; None for none.
        rows: [k, H] those rows; None for none.
        padding: id of the token that is looked up without a gradient, as `nn.Embedding` has it; None for none.
    """

    weight: Tensor
    places: Tensor | None
    rows: Tensor | None
    padding: int | None = None

    @property
    def tensors(self) -> tuple[Tensor, Tensor | None]:
        """What gradients are for."""
        return self.weight, self.rows

    def dense(self, dtype: torch.dtype) -> Tensor:
        """The whole matrix in `dtype`; not to be written to."""
        whole = self.weight.detach().to(dtype)
        if self.places is None or self.rows is None:
            return whole
        return whole.index_copy(0, self.places, self.rows.detach().to(dtype))

    def look_up(self, ids: Tensor, dtype: torch.dtype) -> Tensor:
        """Rows [N, H] of ids [N], rounded to `dtype`, as float32; without gradients."""
        found = F.embedding(ids, self.weight.detach()).to(dtype).float()
        if self.places is None or self.rows is None:
            return found
        which, row = (ids.unsqueeze(-1) == self.places).nonzero(as_tuple=True)
        return found.index_copy_(0, which, self.rows.detach().to(dtype).float()[row])

    def rows_gradient(self, ids: Tensor, gradient: Tensor) -> Tensor | None:
        """Gradient [k, H] of the replaced rows from that of what was looked up [N, H]; None without any."""
        if self.places is None or self.rows is None:
            return None
        which, row = (ids.unsqueeze(-1) == self.places).nonzero(as_tuple=True)
        return torch.zeros_like(self.rows).index_add_(0, row, gradient[which].to(self.rows.dtype))


def read_table(module: Any, kind: type[nn.Module]) -> Table | None:
    """The matrix of an embedding or an output layer; None for one that is computed in another way.

    Args:
        module: `model.embed_tokens` or `lm_head`.
        kind: `nn.Embedding` or `nn.Linear`; or what peft makes of it to train single rows.
    """
    if is_exactly(module, kind):
        plain = kind is nn.Embedding or module.bias is None
        return Table(module.weight, None, None, module.padding_idx if kind is nn.Embedding else None) if plain else None
    if not type(module).__module__.startswith("peft."):
        return None
    from peft.utils.other import TrainableTokensWrapper

    if not is_exactly(module, TrainableTokensWrapper):
        return None
    layer = module.token_adapter
    inner = read_table(layer.base_layer, kind)
    if inner is None or layer.merged:
        return None
    names = [] if layer.disable_adapters else [name for name in layer.active_adapters if name in layer.token_indices]
    if not names:
        return inner
    (name, *more) = names
    if more:
        return None
    places = torch.tensor(layer.token_indices[name], device=inner.weight.device)
    return inner._replace(places=places, rows=layer.trainable_tokens_delta[name])
