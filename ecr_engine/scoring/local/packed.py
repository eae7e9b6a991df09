"""The same as `sharing`, for Llamas on the CPU: one pass over a batch, without padding and without growing a cache.

All rows stand one after the other, each with its case and all of its questions; a mask keeps the questions of a row
from seeing each other, and every row sees the keys and values of the task. Built on `ecr_engine.models.packed`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ecr_engine.models.packed.arithmetic import norm, rotate
from ecr_engine.models.packed.layer import Frame, LayerWeights
from ecr_engine.models.packed.layout import Layout
from ecr_engine.models.packed.projection import Projection, project, stacked
from ecr_engine.models.packed.trunk import Trunk
from ecr_engine.scoring.local.sharing import Question


@dataclass(frozen=True, slots=True)
class Row:
    """Where a row's tokens stand in a pass, and what they see.

    Attributes:
        start: place of its first token.
        end: place behind its last token.
        ends: place of the last token of each question.
        mask: [end - start, task + end - start]; 0 where a token may look, else minus infinity.
    """

    start: int
    end: int
    ends: tuple[int, ...]
    mask: Tensor


class PackedReader:
    """Reads prompts whose first part is the same for all.

    Args:
        trunk: the weights.
        task: ids of the first part; at least one.
    """

    def __init__(self, trunk: Trunk, task: Sequence[int]) -> None:
        self._trunk = trunk
        self._keys: list[Tensor] = []
        self._values: list[Tensor] = []
        self._length = 0
        with torch.inference_mode():
            self._make_room(len(task))
            self._pass(list(task), torch.arange(len(task)), [Row(0, len(task), (), self._mask(len(task), ()))])
        # What this pass has written is the first part of all that come.
        self._length = len(task)

    def logits(self, cases: Sequence[Sequence[int]], questions: Sequence[Question]) -> list[Tensor]:
        """See `sharing.Reader`."""
        with torch.inference_mode():
            ids, places, rows = self._lay_out(cases, [question.ids for question in questions])
            self._make_room(self._length + max(row.end - row.start for row in rows))
            states = self._pass(ids, places, rows)
            ends = torch.tensor([row.ends for row in rows])
            # In float32, and for the few tokens that are looked at: half precision would round the chances.
            return [
                F.linear(states[ends[:, index]], self._trunk.head.look_up(torch.tensor(question.tokens), torch.float32))
                for index, question in enumerate(questions)
            ]

    def _lay_out(
        self, cases: Sequence[Sequence[int]], questions: Sequence[Sequence[int]]
    ) -> tuple[list[int], Tensor, list[Row]]:
        """All ids, their positions [N], and the rows."""
        ids: list[int] = []
        places: list[Tensor] = []
        rows = []
        for case in cases:
            start, behind = len(ids), self._length + len(case)
            ids += case
            places.append(torch.arange(self._length, behind))
            ends = []
            for question in questions:
                ids += question
                places.append(torch.arange(behind, behind + len(question)))
                ends.append(len(ids) - 1)
            mask = self._mask(len(case), [len(question) for question in questions])
            rows.append(Row(start, len(ids), tuple(ends), mask))
        return ids, torch.cat(places), rows

    def _mask(self, case: int, questions: Sequence[int]) -> Tensor:
        length = case + sum(questions)
        hidden = torch.ones(length, length, dtype=torch.bool).triu(1)
        start = case
        for question in questions:
            hidden[start : start + question, case:start] = True
            start += question
        mask = torch.zeros(length, self._length + length, dtype=self._trunk.dtype)
        mask[:, self._length :].masked_fill_(hidden, float("-inf"))
        return mask

    def _make_room(self, length: int) -> None:
        """Sees to it that keys and values of so many tokens, the task's among them, fit."""
        heads = self._trunk.heads
        for kept in (self._keys, self._values):
            if kept and kept[0].shape[1] >= length:
                continue
            room = [torch.empty((heads.keys, length, heads.size), dtype=self._trunk.dtype) for _ in self._trunk.layers]
            for index, part in enumerate(kept):
                room[index][:, : self._length] = part[:, : self._length]
            kept[:] = room

    def _pass(self, ids: list[int], places: Tensor, rows: Sequence[Row]) -> Tensor:
        """States [N, H] float32 behind the last norm."""
        trunk = self._trunk
        with torch.autocast("cpu", enabled=False):
            frame = trunk.framed(places, trunk.dtype, Layout(places, []))
            x = trunk.embedding.look_up(torch.tensor(ids), trunk.dtype)
            for index, weights in enumerate(trunk.layers):
                x = self._layer(index, weights, x, frame, rows)
            return norm(x, trunk.norm, trunk.epsilon, torch.float32).output

    def _layer(self, index: int, weights: LayerWeights, x: Tensor, frame: Frame, rows: Sequence[Row]) -> Tensor:
        query, key, value, out, gate, up, down = weights.projections
        state = norm(x, weights.before, frame.epsilon, frame.dtype).output
        queries = rotate(_one(state, query), frame.turn)
        keys = rotate(_one(state, key), frame.turn)
        mixed = self._attend(index, queries, keys, _one(state, value), rows)
        x = _one(mixed, out).float().add_(x)
        state = norm(x, weights.after, frame.epsilon, frame.dtype).output
        return _one(F.silu(_one(state, gate)).mul_(_one(state, up)), down).float().add_(x)

    def _attend(self, index: int, queries: Tensor, keys: Tensor, values: Tensor, rows: Sequence[Row]) -> Tensor:
        """What each token takes from the task and from its own row, [N, queries * D]."""
        heads = self._trunk.heads
        out = torch.empty_like(queries)
        shape = (-1, heads.keys, heads.repeats, heads.size)
        for row in rows:
            own = slice(row.start, row.end)
            whole = self._length + row.end - row.start
            sides = []
            for kept, part in ((self._keys[index], keys), (self._values[index], values)):
                # Each row writes over the last one's, behind the task.
                kept[:, self._length : whole] = part[own].view(-1, heads.keys, heads.size).transpose(0, 1)
                sides.append(kept[:, None, :whole].expand(-1, heads.repeats, -1, -1))
            query = queries[own].view(shape).permute(1, 2, 0, 3)
            found = F.scaled_dot_product_attention(query, sides[0], sides[1], attn_mask=row.mask)
            out[own].view(shape).copy_(found.permute(2, 0, 1, 3))
        return out


def _one(state: Tensor, projection: Projection) -> Tensor:
    """A layer by itself: stacked with its neighbours the weights would be there twice."""
    return project(state, (projection,), stacked((projection,), state.dtype))
